/** What a rebuild gives: a tagged value that encodes to JSON. A conflict is a result, not an error. */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import { LandedEvidence } from "../landed/LandedVerdict.ts"
import { RefUpdate } from "../RefTransaction.ts"
import { Conflict } from "./Conflict.ts"

/** Paths that one skipped patch names. */
export const skippedPathsMax = 200

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
  structured: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  /**
   * Paths in conflict that an earlier resolution answered, with the id of that resolution. Empty for nearly every commit,
   * and in records from before this field.
   */
  resolved: Schema.optionalWith(
    Schema.Array(Schema.Struct({ path: Schema.String, resolution: Schema.String })),
    { default: () => [] }
  )
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
  /**
   * `empty`: every commit changes nothing. `no-commits`: upstream, or a patch before it, holds all of its commits. The
   * others are verdicts that were given to the rebuild (`landed/LandedVerdict`).
   */
  reason: Schema.Literal("empty", "no-commits", "landed-identical", "landed-modified", "obsolete"),
  empty: Schema.Array(EmptyCommit),
  /** Why a verdict left it out. Empty where the rebuild itself found the reason, and in records from before this field. */
  evidence: Schema.optionalWith(Schema.Array(LandedEvidence), { default: () => [] })
})
export type DroppedPatch = typeof DroppedPatch.Type

/** A patch that a rebuild which keeps going left out, and why. Its branch is as it was. */
export const SkippedPatch = Schema.Union(
  Schema.Struct({
    patch: Schema.String,
    tip: ObjectId,
    /** One of its commits does not apply. None of its commits is in the stack. */
    reason: Schema.Literal("conflict"),
    conflict: Conflict
  }),
  Schema.Struct({
    patch: Schema.String,
    tip: ObjectId,
    /** It builds on a patch that was skipped, or changes a path that such a patch changes. It was not tried. */
    reason: Schema.Literal("depends"),
    /** The skipped patch. */
    on: Schema.String,
    /** The paths that both change, at most `skippedPathsMax`; empty when it only builds on the other's commits. */
    paths: Schema.Array(Schema.String)
  })
)
export type SkippedPatch = typeof SkippedPatch.Type

const common = {
  /** The upstream commit that the patches went onto. */
  onto: ObjectId,
  applied: Schema.Array(AppliedPatch),
  dropped: Schema.Array(DroppedPatch)
}

/** Every patch that was not skipped was carried over; the new commits are in the repository. */
export const Rebuilt = Schema.TaggedStruct("Rebuilt", {
  ...common,
  /** The top of the rebuilt stack; equal to `onto` when no commit remained. */
  tip: ObjectId,
  tree: ObjectId,
  /** Patches that were left out although they are wanted. Empty unless the rebuild was to keep going. */
  skipped: Schema.optionalWith(Schema.Array(SkippedPatch), { default: () => [] }),
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

/** What a rebuild came to, by `_tag`: the new stack, or the conflict that it stopped at. Can be kept and sent as JSON. */
export const RebuildResult = Schema.Union(Rebuilt, Conflicted)
export type RebuildResult = typeof RebuildResult.Type
