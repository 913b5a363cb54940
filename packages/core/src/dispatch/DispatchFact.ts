/** What can happen to a dispatch. */
import * as Schema from "effect/Schema"
import { EventId, MaintenanceAttemptId, RunId } from "../Ids.ts"

const common = {
  eventId: EventId,
  eventType: Schema.String,
  operation: Schema.Literal("dispatch", "replay"),
  transport: Schema.String,
  /** Where the other backend is: no path of a route, no user name. */
  workspaceBackendUrl: Schema.optional(Schema.String),
  /** The variable that holds the secret of the other backend; never the secret. */
  secretEnv: Schema.optional(Schema.String),
  maintenanceAttemptId: Schema.optional(MaintenanceAttemptId)
}

/** How far a dispatch is. */
export const DispatchStatus = Schema.Literal("pending", "dispatched", "failed", "skipped")
export type DispatchStatus = typeof DispatchStatus.Type

/** What was dispatched, to whom, and with what outcome: the fields of a line of `workspace-dispatches.jsonl`. */
export const dispatchFields = {
  ...common,
  target: Schema.Literal("local", "workspace-backend"),
  status: DispatchStatus,
  /** Runs that the event was given by whoever runs it. */
  runIds: Schema.Array(RunId),
  matched: Schema.Int,
  /** The other backend had the event already. */
  idempotent: Schema.optional(Schema.Boolean),
  /** Of the last answer of the other backend. */
  httpStatus: Schema.optional(Schema.Int),
  error: Schema.optional(Schema.String)
}

/** Done on this machine, in the same commit. */
export const DispatchRecorded = Schema.TaggedStruct("DispatchRecorded", dispatchFields)

/** To be sent to another backend. */
export const DispatchQueued = Schema.TaggedStruct("DispatchQueued", common)

const failure = {
  /** Why, without secrets. */
  error: Schema.String,
  httpStatus: Schema.optional(Schema.Int)
}

/** The other backend did not accept it this time. */
export const DispatchTryFailed = Schema.TaggedStruct("DispatchTryFailed", {
  ...failure,
  /** When the next try is due, ISO 8601, UTC. */
  nextTryAt: Schema.String
})

/** The other backend has it: it is durable there. */
export const DispatchAccepted = Schema.TaggedStruct("DispatchAccepted", {
  runIds: Schema.Array(RunId),
  matched: Schema.Int,
  idempotent: Schema.optional(Schema.Boolean),
  httpStatus: Schema.optional(Schema.Int)
})

/** It is not tried again by itself: the backend will never take it, or it was tried for long enough. */
export const DispatchGivenUp = Schema.TaggedStruct("DispatchGivenUp", failure)

/** Somebody asked for a try now. */
export const DispatchRetried = Schema.TaggedStruct("DispatchRetried", {
  by: Schema.optional(Schema.String)
})

/**
 * Everything that can happen to a dispatch. `DispatchRecorded` is all of one to this machine; the others are about another
 * backend, and begin with `DispatchQueued`.
 */
export const DispatchFact = Schema.Union(
  DispatchRecorded,
  DispatchQueued,
  DispatchTryFailed,
  DispatchAccepted,
  DispatchGivenUp,
  DispatchRetried
)
export type DispatchFact = typeof DispatchFact.Type
