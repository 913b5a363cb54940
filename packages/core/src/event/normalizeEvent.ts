/** How what arrives from outside becomes a flow event: checked, bounded, with defaults. Nothing that passes can poison a list. */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { EventId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { toIso } from "../Time.ts"
import { EventType, type FlowEvent, textLengthMax } from "./FlowEvent.ts"

/** Largest payload with extra fields, as JSON, in UTF-16 code units (1 MiB). */
export const payloadLengthMax = 1_048_576
/** How deep objects and arrays may nest in a payload. */
export const payloadDepthMax = 64

/** What was given is not a flow event. `field` says where it is wrong; nothing was recorded. */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>("patchmoi/InvalidEvent")("InvalidEvent", {
  /** The field, `payload/a/b` for a place in the payload, "" for the event as a whole. */
  field: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return this.field === ""
      ? `Not a flow event: ${this.reason}`
      : `Not a flow event: field "${this.field}": ${this.reason}`
  }
}

type Checked<A> = Either.Either<A, InvalidEvent>

/**
 * Makes a flow event of anything; never throws.
 *
 * `receivedAt` is kept when it is a string that is not empty, and is `now` otherwise; `payload` is kept as given, whatever
 * JSON value it is, and is `{}` only when the key is absent; unknown fields are kept in `extra`.
 */
export const normalizeEvent = (input: unknown, now: number): Checked<FlowEvent> =>
  Either.gen(function* () {
    const fields = yield* fieldsOf(input)
    const { id, type, source, occurredAt, receivedAt, payload, extra, ...others } = fields
    const extras = { ...(isRecord(extra) ? extra : withoutUndefined({ extra })), ...others }
    if (Object.hasOwn(extras, "__proto__"))
      return yield* invalid("__proto__", "a field cannot have this name")
    const event = withoutUndefined({
      id: yield* decodeField("id", EventId, id),
      type: yield* decodeField("type", EventType, type),
      source: yield* optionalText("source", source),
      occurredAt: yield* optionalTime("occurredAt", occurredAt),
      receivedAt:
        typeof receivedAt === "string" && receivedAt !== ""
          ? yield* boundedText("receivedAt", receivedAt)
          : toIso(now),
      payload: Object.hasOwn(fields, "payload") ? yield* plainJson("payload", payload) : {},
      extra: Object.keys(extras).length === 0 ? undefined : yield* plainJson("extra", extras)
    })
    const length = JSON.stringify([event.payload, event.extra]).length
    if (length > payloadLengthMax) return yield* tooLarge("payload", `found ${length}`)
    return { ...event, payload: event.payload }
  })

/** The event as the outside writes it: unknown fields at the top level, as they came. */
export const toEnvelope = ({ extra, ...event }: FlowEvent): Record<string, unknown> => ({
  ...extra,
  ...event
})

// --- internal ---

const invalid = (field: string, reason: string): Checked<never> =>
  Either.left(new InvalidEvent({ field, reason }))

const tooLarge = (field: string, found: string): Checked<never> =>
  invalid(field, `expected at most ${payloadLengthMax} characters of JSON, ${found}`)

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "an array" : value === undefined ? "nothing" : typeof value

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What was handed over may be anything inside this process, also an object that throws when it is read. */
const reading = <A>(field: string, read: () => A): Checked<A> =>
  Either.try({
    try: read,
    catch: (cause) => new InvalidEvent({ field, reason: `it cannot be read: ${String(cause).slice(0, 200)}` })
  })

const fieldsOf = (input: unknown): Checked<Record<string, unknown>> =>
  isRecord(input)
    ? reading("", () => ({ ...input }))
    : invalid("", `expected an object with "id" and "type", found ${kindOf(input)}`)

const decodeField = <A>(field: string, schema: Schema.Schema<A, string>, value: unknown): Checked<A> => {
  if (typeof value !== "string") return invalid(field, `expected a string, found ${kindOf(value)}`)
  return Either.mapLeft(
    Schema.decodeEither(schema)(value),
    (error) =>
      new InvalidEvent({
        field,
        reason: ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? error.message
      })
  )
}

const optionalText = (field: string, value: unknown): Checked<string | undefined> =>
  value === undefined || value === null
    ? Either.right(undefined)
    : typeof value === "string"
      ? boundedText(field, value)
      : invalid(field, `expected a string, found ${kindOf(value)}`)

/** ISO 8601: a date, or a date with a time; the time zone may be left out, as the sender wrote it. */
const isoTime = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?)?$/

const optionalTime = (field: string, value: unknown): Checked<string | undefined> =>
  Either.flatMap(optionalText(field, value), (text) =>
    text === undefined || (isoTime.test(text) && Option.isSome(DateTime.make(normalTime(text))))
      ? Either.right(text)
      : invalid(
          field,
          `expected an ISO 8601 date such as 2026-01-31T12:00:00Z, found ${JSON.stringify(text.slice(0, 100))}`
        )
  )

/** The one way of writing the time that every parser of dates reads. */
const normalTime = (text: string): string => {
  const [date = "", time = ""] = [text.slice(0, 10), text.slice(11).toUpperCase().replace(",", ".")]
  if (time === "") return date
  return `${date}T${time.replace(/([+-]\d{2})$/, "$1:00").replace(/([+-]\d{2})(\d{2})$/, "$1:$2")}`
}

const boundedText = (field: string, text: string): Checked<string> =>
  text.length <= textLengthMax
    ? Either.right(text)
    : invalid(field, `expected at most ${textLengthMax} characters, found ${text.length}`)

/** A copy that is JSON through and through; keys whose value is undefined are left out, as JSON does. */
const plainJson = <A>(field: string, value: A): Checked<A> =>
  Either.gen(function* () {
    const problem = yield* reading(field, () => jsonProblem(field, value, 0, { left: payloadLengthMax }))
    if (problem !== undefined) return yield* problem
    const text = yield* reading(field, (): string | undefined => JSON.stringify(value ?? null))
    if (text === undefined) return yield* invalid(field, "expected a JSON value, found an object without one")
    return JSON.parse(text)
  })

/** The first place that is no JSON. `budget` ends the walk over a small object that refers to itself many times over. */
const jsonProblem = (
  path: string,
  value: unknown,
  depth: number,
  budget: { left: number }
): Checked<never> | undefined => {
  if (depth > payloadDepthMax) return invalid(path, `nested deeper than ${payloadDepthMax} levels`)
  budget.left -= 1
  if (budget.left < 0) return tooLarge(path.split("/", 1).join(""), "found more values than that")
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : invalid(path, `expected a JSON value, found ${value}`)
    case "bigint":
    case "function":
    case "symbol":
      return invalid(path, `expected a JSON value, found a ${typeof value}`)
    case "object":
      if (value === null) return undefined
      for (const [key, inner] of Object.entries(value)) {
        const problem = jsonProblem(`${path}/${key}`, inner, depth + 1, budget)
        if (problem !== undefined) return problem
      }
      return undefined
    default:
      return undefined
  }
}
