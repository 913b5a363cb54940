/** One row of two compared stacks: what a commit became. */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"

/** Longest text of one row, in UTF-16 units: 64 Ki. More is cut, and the row says so. */
export const rowTextLengthMax = 64 * 1024

/** How two commits relate. */
export const RangeDiffRelation = Schema.Literal(
  /** The same change and the same message. */
  "equal",
  /** The same change, on other surroundings. */
  "context",
  /** The same change with another message, author or date-independent metadata. */
  "message",
  /** Another change. */
  "content",
  /** Only in the old stack. */
  "removed",
  /** Only in the new stack. */
  "added"
)
export type RangeDiffRelation = typeof RangeDiffRelation.Type

const Side = Schema.NullOr(
  Schema.Struct({
    /** Place in its stack, from 1. */
    number: Schema.Int,
    commit: ObjectId
  })
)

/** One commit of both stacks, or of one. */
export const RangeDiffRow = Schema.Struct({
  relation: RangeDiffRelation,
  old: Side,
  new: Side,
  subject: Schema.String,
  /** The difference of the two diffs, one line each, without what rule 2 leaves out; empty where nothing is left. */
  lines: Schema.Array(Schema.String),
  /** True when lines were left out because there were too many. */
  truncated: Schema.Boolean
})
export type RangeDiffRow = typeof RangeDiffRow.Type
