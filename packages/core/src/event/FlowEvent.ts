/** The envelope that a product dispatches, and how what arrives from outside becomes one. */
import * as Schema from "effect/Schema"
import { EventId } from "../Ids.ts"

/** Longest event type, in UTF-16 code units. */
export const eventTypeLengthMax = 256

/** Longest `source`, `occurredAt` and `receivedAt`, in UTF-16 code units. */
export const textLengthMax = 1_024

/** The type of an event: what the triggers of steps are compared with, exactly. */
export const EventType = Schema.String.pipe(
  Schema.filter((type) => type.trim().length > 0 || "Expected an event type that is not blank"),
  Schema.maxLength(eventTypeLengthMax)
)

/**
 * A flow event. `payload` is any JSON value. Fields that patchmoi does not know are kept in `extra`
 * and are given back where the event is shown.
 */
export const FlowEvent = Schema.Struct({
  id: EventId,
  type: EventType,
  source: Schema.optional(Schema.String),
  /** When it happened upstream, as the sender wrote it. */
  occurredAt: Schema.optional(Schema.String),
  /** When patchmoi took it in: ISO 8601, UTC. */
  receivedAt: Schema.String,
  /** `{}` where a line of a log has none. */
  payload: Schema.optionalWith(Schema.Unknown, { default: () => ({}) }),
  extra: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})
export interface FlowEvent extends Schema.Schema.Type<typeof FlowEvent> {}
