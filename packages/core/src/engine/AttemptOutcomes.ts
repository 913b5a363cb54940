/** What an attempt came to when its executor does not say so itself. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { AttemptOutcome, ExitCause } from "../executor/Executor.ts"

/** Why an attempt is told to stop before its step has ended. */
export type StopReason = "canceled" | "stopped" | "expired" | "timeout"

/** What an attempt waits for: the end of its step, or a reason to stop it. The first one counts. */
export type AttemptSignal = StopReason | "ended"

/** The outcome of an attempt that ended without the word of its executor. */
export const failedOutcome = (exit: ExitCause, error: string): AttemptOutcome => ({ exit, error })

/** The outcome of an attempt that nobody stands behind any more; `by` when its engine gave it up as it was told to stop. */
export const lostOutcome = (reason: string, by?: "stop"): AttemptOutcome =>
  failedOutcome(
    { _tag: "Lost", reason, ...(by === undefined ? {} : { by }) },
    `The attempt was lost: ${reason}`
  )

/** The outcome of an attempt whose executor came to its end, in whatever way. */
export const outcomeOfExit = (
  exit: Exit.Exit<AttemptOutcome, { readonly message: string }>
): AttemptOutcome =>
  Exit.match(exit, {
    onSuccess: (outcome) => outcome,
    onFailure: (cause) =>
      lostOutcome(
        Option.match(Cause.failureOption(cause), {
          onNone: () => Cause.prettyErrors(cause)[0]?.message ?? "the executor was interrupted",
          onSome: ({ message }) => message
        })
      )
  })

/** The outcome of an attempt that was told to stop, or whose executor did not stop by itself. */
export const stoppedOutcome = (reason: StopReason, timeoutMillis: number): AttemptOutcome => {
  switch (reason) {
    case "canceled":
      return failedOutcome({ _tag: "Canceled" }, "The run was canceled")
    case "stopped":
      return lostOutcome("the engine stopped before the step had ended", "stop")
    case "expired":
      return lostOutcome("its worker did not hold it any more")
    case "timeout":
      return failedOutcome(
        { _tag: "Timeout", timeoutMillis },
        `The step did not end within ${timeoutMillis} ms, and its executor did not end it`
      )
  }
}

/** The outcome of an attempt that no executor serves. */
export const notServedOutcome = (runner: string, served: ReadonlyArray<string>): AttemptOutcome =>
  failedOutcome(
    { _tag: "NotStarted", reason: `no executor for runner ${runner}` },
    `No executor serves the runner "${runner}" here (served: ${served.join(", ") || "none"})`
  )
