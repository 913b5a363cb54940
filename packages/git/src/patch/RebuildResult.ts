/** What a rebuild gives: a tagged value that encodes to JSON. A conflict is a result, not an error. */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import { RefUpdate } from "../RefTransaction.ts"
import { Conflict } from "./Conflict.ts"

/** One commit that was carried over. */
export const AppliedCommit = Schema.Struct({
  /** The commit on the patch branch. */
  from: ObjectId,
  /** The commit in the rebuilt stack. Equal to `from` when it already stood on the same parent. */
  to: ObjectId,
  subject: Schema.String,
  /**
   * Paths that git could not merge line by line and that were merged by their values, from the top of the tree. Empty
   * for nearly every commit, and in records from before this field.
   */
  structured: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })
})
export type AppliedCommit = typeof AppliedCommit.Type

/** A commit that changes nothing on the new base: the merged tree equals the tree before it. */
export const EmptyCommit = Schema.Struct({ from: ObjectId, tree: ObjectId, subject: Schema.String })
export type EmptyCommit = typeof EmptyCommit.Type

/** A patch with at least one commit in the rebuilt stack. */
export const AppliedPatch = Schema.Struct({
  patch: Schema.String,
  tip: ObjectId,
  commits: Schema.Array(AppliedCommit),
  /** Commits of this patch that were left out because they change nothing any more. */
  empty: Schema.Array(EmptyCommit)
})
export type AppliedPatch = typeof AppliedPatch.Type

/** A patch that left no commit in the rebuilt stack, and why. */
export const DroppedPatch = Schema.Struct({
  patch: Schema.String,
  tip: ObjectId,
  /** `empty`: every commit changes nothing. `no-commits`: upstream, or a patch before it, holds all of its commits. */
  reason: Schema.Literal("empty", "no-commits"),
  empty: Schema.Array(EmptyCommit)
})
export type DroppedPatch = typeof DroppedPatch.Type

const common = {
  /** The upstream commit that the patches went onto. */
  onto: ObjectId,
  applied: Schema.Array(AppliedPatch),
  dropped: Schema.Array(DroppedPatch)
}

/** Every patch was carried over; the new commits are in the repository. */
export const Rebuilt = Schema.TaggedStruct("Rebuilt", {
  ...common,
  /** The top of the rebuilt stack; equal to `onto` when no commit remained. */
  tip: ObjectId,
  tree: ObjectId,
  /** The refs that were moved, in the one transaction. */
  moved: Schema.Array(RefUpdate)
})
export type Rebuilt = typeof Rebuilt.Type

/** A patch does not apply. Nothing was written: no object, no ref. */
export const Conflicted = Schema.TaggedStruct("Conflicted", {
  ...common,
  conflict: Conflict,
  /** The patches that were not tried, in order. */
  remaining: Schema.Array(Schema.String)
})
export type Conflicted = typeof Conflicted.Type

export const RebuildResult = Schema.Union(Rebuilt, Conflicted)
export type RebuildResult = typeof RebuildResult.Type
