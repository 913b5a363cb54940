/** A flow event as it is kept and listed. */
import * as Schema from "effect/Schema"
import { MaintenanceAttemptId, RunId } from "../Ids.ts"
import { CausedBy, DifferingDuplicate } from "./EventFact.ts"
import { FlowEvent } from "./FlowEvent.ts"

/** How many differing duplicates an event remembers; later ones are in its history only. */
export const differingDuplicatesMax = 16

/** A flow event with what it led to. After a compaction it is only what answers a duplicate: `compactedAt` tells. */
export const EventDocument = Schema.Struct({
  event: FlowEvent,
  /** Of type and payload, as `contentDigestOf` gives it: what makes a second event with this id the same one. */
  contentDigest: Schema.String,
  /** The runs of all generations, oldest first. */
  runIds: Schema.Array(RunId),
  /** The newest generation: 0 after the first dispatch, one more for each replay. */
  generation: Schema.Int,
  /** How many follow-ups lie between this event and one that came from outside; 0 for one from outside. */
  depth: Schema.Int,
  causedBy: Schema.optional(CausedBy),
  /** Who dispatched it first. */
  dispatchedBy: Schema.optional(Schema.String),
  maintenanceAttemptIds: Schema.Array(MaintenanceAttemptId),
  /** Other contents that came under the id: the first {@link differingDuplicatesMax}, oldest first. */
  differingDuplicates: Schema.Array(DifferingDuplicate),
  /** ISO 8601, UTC. */
  createdAt: Schema.String,
  /** When its history went, ISO 8601, UTC: the payload is null, its runs cannot be read, and it is in no list. */
  compactedAt: Schema.optional(Schema.String)
})
export interface EventDocument extends Schema.Schema.Type<typeof EventDocument> {}
