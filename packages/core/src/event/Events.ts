/**
 * The aggregate of flow events.
 *
 * 1. The first event with an id is the event; nothing that comes later changes it.
 * 2. Equal content under a known id leaves no fact; different content leaves one, once per content, for the first
 *    {@link differingDuplicatesMax} of them.
 * 3. Each replay adds exactly one generation.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { EventId, type MaintenanceAttemptId, type RunId } from "../Ids.ts"
import { digest128 } from "../internal/digest.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import { differingDuplicatesMax, type EventDocument } from "./EventDocument.ts"
import { type CausedBy, EventFact } from "./EventFact.ts"
import type { FlowEvent } from "./FlowEvent.ts"

/**
 * What can be asked of an event. `Accept` is never refused: for a known id it keeps at most that another content came.
 *
 * - `UnknownEvent`: a `Replay` or `Compact` of an id that is not known.
 * - `EventForgotten`: a `Replay` of an event that was compacted.
 */
export type EventCommand =
  | {
      readonly _tag: "Accept"
      readonly event: FlowEvent
      /** What {@link contentDigestOf} gives for the event. */
      readonly contentDigest: string
      readonly runIds: ReadonlyArray<RunId>
      /** 0 for an event from outside. */
      readonly depth: number
      readonly causedBy?: CausedBy
      readonly by?: string
      readonly maintenanceAttemptId?: MaintenanceAttemptId
    }
  | {
      readonly _tag: "Replay"
      /** One more than that of the event; any other does nothing. */
      readonly generation: number
      readonly runIds: ReadonlyArray<RunId>
      readonly by?: string
      readonly maintenanceAttemptId?: MaintenanceAttemptId
    }
  /** Only once everything that the event led to has ended: `compaction/Compaction.ts` sees to that. */
  | { readonly _tag: "Compact" }

/** There is no event with this id. */
export class UnknownEvent extends Schema.TaggedError<UnknownEvent>("patchmoi/UnknownEvent")("UnknownEvent", {
  eventId: EventId
}) {
  override get message() {
    return `Unknown event: ${this.eventId}`
  }
}

/** The history of the event was compacted: there is no payload left to run again. */
export class EventForgotten extends Schema.TaggedError<EventForgotten>("patchmoi/EventForgotten")(
  "EventForgotten",
  {
    eventId: EventId,
    /** ISO 8601, UTC. */
    compactedAt: Schema.String
  }
) {
  override get message() {
    return (
      `The history of event ${this.eventId} was compacted at ${this.compactedAt} and its payload with it: ` +
      "it cannot be replayed. Dispatch it again under a new id"
    )
  }
}

/** The digest by which two events with one id are the same: type and payload, whatever the order of object keys. */
export const contentDigestOf = (event: Pick<FlowEvent, "type" | "payload">): string =>
  digest128([event.type, canonicalJson(event.payload)])

const decide = (
  command: EventCommand,
  document: EventDocument | undefined,
  key: string
): Either.Either<ReadonlyArray<EventFact>, UnknownEvent | EventForgotten> => {
  if (command._tag === "Accept") {
    const { _tag, ...accepted } = command
    if (document === undefined) return Either.right([{ _tag: "EventAccepted", ...accepted }])
    const isKnown = [document, ...document.differingDuplicates].some(
      ({ contentDigest }) => contentDigest === command.contentDigest
    )
    return Either.right(
      isKnown || document.differingDuplicates.length >= differingDuplicatesMax
        ? []
        : [
            {
              _tag: "EventDuplicateDiffered",
              type: command.event.type,
              contentDigest: command.contentDigest,
              ...withoutUndefined({ by: command.by })
            }
          ]
    )
  }
  if (document === undefined) return Either.left(new UnknownEvent({ eventId: EventId.make(key) }))
  if (command._tag === "Compact") {
    return Either.right(document.compactedAt === undefined ? [compacted(document)] : [])
  }
  const { compactedAt } = document
  if (compactedAt !== undefined) {
    return Either.left(new EventForgotten({ eventId: document.event.id, compactedAt }))
  }
  const { _tag, ...replayed } = command
  return Either.right(
    command.generation === document.generation + 1 ? [{ _tag: "EventReplayed", ...replayed }] : []
  )
}

const evolve = (
  document: EventDocument | undefined,
  fact: EventFact,
  { at }: Aggregate.FactPlace
): EventDocument | undefined => {
  switch (fact._tag) {
    case "EventAccepted": {
      if (document !== undefined) return document
      const { _tag, maintenanceAttemptId, by, ...accepted } = fact
      return {
        ...accepted,
        ...withoutUndefined({ dispatchedBy: by }),
        generation: 0,
        maintenanceAttemptIds: maintenanceAttemptId === undefined ? [] : [maintenanceAttemptId],
        differingDuplicates: [],
        createdAt: toIso(at)
      }
    }
    case "EventDuplicateDiffered": {
      if (document === undefined || document.differingDuplicates.length >= differingDuplicatesMax) {
        return document
      }
      const duplicate = { at: toIso(at), type: fact.type, contentDigest: fact.contentDigest }
      return { ...document, differingDuplicates: [...document.differingDuplicates, duplicate] }
    }
    case "EventCompacted": {
      const { _tag, event, ...kept } = fact
      return {
        ...kept,
        event: { ...event, payload: null },
        maintenanceAttemptIds: [],
        compactedAt: toIso(at)
      }
    }
    case "EventReplayed":
      return document === undefined || fact.generation !== document.generation + 1
        ? document
        : {
            ...document,
            generation: fact.generation,
            runIds: [...document.runIds, ...fact.runIds],
            maintenanceAttemptIds:
              fact.maintenanceAttemptId === undefined
                ? document.maintenanceAttemptIds
                : [...document.maintenanceAttemptIds, fact.maintenanceAttemptId]
          }
  }
}

/** Flow events, by their id. Listed by type and by source. */
export const Events = Aggregate.make({
  name: "event",
  fact: EventFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    // What is left of a compacted event answers duplicates; there is nothing to list.
    all: (document: EventDocument) => (document.compactedAt === undefined ? [] : undefined),
    byType: (document: EventDocument) =>
      document.compactedAt === undefined ? [document.event.type] : undefined,
    bySource: (document: EventDocument) =>
      document.event.source === undefined || document.compactedAt !== undefined
        ? undefined
        : [document.event.source]
  }
})

// --- internal ---

const compacted = ({
  event: { id, type, source, occurredAt, receivedAt },
  contentDigest,
  differingDuplicates,
  runIds,
  generation,
  depth,
  createdAt
}: EventDocument): EventFact => ({
  _tag: "EventCompacted",
  event: withoutUndefined({ id, type, source, occurredAt, receivedAt }),
  contentDigest,
  differingDuplicates,
  runIds,
  generation,
  depth,
  createdAt
})

/** JSON with the keys of every object in order, however they stand in the value. */
const canonicalJson = (value: unknown): string =>
  (isInOrder(value) ? JSON.stringify(value) : JSON.stringify(value, keysInOrder)) ?? "undefined"

const keysInOrder = (_key: string, value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value

/** Whether they stand in order already: writing them as they are takes a third of the time. */
const isInOrder = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.every(isInOrder)
  if (!isObject(value)) return true
  let before = ""
  for (const key of Object.keys(value)) {
    if (key < before || !isInOrder(value[key])) return false
    before = key
  }
  return true
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
