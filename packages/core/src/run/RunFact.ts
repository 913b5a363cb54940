/** What can happen to a run and to its attempts. */
import * as Schema from "effect/Schema"
import { ExitCause, ProcessIdentity } from "../executor/Executor.ts"
import { StepPlan } from "../flow/Flow.ts"
import { FlowResult } from "../flow/FlowResult.ts"
import { AttemptId, EventId, LeaseToken, MaintenanceAttemptId } from "../Ids.ts"
import { approvalFields } from "./Approval.ts"
import { LateWriteKind, LateWriteReason } from "./LateWrite.ts"

/** Everything that it takes to run a step for an event: a later edit of the flow does not change it. */
export const runFields = {
  eventId: EventId,
  eventType: Schema.String,
  flowName: Schema.String,
  flowVersion: Schema.Number,
  /** The folder of the flow, absolute. */
  flowRoot: Schema.String,
  config: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  stepName: Schema.String,
  generation: Schema.Int,
  plan: StepPlan,
  /** The value at the plan's concurrency key in the event; runs with the same value share the limit. */
  concurrencyKey: Schema.optional(Schema.String),
  /** How deep in a chain of follow-up events the run's event is. */
  depth: Schema.optionalWith(Schema.Int, { default: () => 0 }),
  maintenanceAttemptId: Schema.optional(MaintenanceAttemptId)
}

/** A step that matched an event waits for a slot. */
export const RunQueued = Schema.TaggedStruct("RunQueued", runFields)

/** A worker has claimed the run under a lease. */
export const AttemptStarted = Schema.TaggedStruct("AttemptStarted", {
  attemptId: AttemptId,
  /** From 1. */
  attemptNumber: Schema.Int,
  workerId: Schema.String,
  leaseToken: LeaseToken,
  /** The limits under which it takes a place; it gives them back when it ends. */
  limits: Schema.optional(Schema.Array(Schema.String))
})

/** The attempt has a process. */
export const AttemptSpawned = Schema.TaggedStruct("AttemptSpawned", {
  attemptId: AttemptId,
  process: ProcessIdentity
})

/** The attempt is over, in whatever way. */
export const AttemptEnded = Schema.TaggedStruct("AttemptEnded", {
  attemptId: AttemptId,
  exit: ExitCause,
  result: Schema.optional(FlowResult),
  error: Schema.optional(Schema.String)
})

/** The run waits for its next attempt. */
export const RunRetryScheduled = Schema.TaggedStruct("RunRetryScheduled", {
  /** Milliseconds since the Unix epoch. */
  retryAt: Schema.Number
})

/** Somebody asked that the run ends. A queued run ends at once, a running one when its process group is gone. */
export const RunCancelRequested = Schema.TaggedStruct("RunCancelRequested", {
  by: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.String)
})

/** The run is over; no attempt follows. */
export const RunEnded = Schema.TaggedStruct("RunEnded", {
  processStatus: Schema.Literal("completed", "failed", "canceled"),
  exit: Schema.optional(ExitCause),
  result: Schema.optional(FlowResult),
  error: Schema.optional(Schema.String),
  /** Whether the last attempt would have been followed by another, had the policy allowed more. */
  retriesUsedUp: Schema.optionalWith(Schema.Boolean, { default: () => false })
})

/** A write of a worker that does not hold the attempt any more was refused: told once for each attempt and kind of write. */
export const LateWriteRefused = Schema.TaggedStruct("LateWriteRefused", {
  attemptId: AttemptId,
  kind: LateWriteKind,
  reason: LateWriteReason,
  /** What the refused end said, in short. */
  summary: Schema.optional(Schema.String)
})

/** Somebody answered the question that the run ended with: it runs again, and its step is told the answer. */
export const ApprovalDecided = Schema.TaggedStruct("ApprovalDecided", approvalFields)

/**
 * Everything that can happen to a run. What stands before its `RunQueued` counts for nothing; after its `RunEnded` only
 * `LateWriteRefused` and `ApprovalDecided` do.
 */
export const RunFact = Schema.Union(
  RunQueued,
  AttemptStarted,
  AttemptSpawned,
  AttemptEnded,
  RunRetryScheduled,
  RunCancelRequested,
  RunEnded,
  LateWriteRefused,
  ApprovalDecided
)
export type RunFact = typeof RunFact.Type
