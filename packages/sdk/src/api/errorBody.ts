/**
 * What a request is told that went wrong: one JSON body for every route, `{ error: { code, message, field?, hint?,
 * details? } }`. The code says what happened, the status what kind of thing it is; each code has one status.
 */
import * as Schema from "effect/Schema"

/** Every code, under the HTTP status that it comes with. The tags of the errors of `Flow.ts` are codes here. */
export const errorCodes = {
  400: ["InvalidJson", "InvalidRequest", "InvalidEvent", "CursorInvalid"],
  401: ["Unauthorized"],
  403: ["Forbidden"],
  404: ["UnknownRoute", "UnknownEvent", "UnknownRun", "UnknownRunAttempt", "UnknownMaintenanceAttempt"],
  405: ["MethodNotAllowed"],
  408: ["RequestTimeout"],
  409: ["RunAlreadyEnded", "RunNotAwaitingApproval", "StateDisabled"],
  410: ["EventForgotten"],
  413: ["BodyTooLarge"],
  415: ["UnsupportedMediaType"],
  416: ["RangeNotSatisfiable"],
  422: ["InvalidDecision"],
  429: ["QueueFull", "RateLimited"],
  500: ["InternalError"],
  503: ["StoreError", "VersionConflict"]
} as const

/** An HTTP status that comes with an {@link ErrorBody}. */
export type ErrorStatus = keyof typeof errorCodes
/** What `error.code` may be: a word for programs, which says what happened. A newer server may know others. */
export type ErrorCode = (typeof errorCodes)[ErrorStatus][number]

/** What is told of an error, with one of the codes of a status. */
const errorFields = <const Codes extends ReadonlyArray<ErrorCode>>(codes: Codes) => ({
  error: Schema.Struct({
    code: Schema.Literal(...codes),
    /** One sentence for people. Never a stack, never a path of the machine. */
    message: Schema.String,
    /** What of the request is wrong: an RFC 6901 pointer into the body, or the name of a parameter or a header. */
    field: Schema.optional(Schema.String),
    /** What to do about it. */
    hint: Schema.optional(Schema.String),
    /** The facts of the error, by name, such as `processStatus` of a run that has ended. */
    details: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
  })
})

/** The body of an error of one status. */
export const errorBodyOf = <const Status extends ErrorStatus>(status: Status) =>
  Schema.Struct(errorFields(errorCodes[status])).annotations({ identifier: `Error${status}` })

/** The body of any error. A code that this version does not know is refused: read `error.message` of the JSON then. */
export const ErrorBody = Schema.Struct(errorFields(Object.values(errorCodes).flat()))
export interface ErrorBody extends Schema.Schema.Type<typeof ErrorBody> {}

/** The status that a code comes with. */
export const statusOf = (code: ErrorCode): ErrorStatus => statuses[code]

// --- internal ---

const statuses = Object.fromEntries(
  Object.entries(errorCodes).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)]))
) as Record<ErrorCode, ErrorStatus>
