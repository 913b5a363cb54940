/** What can happen to a maintenance attempt. */
import * as Schema from "effect/Schema"
import { EventId, MaintenanceAttemptId, RunId } from "../Ids.ts"

/** How the attempt came to be: the first dispatch of a signal's event, or another generation of it. */
export const MaintenanceOperation = Schema.Literal("dispatch", "replay")
export type MaintenanceOperation = typeof MaintenanceOperation.Type

/** A branch or tag that the attempt produced. */
export const CandidateRef = Schema.Struct({
  kind: Schema.String,
  ref: Schema.String,
  repo: Schema.optional(Schema.String),
  remote: Schema.optional(Schema.String),
  sha: Schema.optional(Schema.String),
  url: Schema.optional(Schema.String),
  pushed: Schema.optional(Schema.Boolean)
})
export interface CandidateRef extends Schema.Schema.Type<typeof CandidateRef> {}

/** The upstream movement that an attempt answers, as the event's payload names it. */
export const Upstream = Schema.Struct({
  upstreamRepo: Schema.optional(Schema.String),
  upstreamRef: Schema.optional(Schema.String),
  upstreamSha: Schema.optional(Schema.String),
  upstreamTag: Schema.optional(Schema.String)
})
export interface Upstream extends Schema.Schema.Type<typeof Upstream> {}

/**
 * A signal's event was dispatched or replayed, in the same commit. Without runs the attempt is over at once, unless another
 * backend is to run it.
 */
export const MaintenanceOpened = Schema.TaggedStruct("MaintenanceOpened", {
  eventId: EventId,
  eventType: Schema.String,
  operation: MaintenanceOperation,
  upstream: Upstream,
  runIds: Schema.Array(RunId),
  /** Why there is nothing to do, when no step matched. */
  unmatchedReason: Schema.optional(Schema.String),
  /** The backend that is to run it, when that is another one: its runs are not known yet. */
  workspaceBackendUrl: Schema.optional(Schema.String)
})

/** The other backend has accepted the event, with these runs. */
export const MaintenanceRunsKnown = Schema.TaggedStruct("MaintenanceRunsKnown", {
  runIds: Schema.Array(RunId)
})

/** The other backend did not accept the event, and is not asked again by itself. */
export const MaintenanceNotDispatched = Schema.TaggedStruct("MaintenanceNotDispatched", {
  error: Schema.String
})

/** One of its runs ended. */
export const MaintenanceRunEnded = Schema.TaggedStruct("MaintenanceRunEnded", {
  runId: RunId,
  /** The effective status of the run. */
  status: Schema.String,
  candidateRefs: Schema.Array(CandidateRef),
  message: Schema.optional(Schema.String),
  error: Schema.optional(Schema.String)
})

/** One of its runs had ended with a question, which was answered: it runs again. */
export const MaintenanceRunReopened = Schema.TaggedStruct("MaintenanceRunReopened", { runId: RunId })

/** A later attempt took its place: it is closed, whatever its runs still do. */
export const MaintenanceReplaced = Schema.TaggedStruct("MaintenanceReplaced", {
  by: MaintenanceAttemptId
})

/** Everything that can happen to a maintenance attempt. What stands before its `MaintenanceOpened` counts for nothing. */
export const MaintenanceFact = Schema.Union(
  MaintenanceOpened,
  MaintenanceRunsKnown,
  MaintenanceNotDispatched,
  MaintenanceRunEnded,
  MaintenanceRunReopened,
  MaintenanceReplaced
)
export type MaintenanceFact = typeof MaintenanceFact.Type
