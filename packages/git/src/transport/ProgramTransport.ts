/**
 * `GitTransport` by the git program, for what it alone can reach: `file://`, ssh, and addresses like `host:path`.
 *
 * Git fetches into a temporary bare repository, commits and trees alone where the server can leave files out. The new
 * commit is made like everywhere else and handed to git as a pack. A target's repository is kept for half a minute
 * after its last use, so that reading and pushing need one fetch.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import { Git, GitError, type GitOutput, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId, parseRef, type RefName } from "../GitName.ts"
import { findLastChange, foldersFor, formatOf, readView, treeDepthFor } from "./commitReader.ts"
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
import { parseProgramUrl } from "./programAddress.ts"
import { programFailure } from "./programFailure.ts"
import {
  elsewhereMark,
  makeProgramHome,
  makeProgramStore,
  type ProgramStore,
  remoteAt,
  remoteName,
  runIn
} from "./programStore.ts"
import { refusedPush } from "./serverWords.ts"
import {
  AnswerTooLarge,
  EmptyRepository,
  ProtocolBroken,
  ProtocolUnsupported,
  StaleHead,
  type TransportError
} from "./TransportError.ts"
import { partsOf } from "./targetPath.ts"
import { writePack } from "./wire/pack.ts"

/** Bounds of the transport that runs the git program, as `layerTransport` does for every address but http(s). */
export interface ProgramTransportOptions {
  /** Longest time of one command of git. (Default: 60 seconds.) */
  readonly commandTimeMax?: Duration.DurationInput
}

/** The transport. Its temporary repositories are gone when the scope closes. */
export const makeProgramTransport = Effect.fnUntraced(function* (options: ProgramTransportOptions = {}) {
  const git = yield* Git
  const home = yield* makeProgramHome(options.commandTimeMax ?? Duration.seconds(60))
  const stores = yield* RcMap.make({
    lookup: (key: string) => makeProgramStore(git, home, fromKey(key)),
    idleTimeToLive: Duration.seconds(30)
  })
  const storeFor = (target: TransportTarget, commit: ObjectId) =>
    Effect.flatMap(parseProgramUrl(target.url), (url) => RcMap.get(stores, keyOf(url, commit)))
  const transport: typeof GitTransport.Service = {
    readHead: Effect.fn("GitTransport.readHead")(function* (target: TransportTarget, branch: RefName | null) {
      const url = yield* parseProgramUrl(target.url)
      const patterns = branch === null ? ["HEAD", "refs/heads/*"] : [branch]
      const args = [...remoteAt(url), "ls-remote", "--symref", "--end-of-options", remoteName, ...patterns]
      const output = yield* Effect.mapError(runIn(git, home, home.directory)({ args }), (error) =>
        programFailure(url, error)
      )
      return yield* headOf(url, branch, output)
    }),
    readCommit: Effect.fn("GitTransport.readCommit")(function* (
      target: TransportTarget,
      asked: ReadCommitOptions
    ) {
      const treeDepth = treeDepthFor(yield* foldersFor(asked))
      const store = yield* storeFor(target, asked.commit)
      yield* store.fetch({ commit: asked.commit, depth: 1, treeDepth })
      return yield* readView(store.source, asked)
    }, Effect.scoped),
    readBlob: Effect.fn("GitTransport.readBlob")(function* (target: TransportTarget, asked: ReadBlobOptions) {
      return yield* readBlob(yield* storeFor(target, asked.commit), asked)
    }, Effect.scoped),
    pushFile: Effect.fn("GitTransport.pushFile")(function* (target: TransportTarget, asked: PushFileOptions) {
      return yield* pushFile(yield* storeFor(target, asked.view.commit), asked)
    }, Effect.scoped),
    readLastChange: Effect.fn("GitTransport.readLastChange")(function* (
      target: TransportTarget,
      asked: ReadLastChangeOptions
    ) {
      const url = yield* parseProgramUrl(target.url)
      const treeDepth = Math.max(1, (yield* partsOf(asked.path)).length)
      // A repository of its own: git sends no trees for commits that a shallow repository says it has.
      const store = yield* makeProgramStore(git, home, { url, objectFormat: formatOf(asked.commit) })
      yield* store.fetch({ commit: asked.commit, depth: asked.commitsMax + 1, treeDepth })
      return yield* findLastChange(store.source, asked)
    }, Effect.scoped)
  }
  return transport
})

/** The layer over `makeProgramTransport`: for addresses other than http(s). */
export const layerProgramTransport = (
  options: ProgramTransportOptions = {}
): Layer.Layer<GitTransport, never, Git> => Layer.scoped(GitTransport, makeProgramTransport(options))

// --- internal ---

/** One text per repository and object format, as keys are compared by value. */
const keyOf = (url: string, commit: ObjectId): string => `${formatOf(commit)} ${url}`

const fromKey = (key: string) => {
  const space = key.indexOf(" ")
  const objectFormat = key.slice(0, space) === "sha256" ? ("sha256" as const) : ("sha1" as const)
  return { objectFormat, url: key.slice(space + 1) }
}

const headOf = (
  url: string,
  branch: RefName | null,
  output: GitOutput
): Either.Either<TargetHead, TransportError> => {
  const refs = new Map<string, string>()
  let symref: string | null = null
  for (const line of linesOf(output.stdout)) {
    const [value = "", name = ""] = line.split("\t")
    if (name === "HEAD" && value.startsWith("ref: ")) symref = value.slice("ref: ".length)
    else refs.set(name, value)
  }
  const commitOf = (name: string) => {
    const commit = refs.get(name) ?? ""
    return isObjectId(commit) ? commit : null
  }
  if (branch !== null) return Either.right({ branch, commit: commitOf(branch) })
  if (symref === null && refs.size === 0) return Either.left(new EmptyRepository({ url }))
  if (symref === null) {
    const detail = "its HEAD names no branch that exists; name the branch of this target"
    return Either.left(new ProtocolUnsupported({ url, detail }))
  }
  return Either.mapBoth(parseRef(symref), {
    onLeft: (error) => new ProtocolBroken({ url, detail: error.message, afterSend: false }),
    onRight: (found) => ({ branch: found, commit: commitOf("HEAD") })
  })
}

const readBlob = Effect.fnUntraced(function* (store: ProgramStore, asked: ReadBlobOptions) {
  const { oid, bytesMax, path } = asked
  yield* store.fetch({ commit: asked.commit, depth: 1, treeDepth: 1 })
  const size = yield* store.sizeOf(oid)
  if (size !== null && size > bytesMax)
    return yield* new AnswerTooLarge({ url: store.url, what: path, bytesMax })
  const found = yield* store.source.read(oid)
  if (found?.type !== "blob") {
    const detail = `${oid} (${path}) is not in it`
    return yield* new ProtocolBroken({ url: store.url, detail, afterSend: false })
  }
  const content: Uint8Array = found.content
  return content
})

const pushFile = Effect.fnUntraced(function* (store: ProgramStore, asked: PushFileOptions) {
  const made = yield* makeFileCommit(asked)
  const { view, branch } = asked
  const { url } = store
  yield* store.fetch({ commit: view.commit, depth: 1, treeDepth: 1 })
  const pack = writePack(view.objectFormat, made.objects)
  yield* Effect.mapError(store.run({ args: ["unpack-objects", "-q"], stdin: pack }), (error) =>
    programFailure(url, error)
  )
  const args = ["push", "--porcelain", "--no-verbose", remoteName, `${made.commit}:${branch}`]
  const pushed = yield* Effect.mapError(
    store.run({ args, okExitCodes: [0, 1], env: { PATCHMOI_EXPECTED: view.commit } }),
    (error) => programFailure(url, error, true)
  )
  const problem = problemOf(url, branch, pushed)
  if (problem !== null) return yield* problem
  const result: PushedFile = { commit: made.commit, view: made.view }
  return result
})

/** Reads `<flag>\t<from>:<to>\t<summary> (<reason>)`, the form that `--porcelain` promises. */
const problemOf = (url: string, ref: RefName, output: GitOutput): TransportError | null => {
  const elsewhere = output.stderr.indexOf(elsewhereMark)
  if (elsewhere >= 0) return new StaleHead({ url, ref, said: output.stderr.slice(elsewhere).trim() })
  const fields = linesOf(output.stdout)
    .map((line) => line.split("\t"))
    .find((line) => line.length === 3 && line[1]?.endsWith(`:${ref}`))
  const [flag, , summary = ""] = fields ?? []
  if (flag === "!") {
    const reason = /\((.*)\)$/.exec(summary)?.[1] ?? summary
    // Git refuses by itself what does not build on the value that the server announced: the branch is elsewhere.
    if (summary.startsWith("[rejected]")) return new StaleHead({ url, ref, said: reason })
    const words = output.stderr.split("\n").filter((line) => line.startsWith("remote:"))
    return refusedPush({ url, ref, reason, words: words.join("\n") })
  }
  if (flag !== undefined && output.exitCode === 0) return null
  const { exitCode, stderr } = output
  return programFailure(
    url,
    new GitError({ args: ["push"], cwd: "", reason: "exit", exitCode, stderr }),
    true
  )
}
