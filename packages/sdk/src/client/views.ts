/** What clients see of events and of the log. Plain data. */
import type { EventDocument } from "@patchmoi/core/event/EventDocument"
import type { RunView } from "@patchmoi/core/run/RunView"
import { splitStream } from "@patchmoi/core/store/Aggregate"
import type { LogRow } from "@patchmoi/core/store/Log"
import { toIso } from "@patchmoi/core/Time"

/** A flow event with its runs. Fields of the envelope that patchmoi does not know stand beside the others. */
export interface EventView {
  readonly id: string
  readonly type: string
  readonly source?: string
  readonly occurredAt?: string
  readonly receivedAt: string
  readonly payload: unknown
  /** Runs of all generations, oldest first. */
  readonly runIds: ReadonlyArray<string>
  /** The runs without their output; empty in lists. */
  readonly runs: ReadonlyArray<RunView>
  /** The newest generation: 0 after the first dispatch. */
  readonly generation: number
  /** How many follow-ups lie between this event and one from outside. */
  readonly depth: number
  readonly causedBy?: { readonly eventId: string; readonly runId: string }
  /** Who dispatched it first over HTTP: `http`, `http:secret`, or `http:token:<name>`. */
  readonly dispatchedBy?: string
  /** When its history was compacted, ISO 8601, UTC: the payload is null then, and its runs are gone. */
  readonly compactedAt?: string
  readonly maintenanceAttemptIds: ReadonlyArray<string>
  /** Later dispatches of this id with another type or payload. */
  readonly differingDuplicates: ReadonlyArray<{ readonly at: string; readonly type: string }>
  readonly createdAt: string
  readonly [extra: string]: unknown
}

/** One change of the record. */
export interface Change {
  /** Place in the log: go on from here with `watch({ after: position })`. */
  readonly position: number
  /** ISO 8601, UTC. */
  readonly at: string
  /** What kind of thing changed: `event`, `run`, `maintenance`, `dispatch`, `source`. */
  readonly subject: string
  /** The id of the thing. */
  readonly id: string
  /** The name of the fact, such as `RunEnded`. */
  readonly type: string
  /** The fields of the fact. */
  readonly data: unknown
}

/** The view of an event. */
export const toEventView = (document: EventDocument, runs: ReadonlyArray<RunView>): EventView => {
  const { event, contentDigest, differingDuplicates, causedBy, dispatchedBy, compactedAt, ...rest } = document
  const { extra = {}, source, occurredAt, ...envelope } = event
  // What only the record says, and not of every event: where it says nothing, a sender must not be able to.
  const { causedBy: _causedBy, dispatchedBy: _by, compactedAt: _compactedAt, ...sent } = extra
  return {
    ...sent,
    ...envelope,
    ...(source === undefined ? {} : { source }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    ...(causedBy === undefined ? {} : { causedBy }),
    ...(dispatchedBy === undefined ? {} : { dispatchedBy }),
    ...(compactedAt === undefined ? {} : { compactedAt }),
    ...rest,
    runs,
    differingDuplicates: differingDuplicates.map(({ at, type }) => ({ at, type }))
  }
}

/** The change that a row of the log is. What proves a lease stays inside. */
export const toChange = (row: LogRow): Change => {
  const { name, key } = splitStream(row.stream)
  const data: unknown = JSON.parse(row.data, (field, value: unknown) =>
    field === "leaseToken" ? undefined : value
  )
  return { position: row.position, at: toIso(row.at), subject: name, id: key, type: row.type, data }
}
