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

export const AttemptDocument = Schema.Struct({
  id: AttemptId,
  attemptNumber: Schema.Int,
  workerId: Schema.String,
  leaseToken: LeaseToken,
  status: AttemptStatus,
  /** The limits under which it takes a place while it runs. */
  limits: Schema.optional(Schema.Array(Schema.String)),
  process: Schema.optional(ProcessIdentity),
  exit: Schema.optional(ExitCause),
  error: Schema.optional(Schema.String),
  startedAt: Schema.String,
  completedAt: Schema.optional(Schema.String)
})
export interface AttemptDocument extends Schema.Schema.Type<typeof AttemptDocument> {}

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
  /** Writes of workers that did not hold the run any more, oldest first. */
  lateWrites: Schema.optional(Schema.Array(LateWrite)),
  /** What was decided when the run asked, oldest first. */
  approvals: Schema.optional(Schema.Array(Approval)),
  exit: Schema.optional(ExitCause),
  result: Schema.optional(FlowResult),
  error: Schema.optional(Schema.String),
  retriesUsedUp: Schema.Boolean,
  createdAt: Schema.String,
  startedAt: Schema.optional(Schema.String),
  completedAt: Schema.optional(Schema.String),
  updatedAt: Schema.String
})
export interface RunDocument extends Schema.Schema.Type<typeof RunDocument> {}
