/** What went wrong with one try of a request: whether another try is safe, and the error when there is none. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  BackendBusy,
  BackendFailed,
  type BackendFailure,
  BackendRefused,
  BackendUnreachable
} from "./HttpErrors.ts"

/** One try that failed. */
export interface Trouble {
  /** When the request may be sent again: `always` where the server said that it did nothing. */
  readonly again: "always" | "idempotent" | "never"
  /** The wait that the server asks for, in milliseconds. */
  readonly afterMillis?: number
  /** The error, once `attempts` tries were made. */
  readonly toError: (attempts: number) => Refusal | BackendFailure
}

/** What a server said of a request that it answered with an error. */
export class Refusal extends Schema.TaggedError<Refusal>("patchmoi/Refusal")("Refusal", {
  status: Schema.Int,
  code: Schema.String,
  reason: Schema.String,
  field: Schema.optional(Schema.String),
  hint: Schema.optional(Schema.String),
  details: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  retryAfterMillis: Schema.optional(Schema.Int)
}) {
  override get message() {
    return `${this.status} ${this.code}: ${this.reason}`
  }

  /** The error for codes that no operation explains better. */
  toFailure(): BackendFailure {
    const { status, code, reason, field, hint, retryAfterMillis } = this
    if (status === 429 || (status === 503 && doneNothing.has(code))) {
      return new BackendBusy({
        status,
        code,
        reason,
        ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
      })
    }
    if (status >= 400 && status < 500) {
      return new BackendRefused({
        status,
        code,
        reason,
        ...(field === undefined ? {} : { field }),
        ...(hint === undefined ? {} : { hint })
      })
    }
    return new BackendFailed({ status, code, reason })
  }
}

/** No connection, or one that broke off. The cause itself is not kept: it may carry the request. */
export const connectionTrouble = (baseUrl: string, cause: unknown): Trouble => ({
  again: "idempotent",
  toError: (attempts) => new BackendUnreachable({ baseUrl, reason: reasonOf(cause), attempts })
})

/** No answer in time. */
export const timeTrouble = (baseUrl: string, timeoutMillis: number): Trouble => ({
  again: "idempotent",
  toError: (attempts) =>
    new BackendUnreachable({ baseUrl, reason: `no answer within ${timeoutMillis / 1_000} s`, attempts })
})

/** An answer with the status of an error, whose body may be ours, another server's, or a page for people. */
export const refusalTrouble = (response: Response, text: string, nowMillis: number): Trouble => {
  const { status, headers } = response
  const retryAfterMillis = parseRetryAfter(headers.get("retry-after"), nowMillis)
  const said = Option.getOrElse(decodeBody(text), () => bareBody(text, status))
  const refusal = new Refusal({
    status,
    ...said,
    ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
  })
  return {
    again: againAfter(status, said.code),
    ...(retryAfterMillis === undefined ? {} : { afterMillis: retryAfterMillis }),
    toError: () => refusal
  }
}

// --- internal ---

/** Codes that come before anything was written. */
const doneNothing: ReadonlySet<string> = new Set(["QueueFull", "RateLimited", "VersionConflict"])

/** Statuses of a server, or of a proxy before it, that may be well again with the next try. */
const passing: ReadonlySet<number> = new Set([408, 425, 500, 502, 503, 504])

const againAfter = (status: number, code: string): Trouble["again"] => {
  if (status === 429 || doneNothing.has(code)) return "always"
  return passing.has(status) ? "idempotent" : "never"
}

/** The body of an error, as far as it is understood: a code of a newer server is a text like any other. */
const Body = Schema.parseJson(
  Schema.Struct({
    error: Schema.Struct({
      code: Schema.String,
      message: Schema.String,
      field: Schema.optional(Schema.String),
      hint: Schema.optional(Schema.String),
      details: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
    })
  })
)

const decodeBody = (text: string) =>
  Option.map(
    Schema.decodeUnknownOption(Body)(text),
    ({ error: { message: reason, details = {}, ...rest } }) => ({
      ...rest,
      reason,
      details
    })
  )

/** Characters of an answer that is not ours which are told. */
const shownMax = 200

/** An earlier server says `{"error":"…"}`; anything else is told as it begins, without the tags of a page. */
const BareBody = Schema.parseJson(Schema.Struct({ error: Schema.String }))
const bareBody = (text: string, status: number) => {
  const reason = Option.match(Schema.decodeUnknownOption(BareBody)(text), {
    onNone: () =>
      text
        .replace(/<[^>]*>/g, " ")
        .replace(/\s+/g, " ")
        .trim(),
    onSome: ({ error }) => error
  })
  return {
    code: "NoCode",
    reason: reason.slice(0, shownMax) || `status ${status} without a word`,
    details: {}
  }
}

/** `Retry-After` in milliseconds: seconds, or a date. */
const parseRetryAfter = (header: string | null, nowMillis: number): number | undefined => {
  if (header === null) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000
  // The zone of the header is always GMT, which `DateTime` does not know by this name.
  return Option.getOrUndefined(
    Option.map(DateTime.make(header.trim().replace(/GMT$/, "+0000")), ({ epochMillis }) =>
      Math.max(0, Math.ceil(epochMillis - nowMillis))
    )
  )
}

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "the connection failed"
  const inner = cause.cause instanceof Error ? cause.cause : cause
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : inner.name
  return `${inner.message.slice(0, shownMax) || "the connection failed"} (${code})`
}
