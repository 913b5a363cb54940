/** Why a request is refused, as a value that becomes the body of the answer. */
import type { ErrorBody, ErrorCode } from "../api/errorBody.ts"
import { statusOf } from "../api/errorBody.ts"

/** What is told beside code and message. */
export interface FailureFacts {
  readonly field?: string
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Whole seconds after which to try again. */
  readonly retryAfterSeconds?: number
  /** The methods that the path knows. */
  readonly allowed?: ReadonlyArray<string>
}

/** A refusal. Thrown inside the server only; `answer` makes the response of it. */
export class HttpFailure {
  constructor(
    readonly code: ErrorCode,
    readonly message: string,
    readonly facts: FailureFacts = {}
  ) {}
}

/** On every answer: it is for who asked, now, and what it says that it is. */
export const guardHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/** A JSON answer. */
export const jsonAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(`${JSON.stringify(body)}\n`, { status, headers: { ...jsonHeaders, ...headers } })

/** The answer to a refusal. */
export const failureAnswer = ({ code, message, facts }: HttpFailure): Response => {
  const { retryAfterSeconds, allowed, ...told } = facts
  const body: ErrorBody = { error: { code, message, ...told } }
  const status = statusOf(code)
  return jsonAnswer(status, body, {
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...(allowed === undefined ? {} : { allow: allowed.join(", ") }),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    // What is left of a body that was refused is not read.
    ...(status === 413 || status === 408 ? { connection: "close" } : {})
  })
}

// --- internal ---

const jsonHeaders = { "content-type": "application/json", ...guardHeaders }
