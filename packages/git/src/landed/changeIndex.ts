/**
 * What the commits of a range change: the paths of all of them, and the patch ids of those that were asked for.
 *
 * Two commits with one patch id change the same paths. So ids are made only for upstream commits whose paths are those of
 * some patch, which are few; the paths of a range cost a fraction of its diffs. What was found is kept on the disk, for
 * the next patch and the next run (`changeCache`).
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import { type DiffRoom, readPatchIds, readPaths } from "../internal/diffs.ts"

/** Paths of one commit that are kept by name. More are known by their number and their digest alone. */
export const pathsKeptMax = 200

/** What one commit changes. */
export interface CommitChange {
  /** Its paths as bytes in latin1, at most `pathsKeptMax`. */
  readonly paths: ReadonlyArray<string>
  /** A digest of all paths: equal where the sets of paths are. */
  readonly pathsKey: string
  /** The patch id; `null` where git gives none; absent when nobody has asked yet. */
  readonly patchId?: string | null
}

/** What commits change; one that is absent was not looked at. `addPaths` and `addPatchIds` fill it in place. */
export type ChangeIndex = Map<ObjectId, CommitChange>

/** Adds the paths of those commits that the index does not hold. Tells whether there were any. */
export const addPaths = Effect.fnUntraced(function* (
  room: DiffRoom,
  index: ChangeIndex,
  commits: ReadonlyArray<ObjectId>
) {
  const unknown = commits.filter((commit) => !index.has(commit))
  if (unknown.length === 0) return false
  const found = yield* readPaths(room, unknown)
  for (const commit of unknown) index.set(commit, changeOf(found.get(commit) ?? []))
  return true
})

/** Adds the patch ids of those commits that the index knows without one. Tells whether there were any. */
export const addPatchIds = Effect.fnUntraced(function* (
  room: DiffRoom,
  index: ChangeIndex,
  commits: ReadonlyArray<ObjectId>
) {
  const unknown = commits.filter((commit) => index.get(commit)?.patchId === undefined)
  if (unknown.length === 0) return false
  const found = yield* readPatchIds(room, unknown)
  for (const commit of unknown) {
    const change = index.get(commit)
    if (change !== undefined) index.set(commit, { ...change, patchId: found.get(commit) ?? null })
  }
  return true
})

/** The digest of a set of paths. */
export const pathsKeyOf = (paths: ReadonlyArray<string>): string =>
  createHash("sha1")
    .update([...new Set(paths)].sort().join("\0"), "latin1")
    .digest("hex")

// --- internal ---

const changeOf = (paths: ReadonlyArray<string>): CommitChange => ({
  paths: paths.slice(0, pathsKeptMax),
  pathsKey: pathsKeyOf(paths)
})
