/**
 * What servers are able to do, asked once per host and remembered; a repository that differs from its host is
 * remembered by itself.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { decoded, type Exchange } from "./exchange.ts"
import type { TransportTarget } from "./GitTransport.ts"
import { parseHttpUrl } from "./httpAddress.ts"
import type { TransportError } from "./TransportError.ts"
import { type Capabilities, type CapabilitiesV2, readCapabilities } from "./wire/capabilities.ts"

/** Most hosts, and most repositories that differ from theirs, that are remembered. */
const rememberedMax = 1_000

/** How a repository is read: by version 2, or by what came before. */
export type Abilities = CapabilitiesV2 | { readonly version: 0 }

export interface ServerKnowledge {
  /** Asks the repository itself. */
  readonly ask: (target: TransportTarget) => Effect.Effect<Capabilities, TransportError>
  /**
   * Does something by what is known of the host. When the answer is not git's, the repository itself is asked, and if it
   * turns out to be another one than its host, it is done again.
   */
  readonly using: <A>(
    target: TransportTarget,
    work: (abilities: Abilities) => Effect.Effect<A, TransportError>
  ) => Effect.Effect<A, TransportError>
}

/** Knows nothing at first. */
export const makeServerKnowledge = (exchange: Exchange): ServerKnowledge => {
  const hosts = new Map<string, Abilities>()
  const repositories = new Map<string, Abilities>()
  const asking = new Map<string, Deferred.Deferred<Abilities | null>>()

  const ask = (target: TransportTarget) =>
    Effect.flatMap(exchange({ target, service: "git-upload-pack", body: null }), (body) =>
      decoded(target, false, () => readCapabilities(body))
    )

  /** The first to ask for a host asks for all; when it fails, which may be its repository's own fault, each asks by itself. */
  const askForHost = (target: TransportTarget, host: string) =>
    Effect.suspend(() => {
      const waiting = asking.get(host)
      if (waiting !== undefined)
        return Effect.flatMap(Deferred.await(waiting), (found) =>
          found === null ? Effect.map(ask(target), own) : Effect.succeed({ abilities: found, isOwn: false })
        )
      const answer = Deferred.unsafeMake<Abilities | null>(FiberId.none)
      asking.set(host, answer)
      return Effect.map(ask(target), own).pipe(
        Effect.onExit((exit) => {
          asking.delete(host)
          if (Exit.isSuccess(exit) && exit.value.isTelling) remember(hosts, host, exit.value.abilities)
          return Deferred.succeed(answer, Exit.isSuccess(exit) ? exit.value.abilities : null)
        })
      )
    })

  const using: ServerKnowledge["using"] = Effect.fnUntraced(function* (target, work) {
    const url = yield* parseHttpUrl(target)
    const known = repositories.get(url.href)
    if (known !== undefined) return yield* work(known)
    const ofHost = hosts.get(url.origin)
    const { abilities, isOwn } =
      ofHost === undefined ? yield* askForHost(target, url.origin) : { abilities: ofHost, isOwn: false }
    const worked = work(abilities)
    if (isOwn) return yield* worked
    return yield* worked.pipe(
      Effect.catchTag("ProtocolBroken", (error) =>
        Effect.flatMap(ask(target), (found) => {
          const { abilities: itself } = own(found)
          if (JSON.stringify(itself) === JSON.stringify(abilities)) return Effect.fail(error)
          remember(repositories, url.href, itself)
          return work(itself)
        })
      )
    )
  })
  return { ask, using }
}

// --- internal ---

const own = (found: Capabilities) => {
  const abilities: Abilities = found.version === 2 ? found : { version: 0 }
  // An announcement without a word may be an old server's empty repository, or half an answer.
  return { abilities, isOwn: true, isTelling: found.version === 2 || found.refs.size > 0 }
}

const remember = (known: Map<string, Abilities>, key: string, abilities: Abilities) => {
  const oldest = known.keys().next()
  if (known.size >= rememberedMax && !oldest.done) known.delete(oldest.value)
  known.set(key, abilities)
}
