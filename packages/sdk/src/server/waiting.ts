/** Answers dispatches and replays: with their runs, when asked, and when these have ended, when asked to wait. */
import { hasEnded } from "@patchmoi/core/run/RunEvolve"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DispatchAnswer } from "../api/answers.ts"
import { toEventRecord } from "../api/eventRecord.ts"
import { toRunRecord } from "../api/runRecord.ts"
import type { Flow } from "../Flow.ts"
import type { Caller } from "./Caller.ts"
import type { ServerSettings } from "./ServerOptions.ts"

/** What a caller asks of an answer. */
export interface Wanted {
  readonly wait: boolean
  /** In milliseconds. */
  readonly timeoutMillis: number | undefined
  readonly runs: boolean
}

type Outcome = Omit<DispatchAnswer, "event" | "runs" | "timedOut">
type EventView = Effect.Effect.Success<ReturnType<(typeof Flow.Service)["getEvent"]>>

/**
 * The answer to an outcome. A wait that runs out is no error: the runs are told as they are. Runs come without their output,
 * which may be 1 MiB for each, and only those that are there still: compaction takes runs and leaves their ids. A caller
 * that may not read is told the outcome alone, as a known id would show it what somebody else sent.
 */
export const answerOf = (
  flow: typeof Flow.Service,
  settings: ServerSettings,
  { scopes }: Caller,
  outcome: Outcome,
  { wait, timeoutMillis, runs: isAsked }: Wanted
) =>
  Effect.gen(function* () {
    const mayRead = scopes.has("read")
    if (!wait && !(isAsked && mayRead)) return outcome
    const look = Effect.map(
      flow.getEvent(outcome.eventId),
      (event): EventView => ({ ...event, runs: event.runs.filter(({ id }) => outcome.runIds.includes(id)) })
    )
    const found = yield* look
    const goingOn = wait ? found.runs.filter(({ processStatus }) => !hasEnded(processStatus)) : []
    if (goingOn.length === 0) return mayRead ? toldWith(outcome, found) : outcome
    const ended = flow.awaitRuns(
      goingOn.map(({ id }) => id),
      { output: false }
    )
    const millis = Math.min(timeoutMillis ?? settings.waitMillis, settings.waitMillisMax)
    const awaited = yield* Effect.timeoutOption(ended, millis)
    const told = Option.isNone(awaited) ? { ...outcome, timedOut: true as const } : outcome
    if (!mayRead) return told
    if (Option.isNone(awaited)) return toldWith(told, yield* look)
    const endedById = new Map(awaited.value.map((run) => [run.id, run]))
    return toldWith(told, { ...found, runs: found.runs.map((run) => endedById.get(run.id) ?? run) })
  })

// --- internal ---

const toldWith = (told: Outcome & { readonly timedOut?: true }, event: EventView) => ({
  ...told,
  event: toEventRecord(event),
  runs: event.runs.map(toRunRecord)
})
