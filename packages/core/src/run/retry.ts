/**
 * Whether another attempt follows one that did not succeed, and when.
 *
 * 1. The policy of the step counts attempts that came to an end of their own: those that an engine gave up because it was
 *    told to stop are not counted, so that restarts of a service do not fail a long run.
 * 2. Nothing goes on for ever by itself: of one run {@link stopsMax} stops are left out of the count, as a step may be what
 *    stops its service. Later ones count like any other end.
 * 3. A decision that the run asked for starts both counts anew.
 */
import type { ExitCause } from "../executor/Executor.ts"
import type { RetryReason } from "../flow/Flow.ts"
import type { RunDocument } from "./RunDocument.ts"

/** The longest wait between two attempts, jitter included, in milliseconds (1 hour). */
export const backoffMillisMax = 3_600_000

/** How many attempts of one run may end by the stop of their engine without being counted. */
export const stopsMax = 100

/** What follows: an attempt at a time (milliseconds since the Unix epoch), or none, as the policy does not name the end or allows no more. */
export type NextAttempt =
  | { readonly _tag: "At"; readonly retryAt: number }
  | { readonly _tag: "NotNamed" }
  | { readonly _tag: "UsedUp" }

/** What follows when the attempt under way ends like this now; `jitter`, 0 to 1, spreads runs that failed together. */
export const nextAttemptOf = (
  run: RunDocument,
  exit: ExitCause,
  { now, jitter }: { readonly now: number; readonly jitter: number }
): NextAttempt => {
  const { retry } = run.plan
  if (!retry.on.includes(retryReasonOf(exit))) return { _tag: "NotNamed" }
  const attempts = run.attempts.slice(run.approvals?.at(-1)?.afterAttempts ?? 0)
  const isStop = isEndedByStop(exit)
  const stops = attempts.filter((attempt) => isEndedByStop(attempt.exit)).length + (isStop ? 1 : 0)
  // Whoever stopped the engine wants it back soon, and the step did nothing that a wait would make better.
  if (isStop && stops <= stopsMax) return { _tag: "At", retryAt: now }
  const counted = attempts.length - Math.min(stops, stopsMax)
  if (counted >= retry.maxAttempts) return { _tag: "UsedUp" }
  const wait = retry.backoffMillis * 2 ** (counted - 1) * (1 + jitter / 2)
  return { _tag: "At", retryAt: Math.round(now + Math.min(wait, backoffMillisMax)) }
}

// --- internal ---

const isEndedByStop = (exit: ExitCause | undefined): boolean => exit?._tag === "Lost" && exit.by === "stop"

const retryReasonOf = (exit: ExitCause): RetryReason =>
  exit._tag === "Timeout" ? "timeout" : exit._tag === "Lost" ? "lost" : "failed"
