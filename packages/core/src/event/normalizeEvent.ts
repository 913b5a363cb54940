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

/**
 * Makes a flow event of anything; never throws.
 *
 * `receivedAt` is kept when it is a string that is not empty, and is `now` otherwise; `payload` is kept as given, whatever
 * JSON value it is, and is `{}` only when the key is absent; unknown fields are kept in `extra`.
 */
export const normalizeEvent = (input: unknown, now: number): Either.Either<FlowEvent, InvalidEvent> => {
  try {
    return Either.right(eventOf(input, now))
  } catch (error) {
    if (isInvalid(error)) return Either.left(error)
    throw error
  }
}

/** The event as the outside writes it: unknown fields at the top level, as they came. */
export const toEnvelope = ({ extra, ...event }: FlowEvent): Record<string, unknown> => ({
  ...extra,
  ...event
})

// --- internal ---

/** Everything below throws {@link InvalidEvent}: as values, the errors of each field would take most of the time of an event. */
const eventOf = (input: unknown, now: number): FlowEvent => {
  const fields = fieldsOf(input)
  const { id, type, source, occurredAt, receivedAt, payload, extra, ...others } = fields
  const extras = { ...(isRecord(extra) ? extra : withoutUndefined({ extra })), ...others }
  if (Object.hasOwn(extras, "__proto__")) throw invalid("__proto__", "a field cannot have this name")
  const known = {
    id: decodeField("id", decodeId, id),
    type: decodeField("type", decodeType, type),
    source: optionalText("source", source),
    occurredAt: optionalTime("occurredAt", occurredAt),
    receivedAt:
      typeof receivedAt === "string" && receivedAt !== "" ? boundedText("receivedAt", receivedAt) : toIso(now)
  }
  const given = Object.hasOwn(fields, "payload") ? plainJson("payload", payload) : noPayload
  const kept = Object.keys(extras).length === 0 ? noExtra : plainJson("extra", extras)
  const length = given.length + kept.length + "[,]".length
  if (length > payloadLengthMax) throw tooLarge("payload", `found ${length}`)
  return { ...withoutUndefined({ ...known, payload: given.value, extra: kept.value }), payload: given.value }
}

const isInvalid = Schema.is(InvalidEvent)
const decodeId = Schema.decodeEither(EventId)
const decodeType = Schema.decodeEither(EventType)

/** A value that is JSON through and through, and how long it is as JSON, in UTF-16 code units. */
interface PlainJson<A> {
  readonly value: A
  readonly length: number
}

const noPayload: PlainJson<unknown> = { value: {}, length: "{}".length }
const noExtra: PlainJson<undefined> = { value: undefined, length: "null".length }

const invalid = (field: string, reason: string): InvalidEvent => new InvalidEvent({ field, reason })

const tooLarge = (field: string, found: string): InvalidEvent =>
  invalid(field, `expected at most ${payloadLengthMax} characters of JSON, ${found}`)

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "an array" : value === undefined ? "nothing" : typeof value

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What was handed over may be anything inside this process, also an object that throws when it is read. */
const reading = <A>(field: string, read: () => A): A => {
  try {
    return read()
  } catch (cause) {
    throw isInvalid(cause) ? cause : invalid(field, `it cannot be read: ${String(cause).slice(0, 200)}`)
  }
}

const fieldsOf = (input: unknown): Record<string, unknown> => {
  if (isRecord(input)) return reading("", () => ({ ...input }))
  throw invalid("", `expected an object with "id" and "type", found ${kindOf(input)}`)
}

const decodeField = <A>(
  field: string,
  decode: (text: string) => Either.Either<A, ParseResult.ParseError>,
  value: unknown
): A => {
  if (typeof value !== "string") throw invalid(field, `expected a string, found ${kindOf(value)}`)
  return Either.getOrThrowWith(decode(value), (error) =>
    invalid(field, ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? error.message)
  )
}

const optionalText = (field: string, value: unknown): string | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value === "string") return boundedText(field, value)
  throw invalid(field, `expected a string, found ${kindOf(value)}`)
}

/** ISO 8601: a date, or a date with a time; the time zone may be left out, as the sender wrote it. */
const isoTime = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?)?$/

const optionalTime = (field: string, value: unknown): string | undefined => {
  const text = optionalText(field, value)
  if (text === undefined || (isoTime.test(text) && Option.isSome(DateTime.make(normalTime(text)))))
    return text
  throw invalid(
    field,
    `expected an ISO 8601 date such as 2026-01-31T12:00:00Z, found ${JSON.stringify(text.slice(0, 100))}`
  )
}

/** The one way of writing the time that every parser of dates reads. */
const normalTime = (text: string): string => {
  const [date = "", time = ""] = [text.slice(0, 10), text.slice(11).toUpperCase().replace(",", ".")]
  if (time === "") return date
  return `${date}T${time.replace(/([+-]\d{2})$/, "$1:00").replace(/([+-]\d{2})(\d{2})$/, "$1:$2")}`
}

const boundedText = (field: string, text: string): string => {
  if (text.length <= textLengthMax) return text
  throw invalid(field, `expected at most ${textLengthMax} characters, found ${text.length}`)
}

/** A copy that is JSON through and through; keys whose value is undefined are left out, as JSON does. */
const plainJson = <A>(field: string, value: A): PlainJson<A> => {
  reading(field, () => checkJson(field, value, 0, { left: payloadLengthMax }))
  const text = reading(field, (): string | undefined => JSON.stringify(value ?? null))
  if (text === undefined) throw invalid(field, "expected a JSON value, found an object without one")
  return { value: JSON.parse(text), length: text.length }
}

/** Refuses the first place that is no JSON. `budget` ends the walk over a small object that refers to itself many times over. */
const checkJson = (path: string, value: unknown, depth: number, budget: { left: number }): void => {
  if (depth > payloadDepthMax) throw invalid(path, `nested deeper than ${payloadDepthMax} levels`)
  budget.left -= 1
  if (budget.left < 0) throw tooLarge(path.split("/", 1).join(""), "found more values than that")
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw invalid(path, `expected a JSON value, found ${value}`)
      return
    case "bigint":
    case "function":
    case "symbol":
      throw invalid(path, `expected a JSON value, found a ${typeof value}`)
    case "object":
      if (value === null) return
      for (const [key, inner] of Object.entries(value)) {
        checkJson(`${path}/${key}`, inner, depth + 1, budget)
      }
  }
}
