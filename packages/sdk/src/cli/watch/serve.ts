/** The watching service in the foreground: one line for each poll, until SIGTERM or Ctrl-C. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Daemon from "../../daemon/Daemon.ts"
import { RunningSteps } from "../../executor/RunningSteps.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { awaitAbort, interruptedBy } from "../interruption.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import type { WatchPlaces } from "./flags.ts"

/**
 * A stop by SIGTERM is how a service ends: exit code 0. A second signal ends steps and service at once, with exit code 130; the
 * next writer of the record runs those steps again.
 */
export const serve = async (session: Session, places: WatchPlaces): Promise<ExitCode> => {
  const signal = session.caller.interruption()
  const runningSteps = new RunningSteps()
  session.caller.onKilled(runningSteps.kill)
  await runWith(
    session,
    Layer.empty,
    Effect.raceFirst(
      Daemon.run({
        workspaceRoot: session.directory,
        ...places,
        env: session.caller.env,
        runningSteps,
        ...(session.json
          ? { onPoll: (report) => Effect.sync(() => session.print(`${JSON.stringify(report)}\n`)) }
          : {})
      }),
      awaitAbort(signal)
    ),
    { logLevel: LogLevel.Info }
  )
  return interruptedBy(signal) === "SIGTERM" ? exitCodes.good : exitCodes.interrupted
}
