/**
 * What commits change, read in bulk: their paths, their diffs, and the ids that `git patch-id` gives to them.
 *
 * 1. The user's work tree, index and attribute files decide nothing: git runs in an empty folder, so that a commit has
 *    the same diff, and the same id, whatever is checked out.
 * 2. Memory is bounded: commits are read some hundreds at a time. A commit whose diff is over the limit, or cannot be
 *    made because an object is missing, is passed over; it counts as one that is like no other.
 */
import { createHash } from "node:crypto"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Git, type GitError, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { QuarantineError } from "../patch/QuarantineError.ts"
import type { Repository } from "../Repository.ts"
import { makeSharedFolder } from "./sharedFolder.ts"

/** Bytes of diffs that are read at once: 32 MiB. A commit with more than that is passed over. */
export const diffBytesMax = 32 * 1024 * 1024

/** Commits whose diffs are read at once. */
const commitsAtOnce = 200

/** Commits whose paths are read at once. */
const commitsAtOncePaths = 1_000

/** Settings that would change how a diff is written, pinned so that two machines agree. */
export const pinnedConfig = [
  "core.abbrev=auto",
  "core.attributesFile=/dev/null",
  "core.bigFileThreshold=512m",
  "core.quotePath=true",
  "diff.suppressBlankEmpty=false",
  "diff.algorithm=myers",
  "diff.renameLimit=1000",
  "diff.indentHeuristic=true",
  "diff.noPrefix=false",
  "diff.mnemonicPrefix=false",
  "diff.interHunkContext=0",
  "diff.context=3"
].flatMap((setting) => ["-c", setting])

/** A `.gitmodules` may ask git to leave a submodule out of diffs. What a patch changes there is part of it all the same. */
export const wholeDiff = "--ignore-submodules=none"

const diffOptions = ["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--root", wholeDiff]

/** Everything that decides a patch id besides the commits; part of the name of a cache. */
export const diffSettings: ReadonlyArray<string> = [...pinnedConfig, ...diffOptions]

/** Where diffs are made: an empty folder, in which git sees nothing but the repository's objects. */
export interface DiffRoom {
  readonly repository: Repository
  readonly directory: string
}

/** The folder and the variables with which git runs in the room. */
export const placeOf = ({ directory, repository }: DiffRoom) => ({
  cwd: directory,
  env: {
    GIT_ATTR_NOSYSTEM: "1",
    GIT_DIR: repository.gitDirectory,
    GIT_WORK_TREE: directory,
    GIT_INDEX_FILE: join(directory, "no-index")
  }
})

/** Makes the folder. It stays, so that the next one finds it. */
export const makeDiffRoom = (repository: Repository): Effect.Effect<DiffRoom, QuarantineError> => {
  const directory = join(repository.commonDirectory, "patchmoi", "no-attributes")
  return Effect.tryPromise({
    try: async () => {
      await makeSharedFolder(directory)
      return { repository, directory }
    },
    catch: (cause) => new QuarantineError({ operation: "create", directory, detail: String(cause) })
  })
}

/** The paths that each commit changes, as bytes in latin1. A commit that changes nothing, and a merge, is absent. */
export const readPaths = Effect.fnUntraced(function* (room: DiffRoom, commits: ReadonlyArray<ObjectId>) {
  const found = new Map<ObjectId, ReadonlyArray<string>>()
  yield* inPieces(commits, commitsAtOncePaths, (piece) =>
    Effect.map(diffTree(room, ["-r", "-z", "--raw", "--abbrev=4"], piece), (bytes) => {
      for (const [commit, paths] of pathsIn(bytes)) found.set(commit, paths)
    })
  )
  return found
})

/** Which side of a commit is the new one. `reversed` is the diff that a revert of the commit has. */
export type DiffDirection = "forward" | "reversed"

/** What `git patch-id --stable` gives for each commit. Merges, commits without a change and those over the limit are absent. */
export const readPatchIds = Effect.fnUntraced(function* (
  room: DiffRoom,
  commits: ReadonlyArray<ObjectId>,
  direction: DiffDirection = "forward"
) {
  const found = new Map<ObjectId, string>()
  yield* inPieces(commits, commitsAtOnce, (piece) =>
    Effect.gen(function* () {
      const diffs = yield* diffTree(
        room,
        [...textOptions, ...(direction === "forward" ? [] : reversedOptions)],
        piece
      )
      for (const [commit, id] of yield* patchIdsOf(room, diffs)) found.set(commit, id)
    })
  )
  return found
})

/** What `of` makes of each commit's diff. Merges, commits without a change and those over the limit are absent. */
export const readDiffs = <A>(room: DiffRoom, commits: ReadonlyArray<ObjectId>, of: (diff: Buffer) => A) =>
  Effect.gen(function* () {
    const found = new Map<ObjectId, A>()
    yield* inPieces([...new Set(commits)], commitsAtOnce, (piece) =>
      Effect.map(diffTree(room, textOptions, piece), (bytes) => {
        for (const [commit, diff] of splitDiffs(bytes)) found.set(commit, of(diff))
      })
    )
    return found
  })

/** The paths that differ between two commits, as bytes in latin1; none when they cannot be compared. */
export const readPathsBetween = Effect.fnUntraced(function* (room: DiffRoom, from: ObjectId, to: ObjectId) {
  const options = ["-r", "-z", "--name-only"]
  const output = yield* run(room, ["diff-tree", ...diffOptions, ...options, from, to]).pipe(
    Effect.catchIf(isPassedOver, () => Effect.succeed(Buffer.alloc(0)))
  )
  return output
    .toString("latin1")
    .split("\0")
    .filter((path) => path !== "")
})

/** The diff between two commits as bytes, or `null` when it is over the limit or cannot be made. */
export const readDiffBetween = Effect.fnUntraced(function* (room: DiffRoom, from: ObjectId, to: ObjectId) {
  const output = yield* run(room, ["diff-tree", ...diffOptions, ...textOptions, from, to]).pipe(
    Effect.catchIf(isPassedOver, () => Effect.succeed(null))
  )
  return output
})

/** The patch id of one diff, or `null` for an empty one. `name` stands for the commit that the diff is of. */
export const patchIdOf = (room: DiffRoom, name: ObjectId, diff: Buffer) =>
  Effect.map(
    patchIdsOf(room, Buffer.concat([Buffer.from(`${name}\n`), diff])),
    (ids) => ids.get(name) ?? null
  )

/**
 * A digest of a diff without what may differ where the change is the same: line numbers, the function that git shows beside them, and
 * blob ids. The blob ids of binary files stay, for nothing else tells what changed in them.
 */
export const exactDigestOf = (diff: Buffer): string => {
  const text = diff
    .toString("latin1")
    .split(/^(?=diff --git )/m)
    .map((file) => {
      const hunks = file.search(/^@@ /m)
      const head = hunks < 0 ? file : file.slice(0, hunks)
      const body = hunks < 0 ? "" : file.slice(hunks).replace(/^@@ .*$/gm, "@@")
      return `${/^Binary files /m.test(head) ? head : head.replace(/^index .*\n/m, "")}${body}`
    })
    .join("")
  return createHash("sha256").update(text, "latin1").digest("hex")
}

// --- internal ---

const textOptions = ["-p", "-U3", "--full-index"]

/** `-R` turns the names of the sides around as well, which a revert does not. */
const reversedOptions = ["-R", "--src-prefix=b/", "--dst-prefix=a/"]

const run = (room: DiffRoom, args: ReadonlyArray<string>, stdin: Uint8Array | string = "") =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      ...placeOf(room),
      args: [...pinnedConfig, ...args],
      stdin,
      outputBytesMax: diffBytesMax
    })
    const { stdout } = output
    return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength)
  })

const diffTree = (room: DiffRoom, options: ReadonlyArray<string>, commits: ReadonlyArray<ObjectId>) =>
  run(room, ["diff-tree", "--stdin", ...diffOptions, ...options], `${commits.join("\n")}\n`)

const patchIdsOf = (room: DiffRoom, diffs: Buffer) =>
  Effect.map(run(room, ["patch-id", "--stable"], diffs), (bytes) => {
    const ids = new Map<ObjectId, string>()
    for (const line of linesOf(bytes)) {
      const [id = "", commit = ""] = line.split(" ")
      if (isObjectId(commit)) ids.set(commit, id)
    }
    return ids
  })

/** Too much output, or an object that is not here: what one commit can cause, and its neighbours need not suffer. */
const isPassedOver = (error: GitError): boolean => error.reason === "output-limit" || error.reason === "exit"

/** Reads commits piece by piece. A piece that fails is halved, down to the one commit at which it fails. */
const inPieces = <R>(
  commits: ReadonlyArray<ObjectId>,
  pieceMax: number,
  read: (piece: ReadonlyArray<ObjectId>) => Effect.Effect<void, GitError, R>
): Effect.Effect<void, GitError, R> => {
  const one = (piece: ReadonlyArray<ObjectId>): Effect.Effect<void, GitError, R> =>
    read(piece).pipe(
      Effect.catchIf(isPassedOver, () => {
        if (piece.length <= 1) return Effect.void
        const half = Math.ceil(piece.length / 2)
        return Effect.zipRight(one(piece.slice(0, half)), one(piece.slice(half)))
      })
    )
  const pieces: Array<ReadonlyArray<ObjectId>> = []
  for (let at = 0; at < commits.length; at += pieceMax) pieces.push(commits.slice(at, at + pieceMax))
  return Effect.forEach(pieces, one, { discard: true })
}

/** `<commit>\0`, then `:<modes, ids, status>\0<path>\0` for each path. */
const pathsIn = (bytes: Buffer): ReadonlyMap<ObjectId, ReadonlyArray<string>> => {
  const found = new Map<ObjectId, ReadonlyArray<string>>()
  const fields = bytes.toString("latin1").split("\0")
  let paths: Array<string> = []
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? ""
    if (field.startsWith(":")) paths.push(fields[++at] ?? "")
    else if (isObjectId(field)) {
      paths = []
      found.set(field, paths)
    }
  }
  return found
}

/** The lines of a diff begin with a space, a sign or a word, and never with a whole object id. */
const splitDiffs = (bytes: Buffer): ReadonlyArray<readonly [ObjectId, Buffer]> => {
  const text = bytes.toString("latin1")
  const heads = [...text.matchAll(/^(?:[0-9a-f]{64}|[0-9a-f]{40})$/gm)]
  return heads.flatMap((head, at) => {
    const [commit] = head
    const end = heads[at + 1]?.index ?? bytes.length
    const diff = bytes.subarray(head.index + commit.length + 1, end)
    return isObjectId(commit) ? [[commit, diff] as const] : []
  })
}
