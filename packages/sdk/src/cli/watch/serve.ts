/** The watching service in the foreground: one line for each poll, until SIGTERM or Ctrl-C. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Daemon from "../../daemon/Daemon.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { awaitAbort, interruptedBy } from "../interruption.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import type { WatchPlaces } from "./flags.ts"

/**
 * A stop by SIGTERM is how a service ends: exit code 0. A step that a second signal leaves behind is ended by the next
 * writer of the record.
 */
export const serve = async (session: Session, places: WatchPlaces): Promise<ExitCode> => {
  const signal = session.caller.interruption()
  await runWith(
    session,
    Layer.empty,
    Effect.raceFirst(
      Daemon.run({
        workspaceRoot: session.directory,
        ...places,
        env: session.caller.env,
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
