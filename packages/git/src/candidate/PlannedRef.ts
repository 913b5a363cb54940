/** One ref of a plan to publish: what it is at the remote, and what it is to be. */
import * as Schema from "effect/Schema"
import { ObjectId, RefName } from "../GitName.ts"

/** Where overwritten commits are kept at the remote, without `refs/tags/`. */
export const recoveryPrefix = "patchmoi/before/"

/** One ref at the remote. */
export const PlannedRef = Schema.Struct({
  ref: RefName,
  /** `recovery`: a tag that keeps what a branch was. `notes`: the candidate's proof beside the notes that are there. */
  kind: Schema.Literal("branch", "tag", "recovery", "notes"),
  /** What the ref is at the remote, which the server is held to; `null` for absent. */
  expected: Schema.NullOr(ObjectId),
  /** What it is to be. */
  next: ObjectId,
  action: Schema.Literal("create", "move", "keep"),
  /** True when the branch loses commits by the move. They are kept by a `recovery` ref. */
  overwrites: Schema.Boolean,
  /** True when the commits that it loses were not pushed from this clone. */
  foreign: Schema.Boolean
})
export type PlannedRef = typeof PlannedRef.Type
