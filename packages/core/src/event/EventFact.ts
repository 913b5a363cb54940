/** What can happen to a flow event. */
import * as Schema from "effect/Schema"
import { EventId, MaintenanceAttemptId, RunId } from "../Ids.ts"
import { FlowEvent } from "./FlowEvent.ts"

/** The run whose result asked for an event, and the event of that run. */
export const CausedBy = Schema.Struct({ eventId: EventId, runId: RunId })
export interface CausedBy extends Schema.Schema.Type<typeof CausedBy> {}

/** The event was taken in, and its runs were queued in the same commit. */
export const EventAccepted = Schema.TaggedStruct("EventAccepted", {
  event: FlowEvent,
  /** Digest of type and payload: what makes a second event with this id the same one. */
  contentDigest: Schema.String,
  runIds: Schema.Array(RunId),
  /** How many follow-ups lie between this event and one that came from outside; 0 for one from outside. */
  depth: Schema.optionalWith(Schema.Int, { default: () => 0 }),
  causedBy: Schema.optional(CausedBy),
  /** Who dispatched it: the caller of a server, the command line. Absent for what patchmoi itself dispatched. */
  by: Schema.optional(Schema.String),
  maintenanceAttemptId: Schema.optional(MaintenanceAttemptId)
})

/** Another content that came under a known id, as the event remembers it. */
export const DifferingDuplicate = Schema.Struct({
  /** ISO 8601, UTC. */
  at: Schema.String,
  type: Schema.String,
  contentDigest: Schema.String
})

/** The id came again with another type or payload. The first event stays. */
export const EventDuplicateDiffered = Schema.TaggedStruct("EventDuplicateDiffered", {
  type: Schema.String,
  contentDigest: Schema.String,
  by: Schema.optional(Schema.String)
})

/** The event was given another generation of runs. */
export const EventReplayed = Schema.TaggedStruct("EventReplayed", {
  generation: Schema.Int,
  runIds: Schema.Array(RunId),
  by: Schema.optional(Schema.String),
  maintenanceAttemptId: Schema.optional(MaintenanceAttemptId)
})

/**
 * The history of the event went, and that of its runs, maintenance attempts and dispatches with it. What stays is here:
 * enough to answer a duplicate as before. It stands for every fact before it.
 */
export const EventCompacted = Schema.TaggedStruct("EventCompacted", {
  event: Schema.Struct({
    id: FlowEvent.fields.id,
    type: FlowEvent.fields.type,
    source: FlowEvent.fields.source,
    occurredAt: FlowEvent.fields.occurredAt,
    receivedAt: FlowEvent.fields.receivedAt
  }),
  contentDigest: Schema.String,
  /** Other contents that came under the id. */
  differingDuplicates: Schema.Array(DifferingDuplicate),
  runIds: Schema.Array(RunId),
  generation: Schema.Int,
  depth: Schema.Int,
  /** When it was taken in, ISO 8601, UTC. */
  createdAt: Schema.String
})

/**
 * Everything that can happen to a flow event. The first is `EventAccepted`, or `EventCompacted` where that took its place.
 */
export const EventFact = Schema.Union(EventAccepted, EventDuplicateDiffered, EventReplayed, EventCompacted)
export type EventFact = typeof EventFact.Type
