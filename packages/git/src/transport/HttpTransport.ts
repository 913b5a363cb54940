/**
 * `GitTransport` over HTTP with as few requests as git allows: `ls-refs`, one fetch of trees alone, one push of new
 * objects alone. With a view that is remembered, a push is a single request.
 *
 * What a server is able to do is asked when it turns out to be another one than usual, once per host, and remembered.
 * Servers without protocol version 2, or without filters, are read through isomorphic-git, in memory; pushes are the same
 * for all, as git has no newer protocol for them.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type ObjectId, parseRef, type RefName } from "../GitName.ts"
import {
  findLastChange,
  foldersFor,
  formatOf,
  type ObjectSource,
  readView,
  sourceOf,
  treeDepthFor
} from "./commitReader.ts"
import { decoded, type Exchange, type ExchangeOptions, makeExchange } from "./exchange.ts"
import { makeFileCommit } from "./fileCommit.ts"
import {
  GitTransport,
  type PushedFile,
  type PushFileOptions,
  type ReadBlobOptions,
  type ReadCommitOptions,
  type ReadLastChangeOptions,
  type TargetHead,
  type TransportTarget
} from "./GitTransport.ts"
import { fetchByIsomorphicGit } from "./isomorphicReader.ts"
import { type Abilities, makeServerKnowledge, type ServerKnowledge } from "./serverKnowledge.ts"
import { refusedPush } from "./serverWords.ts"
import {
  AnswerTooLarge,
  EmptyRepository,
  ProtocolBroken,
  ProtocolUnsupported,
  StaleHead,
  type TransportError,
  Unreachable
} from "./TransportError.ts"
import { partsOf } from "./targetPath.ts"
import type { CapabilitiesV2 } from "./wire/capabilities.ts"
import { readPack, unpackedBytesMax, writePack } from "./wire/pack.ts"
import { readPushReport, receivePackRequest } from "./wire/receivePack.ts"
import { fetchRequest, lsRefsRequest, readFetch, readLsRefs } from "./wire/uploadPack.ts"

/** Bounds of the transport over HTTP. */
export type HttpTransportOptions = ExchangeOptions

/** The transport. What it learns about hosts is kept as long as the value. */
export const makeHttpTransport = (options: HttpTransportOptions = {}): typeof GitTransport.Service => {
  const exchange = makeExchange(options)
  const knowledge = makeServerKnowledge(exchange)
  const fetchObjects = makeFetchObjects(exchange, knowledge)
  return {
    readHead: Effect.fn("GitTransport.readHead")((target: TransportTarget, branch: RefName | null) =>
      knowledge.using(target, "plain", (abilities) =>
        abilities.version === 2
          ? readHeadV2(exchange, target, branch, abilities)
          : readHeadV0(knowledge, target, branch)
      )
    ),
    readCommit: Effect.fn("GitTransport.readCommit")(function* (
      target: TransportTarget,
      asked: ReadCommitOptions
    ) {
      const treeDepth = treeDepthFor(yield* foldersFor(asked))
      const source = yield* fetchObjects(target, { commit: asked.commit, depth: 1, treeDepth })
      return yield* readView(source, asked)
    }),
    readBlob: Effect.fn("GitTransport.readBlob")((target: TransportTarget, asked: ReadBlobOptions) =>
      readBlob(exchange, knowledge, target, asked)
    ),
    pushFile: Effect.fn("GitTransport.pushFile")((target: TransportTarget, asked: PushFileOptions) =>
      pushFile(exchange, target, asked)
    ),
    readLastChange: Effect.fn("GitTransport.readLastChange")(function* (
      target: TransportTarget,
      asked: ReadLastChangeOptions
    ) {
      const treeDepth = Math.max(1, (yield* partsOf(asked.path)).length)
      const depth = asked.commitsMax + 1
      const source = yield* fetchObjects(target, { commit: asked.commit, depth, treeDepth })
      return yield* findLastChange(source, asked)
    })
  }
}

/** The layer over `makeHttpTransport`: for http(s) addresses alone. */
export const layerHttpTransport = (options: HttpTransportOptions = {}): Layer.Layer<GitTransport> =>
  Layer.sync(GitTransport, () => makeHttpTransport(options))

// --- internal ---

/** Longest report of a push, the words of hooks included, in bytes. */
const reportBytesMax = 4 * 1024 * 1024

const service = "git-upload-pack"

const readHeadV2 = Effect.fnUntraced(function* (
  exchange: Exchange,
  target: TransportTarget,
  branch: RefName | null,
  abilities: CapabilitiesV2
) {
  const { objectFormat: format, unborn } = abilities
  const body = lsRefsRequest({ format, unborn, prefixes: [branch ?? "HEAD"] })
  const answer = yield* exchange({ target, service, body })
  const refs = yield* decoded(target, false, () => readLsRefs(answer))
  if (branch !== null) return { branch, commit: refs.find((ref) => ref.name === branch)?.commit ?? null }
  const head = refs.find((ref) => ref.name === "HEAD")
  return yield* defaultBranch(
    target,
    head === undefined ? null : { symref: head.symref, commit: head.commit }
  )
})

/** The announcement of an old server is its list of refs. */
const readHeadV0 = Effect.fnUntraced(function* (
  knowledge: ServerKnowledge,
  target: TransportTarget,
  branch: RefName | null
) {
  const found = yield* knowledge.ask(target)
  if (found.version === 2)
    return yield* new ProtocolBroken({ url: target.url, detail: "it changes its version", afterSend: false })
  if (branch !== null) return { branch, commit: found.refs.get(branch) ?? null }
  const commit = found.refs.get("HEAD") ?? null
  return yield* defaultBranch(
    target,
    commit === null && found.head === null ? null : { symref: found.head, commit }
  )
})

const defaultBranch = (
  target: TransportTarget,
  head: { readonly symref: string | null; readonly commit: ObjectId | null } | null
): Either.Either<TargetHead, TransportError> => {
  const { url } = target
  if (head === null) return Either.left(new EmptyRepository({ url }))
  if (head.symref === null) {
    const detail = "its HEAD names no branch; name the branch of this target"
    return Either.left(new ProtocolUnsupported({ url, detail }))
  }
  return Either.mapBoth(parseRef(head.symref), {
    onLeft: (error) => new ProtocolBroken({ url, detail: error.message, afterSend: false }),
    onRight: (branch) => ({ branch, commit: head.commit })
  })
}

interface Wanted {
  readonly commit: ObjectId
  readonly depth: number
  readonly treeDepth: number
}

/** Fetches commits with the upper levels of their trees; from servers that cannot do that, with everything. */
const makeFetchObjects =
  (exchange: Exchange, knowledge: ServerKnowledge) =>
  (target: TransportTarget, wanted: Wanted): Effect.Effect<ObjectSource, TransportError> =>
    knowledge
      .using(target, "filtered", (abilities) =>
        canFilter(abilities)
          ? fetchV2(exchange, target, { ...wanted, want: wanted.commit })
          : fetchByIsomorphicGit(exchange, target, wanted)
      )
      .pipe(Effect.mapError((error) => staleIfGone(error, wanted.commit)))

const canFilter = (abilities: Abilities): boolean => abilities.version === 2 && abilities.filter

const fetchV2 = Effect.fnUntraced(function* (
  exchange: Exchange,
  target: TransportTarget,
  options: {
    readonly want: ObjectId
    readonly depth: number | null
    readonly treeDepth: number | null
    readonly bytesMax?: number
  }
) {
  const { bytesMax, ...question } = options
  const format = formatOf(question.want)
  const body = fetchRequest({ ...question, format })
  // Packing may make random bytes a little longer, and packets need their lengths.
  const answer = yield* exchange({
    target,
    service,
    body,
    ...(bytesMax === undefined ? {} : { bytesMax: Math.ceil(bytesMax * 1.01) + 64 * 1024 })
  })
  const objects = yield* decoded(target, false, () =>
    readPack({ pack: readFetch(answer), format, bytesMax: bytesMax ?? unpackedBytesMax })
  )
  return sourceOf(target.url, objects)
})

/** "not our ref" is what servers say of a commit that has left every branch: the branch was forced elsewhere. */
const staleIfGone = (error: TransportError, commit: ObjectId): TransportError =>
  error._tag === "ProtocolBroken" && /not our ref/.test(error.detail)
    ? new StaleHead({ url: error.url, ref: commit, said: error.detail })
    : error

const readBlob = Effect.fnUntraced(function* (
  exchange: Exchange,
  knowledge: ServerKnowledge,
  target: TransportTarget,
  asked: ReadBlobOptions
) {
  const { oid, bytesMax, path } = asked
  const whole = () => fetchByIsomorphicGit(exchange, target, { commit: asked.commit, depth: 1 })
  const source = yield* knowledge.using(target, "plain", (abilities) =>
    canFilter(abilities)
      ? fetchV2(exchange, target, { want: oid, depth: null, treeDepth: null, bytesMax }).pipe(
          // Some servers give commits alone.
          Effect.catchIf(
            (error) => error._tag === "ProtocolBroken" && /not our ref/.test(error.detail),
            whole
          )
        )
      : whole()
  )
  const found = yield* source.read(oid)
  if (found?.type !== "blob") {
    const detail = `${oid} (${path}) is not in it`
    return yield* new ProtocolBroken({ url: target.url, detail, afterSend: false })
  }
  if (found.content.length > bytesMax)
    return yield* new AnswerTooLarge({ url: target.url, what: path, bytesMax })
  const content: Uint8Array = found.content
  return content
})

const pushFile = Effect.fnUntraced(function* (
  exchange: Exchange,
  target: TransportTarget,
  asked: PushFileOptions
) {
  const made = yield* makeFileCommit(asked)
  const { branch, view } = asked
  const format = view.objectFormat
  const move = { ref: branch, from: view.commit, to: made.commit }
  const body = receivePackRequest({ format, move, pack: writePack(format, made.objects) })
  const pushing = { target, service: "git-receive-pack", body, bytesMax: reportBytesMax } as const
  const answer = yield* exchange(pushing).pipe(
    Effect.catchTag("AnswerTooLarge", ({ url, message }) =>
      Effect.fail(new Unreachable({ url, detail: message, afterSend: true }))
    )
  )
  const report = yield* decoded(target, true, () => readPushReport(answer, branch))
  if (report.refused !== null)
    return yield* refusedPush({ url: target.url, ref: branch, reason: report.refused, words: report.words })
  const pushed: PushedFile = { commit: made.commit, view: made.view }
  return pushed
})
