/**
 * The conflict that is being resolved in a repository, as it is kept between commands: `patchmoi/resolve.json` in the git
 * folder that all work trees share. There is at most one.
 *
 * The file is written before anything that it names is made, and whole: a crash leaves a state from which one can go on,
 * or at least abort.
 */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { ConflictId } from "../conflict/ConflictRecord.ts"
import { ObjectId, RefName } from "../GitName.ts"
import { makeSharedFolder } from "../internal/sharedFolder.ts"
import { oneLineOf } from "../internal/words.ts"
import { LandedVerdict } from "../landed/LandedVerdict.ts"
import { ConflictSide } from "../patch/Conflict.ts"
import type { Repository } from "../Repository.ts"
import { ResolutionId } from "./Resolution.ts"

/** Longest state that is read, in bytes. */
const stateBytesMax = 16 * 1024 * 1024

/** One file that waits for an answer. */
export const OpenFile = Schema.Struct({
  path: Schema.String,
  kind: Schema.String,
  base: Schema.NullOr(ConflictSide),
  ours: Schema.NullOr(ConflictSide),
  theirs: Schema.NullOr(ConflictSide)
})
export type OpenFile = typeof OpenFile.Type

/** The conflict that waits for answers, and where. */
export const OpenConflict = Schema.Struct({
  id: ConflictId,
  patch: Schema.String,
  commit: ObjectId,
  files: Schema.Array(OpenFile),
  /** The stack below the conflict: what the work tree's HEAD is. */
  tip: ObjectId,
  /** A commit with the tree that git left, conflict markers in it. */
  merged: ObjectId,
  /** The work tree. Absolute. */
  directory: Schema.String,
  /** `opening` until the work tree is complete: what lies there before is nobody's answer. */
  phase: Schema.Literal("opening", "open")
})
export type OpenConflict = typeof OpenConflict.Type

/** Everything that going on needs. */
export const ResolveState = Schema.Struct({
  version: Schema.Literal(1),
  onto: ObjectId,
  /** The upstream commit as it was asked for. */
  ontoName: Schema.String,
  upstream: Schema.Array(ObjectId),
  patches: Schema.Array(Schema.Struct({ name: Schema.String, tip: ObjectId })),
  landed: Schema.Array(LandedVerdict),
  reuse: Schema.Literal("never", "label"),
  /** The resolutions that were made since the start. */
  made: Schema.Array(ResolutionId),
  /** The branch to move at the end; `null` when only a part of the stack is rebuilt. */
  target: Schema.NullOr(
    Schema.Struct({
      ref: RefName,
      patchPrefix: Schema.String,
      maintained: RefName,
      force: Schema.Boolean
    })
  ),
  /** The folder that was asked for; `null` for one inside the git folder. */
  directory: Schema.NullOr(Schema.String),
  conflict: OpenConflict
})
export type ResolveState = typeof ResolveState.Type

/** A conflict is being resolved already. Nothing was done. */
export class ResolveInProgress extends Schema.TaggedError<ResolveInProgress>("git/ResolveInProgress")(
  "ResolveInProgress",
  { patch: Schema.String, directory: Schema.String }
) {
  override get message(): string {
    return `A conflict of ${this.patch} is open in ${this.directory}; resolve it there and go on (patchmoi patch continue), or give it up (patchmoi patch abort)`
  }
}

/** No conflict is being resolved. */
export class NoResolve extends Schema.TaggedError<NoResolve>("git/NoResolve")("NoResolve", {
  directory: Schema.String
}) {
  override get message(): string {
    return `No conflict is open in ${this.directory}; open one with patchmoi patch resolve`
  }
}

/** The state cannot be read. Aborting works nevertheless. */
export class ResolveStateBroken extends Schema.TaggedError<ResolveStateBroken>("git/ResolveStateBroken")(
  "ResolveStateBroken",
  { file: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `${this.file} cannot be read (${this.detail}); give up with patchmoi patch abort, and begin again`
  }
}

/** The file system refused. */
export class ResolveFileError extends Schema.TaggedError<ResolveFileError>("git/ResolveFileError")(
  "ResolveFileError",
  { path: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `${this.path}: ${this.detail}`
  }
}

/** Where the state lies. */
export const stateFileOf = (repository: Repository): string =>
  join(repository.commonDirectory, "patchmoi", "resolve.json")

/** The state, or `null` when no conflict is open. */
export const readState = Effect.fn("ResolveState.read")(function* (repository: Repository) {
  const file = stateFileOf(repository)
  const text = yield* fileWork(file, () => readFile(file, "utf8").catch(absentIsNull))
  if (text === null) return null
  if (text.length > stateBytesMax) return yield* new ResolveStateBroken({ file, detail: "it is too long" })
  const state = decode(text)
  if (Either.isRight(state)) return state.right
  return yield* new ResolveStateBroken({ file, detail: oneLineOf(state.left.message, 500) })
})

/** Writes the first state. `ResolveInProgress` when somebody else was faster. */
export const createState = Effect.fnUntraced(function* (repository: Repository, state: ResolveState) {
  const file = stateFileOf(repository)
  const { directory, patch } = state.conflict
  const isNew = yield* writeThrough(file, state, (temporary) =>
    link(temporary, file).then(
      () => true,
      (cause: unknown) => {
        if (codeOf(cause) === "EEXIST") return false
        throw cause
      }
    )
  )
  if (!isNew) return yield* new ResolveInProgress({ patch, directory })
})

/** Replaces the state. */
export const replaceState = Effect.fnUntraced(function* (repository: Repository, state: ResolveState) {
  const file = stateFileOf(repository)
  yield* writeThrough(file, state, (temporary) => rename(temporary, file))
})

/** Removes the state, also one that cannot be read. */
export const removeState = (repository: Repository) => {
  const file = stateFileOf(repository)
  return fileWork(file, () => rm(file, { force: true }))
}

/** Work with a file, to its end: stopped half-way it would go on. What the file system says becomes a `ResolveFileError`. */
export const fileWork = <A>(path: string, work: () => Promise<A>) =>
  Effect.tryPromise({
    try: work,
    catch: (cause) =>
      new ResolveFileError({ path, detail: cause instanceof Error ? cause.message : String(cause) })
  }).pipe(Effect.uninterruptible)

/** For `catch`: a file that is not there is `null`. */
export const absentIsNull = (cause: unknown): null => {
  if (codeOf(cause) === "ENOENT" || codeOf(cause) === "ENOTDIR") return null
  throw cause
}

// --- internal ---

const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? cause.code : undefined)

const decode = Schema.decodeUnknownEither(Schema.parseJson(ResolveState))
const encode = Schema.encodeSync(ResolveState)

const writeThrough = <A>(file: string, state: ResolveState, place: (temporary: string) => Promise<A>) =>
  fileWork(file, async () => {
    const temporary = `${file}.${process.pid}`
    await makeSharedFolder(dirname(file))
    await writeFile(temporary, `${JSON.stringify(encode(state), undefined, 1)}\n`)
    try {
      return await place(temporary)
    } finally {
      await rm(temporary, { force: true })
    }
  })
