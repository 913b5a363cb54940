/** What is told over HTTP of the errors of the flow service. What the machine says of its files stays inside. */
import { type ErrorCode, statusOf } from "../api/errorBody.ts"
import { type FailureFacts, HttpFailure } from "./HttpFailure.ts"

/** When to try again after the store or the queue refused, in seconds. */
const retryAfterSecondsDefault = 1

/** Longest text of an error that is told, in characters: as long as a good id, and some. */
const toldLengthMax = 600

/** The refusal of an error of the service; undefined for anything else, which is a bug of ours. */
export const failureOf = (error: unknown): HttpFailure | undefined => {
  if (error instanceof HttpFailure) return error
  if (!(error instanceof Error) || !("_tag" in error)) return undefined
  const tag = String(error._tag)
  if (!isServiceCode(tag)) return undefined
  if (tag === "StoreError" || tag === "VersionConflict") return unavailable(tag)
  return new HttpFailure(tag, error.message.slice(0, toldLengthMax), factsOf(tag, error))
}

// --- internal ---

const serviceCodes = [
  "InvalidEvent",
  "CursorInvalid",
  "UnknownEvent",
  "EventForgotten",
  "UnknownRun",
  "UnknownRunAttempt",
  "UnknownMaintenanceAttempt",
  "RunAlreadyEnded",
  "RunNotAwaitingApproval",
  "StateDisabled",
  "InvalidDecision",
  "QueueFull",
  "StoreError",
  "VersionConflict"
] as const satisfies ReadonlyArray<ErrorCode>

const isServiceCode = (tag: string): tag is (typeof serviceCodes)[number] =>
  serviceCodes.some((code) => code === tag)

const unavailable = (code: "StoreError" | "VersionConflict"): HttpFailure =>
  new HttpFailure(
    code,
    code === "StoreError"
      ? "The store cannot be read or written at the moment"
      : "Other writers were faster every time; nothing was written",
    {
      retryAfterSeconds: retryAfterSecondsDefault,
      hint:
        code === "StoreError"
          ? "Whether a write took place is unknown: send the same event again, a known id executes nothing twice. The log of the server says more."
          : "Try again."
    }
  )

const factsOf = (code: ErrorCode, error: Error): FailureFacts => {
  const details = fieldsOf(error)
  const facts = Object.keys(details).length === 0 ? {} : { details }
  switch (code) {
    case "InvalidEvent": {
      const field = String(Reflect.get(error, "field") ?? "")
      return { ...facts, ...(field === "" ? {} : { field: `/${field}` }) }
    }
    case "InvalidDecision":
      return { ...facts, field: `/${String(Reflect.get(error, "field"))}` }
    case "UnknownRunAttempt":
      return {
        ...facts,
        field: "attempt",
        hint: "Attempts are numbered from 1; without a number it is the last one."
      }
    case "CursorInvalid":
      return { ...facts, field: "cursor", hint: "Ask for the first page, without a cursor." }
    case "QueueFull": {
      const millis = Number(Reflect.get(error, "retryAfterMillis"))
      return {
        ...facts,
        retryAfterSeconds: millis > 0 ? Math.ceil(millis / 1_000) : retryAfterSecondsDefault
      }
    }
    default:
      return statusOf(code) === 404 ? { ...facts, field: "id" } : facts
  }
}

/** The facts of a tagged error, by the names that its class declares. */
const fieldsOf = (error: Error): Readonly<Record<string, unknown>> => {
  const declared: unknown = Reflect.get(error.constructor, "fields")
  const names = typeof declared === "object" && declared !== null ? Object.keys(declared) : []
  return Object.fromEntries(
    names.filter((name) => name !== "_tag").map((name) => [name, shortened(Reflect.get(error, name))])
  )
}

/** What the caller sent is told again only as far as an id may be long. */
const shortened = (value: unknown): unknown =>
  typeof value === "string" ? value.slice(0, toldLengthMax) : value
