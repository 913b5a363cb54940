/** A run as it is kept: everything that deciding and listing need. What the outside sees of it is `RunView.ts`. */
import * as Schema from "effect/Schema"
import { ExitCause, ProcessIdentity } from "../executor/Executor.ts"
import { FlowResult, ProcessStatus } from "../flow/FlowResult.ts"
import { AttemptId, LeaseToken, RunId } from "../Ids.ts"
import { Approval } from "./Approval.ts"
import { LateWrite } from "./LateWrite.ts"
import { runFields } from "./RunFact.ts"

/** What became of an attempt. */
export const AttemptStatus = Schema.Literal("running", "completed", "failed", "timeout", "canceled", "lost")
export type AttemptStatus = typeof AttemptStatus.Type

/** One execution of a run by one worker: under which lease it had it, and how that ended. */
export const AttemptDocument = Schema.Struct({
  id: AttemptId,
  /** From 1. */
  attemptNumber: Schema.Int,
  workerId: Schema.String,
  leaseToken: LeaseToken,
  status: AttemptStatus,
  /** The limits under which it takes a place while it runs. */
  limits: Schema.optional(Schema.Array(Schema.String)),
  process: Schema.optional(ProcessIdentity),
  exit: Schema.optional(ExitCause),
  error: Schema.optional(Schema.String),
  /** ISO 8601, UTC. */
  startedAt: Schema.String,
  /** ISO 8601, UTC; absent while it is `running`. */
  completedAt: Schema.optional(Schema.String)
})
export interface AttemptDocument extends Schema.Schema.Type<typeof AttemptDocument> {}

/**
 * A run with its attempts: everything that it takes to run it, and what came of it. `exit`, `result` and `error` are those
 * of its end, and absent before.
 */
export const RunDocument = Schema.Struct({
  id: RunId,
  ...runFields,
  processStatus: ProcessStatus,
  attempts: Schema.Array(AttemptDocument),
  /** When the next attempt may start, in milliseconds since the Unix epoch. */
  retryAt: Schema.optional(Schema.Number),
  cancelRequested: Schema.Boolean,
  cancelRequestedBy: Schema.optional(Schema.String),
  cancelReason: Schema.optional(Schema.String),
  /** Writes of workers that did not hold the run any more, oldest first; the first `lateWritesMax`. */
  lateWrites: Schema.optional(Schema.Array(LateWrite)),
  /** What was decided when the run asked, oldest first; at most `approvalsMax`. */
  approvals: Schema.optional(Schema.Array(Approval)),
  exit: Schema.optional(ExitCause),
  result: Schema.optional(FlowResult),
  error: Schema.optional(Schema.String),
  /** Whether the last attempt would have been followed by another, had the policy allowed more. */
  retriesUsedUp: Schema.Boolean,
  /** When it was queued; ISO 8601, UTC, as all times here but `retryAt`. */
  createdAt: Schema.String,
  /** When its first attempt started. */
  startedAt: Schema.optional(Schema.String),
  /** Absent until it has ended, and again when a decision has queued it anew. */
  completedAt: Schema.optional(Schema.String),
  updatedAt: Schema.String
})
export interface RunDocument extends Schema.Schema.Type<typeof RunDocument> {}
