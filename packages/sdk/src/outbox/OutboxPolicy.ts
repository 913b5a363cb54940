/** How often and for how long the outbox tries. */
import type { BackendFailure } from "../client/http/HttpErrors.ts"
import type { Refusal } from "../client/http/trouble.ts"

/** The waits of an outbox. What is sent is tried until it is accepted, refused for what is in it, or too old. */
export interface OutboxPolicy {
  /** The wait after the first failed try, in milliseconds; it doubles with each one. Default: 1,000. */
  readonly firstWaitMillis: number
  /** The longest wait between two tries, in milliseconds. Default: 300,000 (5 minutes). */
  readonly waitMillisMax: number
  /** When a dispatch is given up, in milliseconds after it was queued. Default: 259,200,000 (3 days). */
  readonly giveUpAfterMillis: number
  /** The first wait between two looks at runs that have not ended, in milliseconds; it grows while nothing happens. Default: 500. */
  readonly firstLookMillis: number
  /** The longest wait between two looks, in milliseconds. Default: 15,000. */
  readonly lookMillisMax: number
  /** The wait between two looks while the backend tells by itself that a run ended, in milliseconds. Default: 60,000. */
  readonly liveLookMillis: number
  /** The wait before a backend that has no changes to stream is asked for them again, in milliseconds. Default: 300,000. */
  readonly listenAgainMillis: number
}

/** What holds for an outbox that is told nothing else: a backend that is away for less than 3 days misses nothing. */
export const policyDefaults: OutboxPolicy = {
  firstWaitMillis: 1_000,
  waitMillisMax: 300_000,
  giveUpAfterMillis: 259_200_000,
  firstLookMillis: 500,
  lookMillisMax: 15_000,
  liveLookMillis: 60_000,
  listenAgainMillis: 300_000
}

/** Longest wait that a backend may ask for, in milliseconds: an hour. */
export const retryAfterMillisMax = 3_600_000

/** The wait after this many failed tries. `random` is from 0 to 1: targets that failed together do not come back together. */
export const waitAfter = (
  policy: OutboxPolicy,
  failedTries: number,
  random: number,
  retryAfterMillis = 0
): number => {
  const grown = Math.min(policy.waitMillisMax, policy.firstWaitMillis * 2 ** Math.min(failedTries - 1, 30))
  return Math.max(Math.min(retryAfterMillis, retryAfterMillisMax), Math.ceil(grown * (0.5 + random / 2)))
}

/** What the record says of a try that failed. */
export interface FailedTry {
  readonly _tag: "FailedTry"
  readonly error: string
  readonly httpStatus?: number
  readonly retryAfterMillis?: number
  /** The same request will be refused again: what is in it is wrong. Who sends it may be put right. */
  readonly isFinal: boolean
}

/**
 * What a failed request comes to in the record. With status 400, 405, 413, 415 or 422 it is final, as what is in the request
 * is wrong; everything else is tried again, also where the secret was refused (401, 403).
 */
export const failedTryOf = (failure: Refusal | BackendFailure): FailedTry => {
  if (failure._tag === "BackendUnreachable")
    return { _tag: "FailedTry", error: failure.message, isFinal: false }
  const { status, message: error } = failure
  const retryAfterMillis = "retryAfterMillis" in failure ? failure.retryAfterMillis : undefined
  return {
    _tag: "FailedTry",
    error,
    httpStatus: status,
    ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }),
    isFinal: finalStatuses.has(status)
  }
}

// --- internal ---

const finalStatuses: ReadonlySet<number> = new Set([400, 405, 413, 415, 422])
