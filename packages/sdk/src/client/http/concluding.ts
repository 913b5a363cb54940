/** What a client makes of the answer to a dispatch or a replay: the result that the same call has on this machine. */
import { hasEnded } from "@patchmoi/core/run/RunEvolve"
import type { RunView } from "@patchmoi/core/run/RunView"
import * as Effect from "effect/Effect"
import type { DispatchAnswer } from "../../api/answers.ts"
import { fromRunRecord } from "../../api/runRecord.ts"
import type { DispatchResult, WaitOptions } from "../../Flow.ts"
import type { EventView } from "../views.ts"
import type { Exact } from "./exact.ts"
import type { BackendFailure } from "./HttpErrors.ts"
import type { Refusal } from "./trouble.ts"

/** Of how many runs the output is read for a result, the newest ones: each may have 1 MiB. Older ones come without it. */
export const outputRunsMax = 100

/** How many runs are asked for at a time. */
const runsAtOnce = 4

/** Between two looks at a run that is waited for, in milliseconds: the first and the longest wait. */
const lookMillis = { first: 100, longest: 2_000 } as const

/** What is asked of the server. */
export interface Asking {
  readonly getRun: (runId: string) => Effect.Effect<RunView, Refusal | BackendFailure>
  readonly getEvent: (eventId: string) => Effect.Effect<EventView, Refusal | BackendFailure>
}

/** The result of an answer, once its runs have ended unless that is not wanted. The server tells runs without their output. */
export const conclude = (
  { getEvent, getRun }: Asking,
  { event, runs, timedOut, ...outcome }: Exact<DispatchAnswer>,
  { wait = true }: WaitOptions
): Effect.Effect<DispatchResult, Refusal | BackendFailure> =>
  Effect.gen(function* () {
    // The token may not read: the outcome is all that it is told, and asking for more would only be refused.
    if (event === undefined || runs === undefined) return { ...outcome, runs: [] }
    const known = runs.map(fromRunRecord)
    const isLate = wait && known.some(({ processStatus }) => !hasEnded(processStatus))
    const quietMax = known.length - outputRunsMax
    const views = yield* Effect.forEach(
      known,
      (run, index) => {
        if (wait && !hasEnded(run.processStatus)) return awaitRun(getRun, run)
        return run.attemptCount === 0 || index < quietMax ? Effect.succeed(run) : withOutput(getRun, run)
      },
      { concurrency: runsAtOnce }
    )
    const document = isLate ? yield* getEvent(outcome.eventId) : event
    return { ...outcome, event: { ...document, runs: views }, runs: views }
  })

/** Waits for a run by looking at it; the server does not hold the request. */
export const awaitRun = (
  getRun: Asking["getRun"],
  run: RunView
): Effect.Effect<RunView, Refusal | BackendFailure> =>
  Effect.gen(function* () {
    let current = run
    for (let wait: number = lookMillis.first; !hasEnded(current.processStatus); wait *= 1.5) {
      yield* Effect.sleep(Math.min(wait, lookMillis.longest))
      current = yield* getRun(run.id)
    }
    return current
  })

// --- internal ---

/** A run that compaction took since it was told stays as it was told. */
const withOutput = (getRun: Asking["getRun"], run: RunView) =>
  Effect.catchIf(
    getRun(run.id),
    (error) => error._tag === "Refusal" && error.code === "UnknownRun",
    () => Effect.succeed(run)
  )
