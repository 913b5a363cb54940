/** The bodies of requests and of answers, by route. */

import { WakeReport } from "@patchmoi/core/engine/WakeReport"
import { EventId, RunId } from "@patchmoi/core/Ids"
import * as Schema from "effect/Schema"
import { AttemptRecord, DispatchRecord, EventRecord } from "./records.ts"
import { RunRecord } from "./runRecord.ts"

const cursor = {
  /** The parameter `cursor` of the next page; absent when nothing follows. A page with a cursor may be short, or empty. */
  cursor: Schema.optional(Schema.String)
}

/** Anything with at least `id` and `type`; what an event is in full is checked by the engine. */
export const EventBody = Schema.Unknown.annotations({
  identifier: "FlowEvent",
  description:
    "A flow event: an object with `id` and `type`, and optionally `source`, `occurredAt`, `receivedAt`, `payload`."
})

/** What became of a dispatch or a replay. `event` and `runs` are there with `wait` or `include=runs`, for who may read. */
export const DispatchAnswer = Schema.Struct({
  status: Schema.Literal("accepted", "duplicate"),
  eventId: EventId,
  /** All runs of the event; for an accepted one those that it has just been given. */
  runIds: Schema.Array(RunId),
  /** How many runs that is. */
  matched: Schema.Int,
  /** True for a duplicate: nothing new runs. */
  idempotent: Schema.optional(Schema.Literal(true)),
  /** True for a duplicate whose type or payload is another than that of the event that stays. */
  payloadDiffers: Schema.optional(Schema.Literal(true)),
  event: Schema.optional(EventRecord),
  /** Those that are there still, without their output. */
  runs: Schema.optional(Schema.Array(RunRecord)),
  /** True when the wait ended by its time-out, before the runs did. */
  timedOut: Schema.optional(Schema.Literal(true))
}).annotations({ identifier: "DispatchAnswer" })
export interface DispatchAnswer extends Schema.Schema.Type<typeof DispatchAnswer> {}

/** A body with a field that is not known is refused, so that a typo is seen. */
const strictly = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).annotations({ parseOptions: { onExcessProperty: "error" } })

const exact = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** The body of a replay; it may be left out. */
export const ReplayBody = strictly({
  wait: exact(Schema.Boolean),
  /** How long to wait, in milliseconds; at most what the server allows. */
  timeoutMillis: exact(Schema.Int.pipe(Schema.nonNegative()))
})

/** The body of a cancel; it may be left out. */
export const CancelBody = strictly({
  reason: exact(Schema.String.pipe(Schema.maxLength(1_024)))
})

/** The body of a rejection; it may be left out. */
export const RejectBody = strictly({
  /** What there is to say about it; kept with the decision, and told to the step. */
  comment: exact(Schema.String)
})

/** The body of an approval; it may be left out. */
export const ApproveBody = strictly({
  ...RejectBody.fields,
  /** One of the choices that the step offers. */
  choice: exact(Schema.String)
})

/** One event, and the runs of all its generations that are there still, oldest first, without their output. */
export const EventAnswer = Schema.Struct({ event: EventRecord, runs: Schema.Array(RunRecord) })
/** A page of events, newest first, without their runs. */
export const EventsAnswer = Schema.Struct({ events: Schema.Array(EventRecord), ...cursor })
/** One run with all the output of its last attempt that was kept: to a look, a cancel, an approval and a rejection. */
export const RunAnswer = Schema.Struct({ run: RunRecord })
/** A page of runs, newest first, without their output. */
export const RunsAnswer = Schema.Struct({
  /** The event that was asked for, when one was. */
  eventId: Schema.optional(Schema.String),
  runs: Schema.Array(RunRecord),
  ...cursor
})
/** One maintenance attempt: as it is, or as it is after a sync. */
export const AttemptAnswer = Schema.Struct({ attempt: AttemptRecord })
/** A page of maintenance attempts, newest first. */
export const AttemptsAnswer = Schema.Struct({ attempts: Schema.Array(AttemptRecord), ...cursor })
/** A page of dispatches, newest first: to flows of the server, and to other backends. */
export const DispatchesAnswer = Schema.Struct({ dispatches: Schema.Array(DispatchRecord), ...cursor })

/** What runs wait for that have not ended: how many for each kind of thing, and the runs that nothing will wake. */
export const StuckAnswer = WakeReport

/** The answer to `GET /healthz`, always with status 200: the process answers. Whether its store does, `/readyz` tells. */
export const HealthAnswer = Schema.Struct({ ok: Schema.Literal(true) })
/**
 * The answer to `GET /readyz`: `ok` with status 200; without it status 503, and `reason` says whether the server is stopping
 * or its store does not answer.
 */
export const ReadyAnswer = Schema.Struct({ ok: Schema.Boolean, reason: Schema.optional(Schema.String) })
