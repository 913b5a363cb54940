/** The parameters of requests in the query string. A parameter that a route does not know is refused, so that a typo is seen. */
import { DispatchStatus } from "@patchmoi/core/dispatch/DispatchFact"
import { EffectiveStatus } from "@patchmoi/core/flow/FlowResult"
import { MaintenanceStatus } from "@patchmoi/core/maintenance/MaintenanceDocument"
import { parseTime } from "@patchmoi/core/Time"
import * as Schema from "effect/Schema"

/** Longest value of a parameter but a cursor, in characters; a longer one is refused (`InvalidRequest`). */
export const parameterLengthMax = 1_024
/** Longest cursor, in characters; a longer one is refused (`InvalidRequest`). */
export const cursorLengthMax = 8_192

const text = Schema.optional(Schema.String.pipe(Schema.maxLength(parameterLengthMax)))
const oneOf = <Values extends readonly [string, ...Array<string>]>(...values: Values) =>
  Schema.optional(
    Schema.Literal(...values).annotations({
      message: () => ({ message: `Expected one of ${values.join(", ")}`, override: true })
    })
  )
const flag = oneOf("true", "false", "1", "0")

/** A point in time: ISO 8601, or milliseconds since the Unix epoch. */
const time = Schema.optional(
  Schema.String.pipe(
    Schema.maxLength(64),
    Schema.filter(
      (value) => !Number.isNaN(timeOf(value)) || "Expected a time, ISO 8601 or milliseconds since 1970"
    )
  )
)

const page = {
  /** 1 to 500; less than 1 and NaN mean the default of 50, and more than 500 means 500. */
  limit: Schema.optional(
    Schema.String.pipe(
      Schema.pattern(/^(-?\d{1,15}|NaN)$/, { message: () => "Expected a whole number from 1 to 500" })
    )
  ),
  cursor: Schema.optional(Schema.String.pipe(Schema.maxLength(cursorLengthMax)))
}

const times = {
  /** Only what was recorded at this time or later. */
  since: time,
  /** Only what was recorded before this time. */
  until: time
}

const strictly = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).annotations({ parseOptions: { onExcessProperty: "error" } })

/** Of a dispatch and of a replay: when to answer, and with what. What the body of a replay says about it wins. */
export const DispatchQuery = strictly({
  /** Whether to answer when the runs have ended. Default: when they are queued. */
  wait: flag,
  /** How long to wait, in milliseconds; at most what the server allows. Default: what it was told, else 60,000. */
  timeoutMillis: Schema.optional(
    Schema.String.pipe(Schema.pattern(/^\d{1,9}$/, { message: () => "Expected whole milliseconds" }))
  ),
  /** `runs`: the answer has the event and its runs, as they are then. */
  include: Schema.optional(Schema.Literal("runs"))
})
export interface DispatchQuery extends Schema.Schema.Type<typeof DispatchQuery> {}

/** Of events: those of exactly this type and this source, recorded in this time; a page of them. */
export const EventsQuery = strictly({ type: text, source: text, ...times, ...page })
export interface EventsQuery extends Schema.Schema.Type<typeof EventsQuery> {}

/** Of runs: those that fit everything that is given. */
export const RunsQuery = strictly({
  /** The event that they are of; the runs of all its generations. */
  eventId: text,
  /** A process status or an effective status. */
  status: oneOf(...EffectiveStatus.literals),
  /** The name of a flow; `flowName` is the same, and counts where this is absent. */
  flow: text,
  flowName: text,
  /** The type of the event. */
  type: text,
  /** True: only runs for a person to look at. False: only the others. Default: both. */
  needsAttention: flag,
  ...times,
  ...page
})
export interface RunsQuery extends Schema.Schema.Type<typeof RunsQuery> {}

/** Of maintenance attempts. */
export const AttemptsQuery = strictly({
  eventId: text,
  status: oneOf(...MaintenanceStatus.literals),
  type: text,
  ...times,
  ...page
})
export interface AttemptsQuery extends Schema.Schema.Type<typeof AttemptsQuery> {}

/** Of dispatches to other backends. */
export const DispatchesQuery = strictly({
  eventId: text,
  status: oneOf(...DispatchStatus.literals),
  type: text,
  ...times,
  ...page
})
export interface DispatchesQuery extends Schema.Schema.Type<typeof DispatchesQuery> {}

/** Of what a run printed: which attempt, and which part. As text or with `follow`, `limit` does not count. */
export const OutputQuery = strictly({
  /** The number of the attempt, from 1. Default: the last one. */
  attempt: Schema.optional(Schema.String.pipe(Schema.pattern(/^[1-9]\d{0,8}$/))),
  /** The first sequence that is wanted. Default: 0. */
  from: Schema.optional(Schema.String.pipe(Schema.pattern(/^\d{1,15}$/))),
  /** Most pieces of a page. 1 to 500; default 256. */
  limit: page.limit,
  /** Whether to go on until the attempt has ended: lines of JSON, or text. */
  follow: flag
})
export interface OutputQuery extends Schema.Schema.Type<typeof OutputQuery> {}

/** Of the stream of changes: where it begins, and what of it is wanted. */
export const ChangesQuery = strictly({
  /**
   * The position after which changes are wanted, or `latest` for those to come; the header `Last-Event-ID` beats it.
   * Default: 0, all of them.
   */
  after: Schema.optional(Schema.String.pipe(Schema.pattern(/^(\d{1,15}|latest)$/))),
  /** Only changes of this type, such as `RunEnded`. */
  type: text
})
export interface ChangesQuery extends Schema.Schema.Type<typeof ChangesQuery> {}

/** Of the runs that wait: which of them are named. How many wait for what is told in any case. */
export const StuckQuery = strictly({
  /** Whether to name every run that waits, and not the stuck ones alone. Default: the stuck ones. */
  all: flag
})

/** Milliseconds since the Unix epoch of a parameter that is a time; NaN when it is none. */
export const timeOf = (value: string): number =>
  /^-?\d{1,15}$/.test(value) ? Number(value) : /^\d{4}-\d\d/.test(value) ? parseTime(value) : Number.NaN

/** Whether a flag is set. */
export const isSet = (value: string | undefined): boolean => value === "true" || value === "1"
