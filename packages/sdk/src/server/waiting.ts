/** Answers dispatches and replays: with their runs, when asked, and when these have ended, when asked to wait. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DispatchAnswer } from "../api/answers.ts"
import { toEventRecord } from "../api/eventRecord.ts"
import { toRunRecord } from "../api/runRecord.ts"
import type { Flow } from "../Flow.ts"
import type { ServerSettings } from "./ServerOptions.ts"

/** What a caller asks of an answer. */
export interface Wanted {
  readonly wait: boolean
  /** In milliseconds. */
  readonly timeoutMillis: number | undefined
  readonly runs: boolean
}

type Outcome = Omit<DispatchAnswer, "event" | "runs" | "timedOut">

/** The answer to an outcome. A wait that runs out is no error: the runs are told as they are. */
export const answerOf = (
  flow: typeof Flow.Service,
  settings: ServerSettings,
  outcome: Outcome,
  { wait, timeoutMillis, runs }: Wanted
) =>
  Effect.gen(function* () {
    if (!wait && !runs) return outcome
    const millis = Math.min(timeoutMillis ?? settings.waitMillis, settings.waitMillisMax)
    const ended = wait ? yield* Effect.timeoutOption(flow.awaitRuns(outcome.runIds), millis) : Option.none()
    const views = Option.isSome(ended) ? ended.value : yield* Effect.forEach(outcome.runIds, flow.getRun)
    const event = toEventRecord(yield* flow.getEvent(outcome.eventId))
    const answer = { ...outcome, event, runs: views.map(toRunRecord) }
    return wait && Option.isNone(ended) ? { ...answer, timedOut: true as const } : answer
  })
