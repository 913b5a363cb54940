/** What can happen to a cascade: one version on its way into many repositories. */
import * as Schema from "effect/Schema"
import { RunId } from "../Ids.ts"

/** What is to be done about a target, as it was found before anything was done. */
export const TargetIntent = Schema.Literal(
  /** It holds the version. */
  "up-to-date",
  "write",
  /** It holds a newer version, and going back was asked for. */
  "downgrade",
  /** It holds a newer version, and is left alone. */
  "newer",
  /** A person changed the value since it was last written, and it is left alone. */
  "pinned",
  /** It has neither the file nor the marker. */
  "not-active",
  "disabled",
  /** What it holds could not be read. */
  "unreachable"
)
export type TargetIntent = typeof TargetIntent.Type

/** What one try at a target came to. `raced`: somebody else was faster, and nothing was written. */
export const TryOutcome = Schema.Literal(
  "written",
  "dispatched",
  "up-to-date",
  "newer",
  "pinned",
  "not-active",
  "raced",
  "failed"
)
export type TryOutcome = typeof TryOutcome.Type

/** By a commit that is pushed, or by the API of the forge. */
export const CascadeTransport = Schema.Literal("push", "dispatch")
export type CascadeTransport = typeof CascadeTransport.Type

/** One target as it was planned. */
export const PlannedTarget = Schema.Struct({
  /** The address, and `#branch` where one is set. */
  target: Schema.String,
  intent: TargetIntent,
  how: CascadeTransport,
  /** The tag of the error, where there is one. */
  code: Schema.optional(Schema.String),
  /** Why, for people; without credentials. */
  reason: Schema.optional(Schema.String)
})
export interface PlannedTarget extends Schema.Schema.Type<typeof PlannedTarget> {}

/** One try at one target. */
export const TargetTry = Schema.Struct({
  target: Schema.String,
  /** From 1. */
  number: Schema.Int,
  how: CascadeTransport,
  outcome: TryOutcome,
  /** The commit that was written. */
  commit: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.String)
})
export interface TargetTry extends Schema.Schema.Type<typeof TargetTry> {}

/** Every target was looked at, and nothing was written yet. */
export const CascadePlanned = Schema.TaggedStruct("CascadePlanned", {
  name: Schema.String,
  version: Schema.String,
  /** The path of the version file. */
  file: Schema.String,
  targets: Schema.Array(PlannedTarget),
  /** The run that did it, when it was a run. */
  runId: Schema.optional(RunId)
})

/** A target was tried once. */
export const CascadeTargetTried = Schema.TaggedStruct("CascadeTargetTried", TargetTry.fields)

/** Every target has been settled. */
export const CascadeFinished = Schema.TaggedStruct("CascadeFinished", {})

/** Everything that can happen to a cascade: it is planned, its targets are tried, and it is finished, in this order. */
export const CascadeFact = Schema.Union(CascadePlanned, CascadeTargetTried, CascadeFinished)
export type CascadeFact = typeof CascadeFact.Type
