/**
 * What servers are able to do. At first a host is taken for what nearly all are, a server of version 2 with filters, so
 * that its first answers need no question before them. Only an answer that is not git's is a reason to ask: once per
 * host, which is remembered; a repository that differs from its host is remembered by itself.
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

/** What servers can do, learned on the way and kept as long as the value; of too many, the oldest is forgotten. */
export interface ServerKnowledge {
  /** Asks the repository itself. */
  readonly ask: (target: TransportTarget) => Effect.Effect<Capabilities, TransportError>
  /**
   * Does something by what is known of the host, or else by what is usual. When the answer is not git's, the host is
   * asked, or the repository itself where the host is known; what it tells decides whether the work is done again.
   * The work must be safe to repeat: it may only read. `"filtered"` work uses all that is usual: once it went well, the
   * host is known.
   */
  readonly using: <A>(
    target: TransportTarget,
    asking: "plain" | "filtered",
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
      // Somebody else may have been faster.
      const known = hosts.get(host)
      if (known !== undefined) return Effect.succeed({ abilities: known, isOwn: false })
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

  /** The repository is asked itself; if it is no other than it was taken for, the answer stands as it was. */
  const askItself = <A>(attempt: Attempt<A>, taken: Abilities, error: TransportError) =>
    Effect.flatMap(ask(attempt.target), (found) => {
      const { abilities } = own(found)
      if (isSame(abilities, taken)) return Effect.fail(error)
      remember(repositories, attempt.url.href, abilities)
      return attempt.work(abilities)
    })

  /** Work by what is known of the host. */
  const workAsHost = <A>(attempt: Attempt<A>, ofHost: Abilities) =>
    attempt.work(ofHost).pipe(Effect.catchTag("ProtocolBroken", (error) => askItself(attempt, ofHost, error)))

  /** Work by what is usual of hosts, as long as nothing is known of this one. */
  const workAsUsual = <A>(attempt: Attempt<A>) =>
    attempt.work(usual).pipe(
      Effect.tap(() => {
        if (attempt.asking === "filtered") remember(hosts, attempt.url.origin, usual)
      }),
      Effect.catchIf(isDoubtful, (error) =>
        Effect.flatMap(askForHost(attempt.target, attempt.url.origin), ({ abilities, isOwn }) => {
          if (!isSame(abilities, usual))
            return isOwn ? attempt.work(abilities) : workAsHost(attempt, abilities)
          return isOwn ? Effect.fail(error) : askItself(attempt, usual, error)
        })
      )
    )

  const using: ServerKnowledge["using"] = Effect.fnUntraced(function* (target, asking, work) {
    const url = yield* parseHttpUrl(target)
    const known = repositories.get(url.href)
    if (known !== undefined) return yield* work(known)
    const ofHost = hosts.get(url.origin)
    const attempt = { target, url, asking, work }
    return yield* ofHost === undefined ? workAsUsual(attempt) : workAsHost(attempt, ofHost)
  })
  return { ask, using }
}

// --- internal ---

interface Attempt<A> {
  readonly target: TransportTarget
  readonly url: URL
  readonly asking: "plain" | "filtered"
  readonly work: (abilities: Abilities) => Effect.Effect<A, TransportError>
}

/** What a host is taken for that nothing is known of. */
const usual: CapabilitiesV2 = { version: 2, filter: true, unborn: true, objectFormat: "sha1" }

/** Statuses with which servers answer to what they do not understand; any other one is about something else. */
const notUnderstood: ReadonlyArray<number> = [400, 405, 415, 422, 500, 501]

/** Whether the answer may come from a server that is another one than usual. */
const isDoubtful = (error: TransportError): boolean =>
  error._tag === "ProtocolBroken" || (error._tag === "HttpStatus" && notUnderstood.includes(error.status))

const isSame = (one: Abilities, other: Abilities): boolean => JSON.stringify(one) === JSON.stringify(other)

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
