/**
 * `patchmoi run cancel`: ends a run, whoever has it. A queued one ends at once. A running one is ended by the service that
 * runs it, and by this command where its worker is gone; either way its end is awaited. A record in files has one writer:
 * while a service runs, it is the service that has to be asked, and this command says so (`StoreLocked`).
 */

import { Engine } from "@patchmoi/core/engine/Engine"
import { RunId } from "@patchmoi/core/Ids"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { commandLine } from "../commandLine.ts"
import { exitCodes } from "../exitCodes.ts"
import { writingRecord } from "../record.ts"
import { recordFolder } from "../Session.ts"
import type { RunCancelFlags } from "./flags.ts"
import { printRun } from "./show.ts"

/** How often a run that does not end is looked at, whether its worker is still there. */
const recoverTime = "1 second"

export const run: Run<RunCancelFlags, [string]> = async (session, flags, id) => {
  const { reason } = flags
  const runId = RunId.make(id, true)
  const view = await writingRecord(
    session,
    recordFolder(session, flags),
    // Nothing that waits in the queue is to begin because something else is canceled.
    { engine: { runs: false } },
    Effect.gen(function* () {
      const engine = yield* Engine
      const flow = yield* Flow
      const canceled = yield* engine.cancel(runId, {
        by: commandLine,
        ...(reason === undefined ? {} : { reason })
      })
      if (canceled.processStatus === "running") {
        yield* Effect.raceFirst(
          engine.awaitRuns([runId]),
          // Where its worker is gone or goes now, recovery ends the attempt, and the request decides how.
          Effect.forever(Effect.zipRight(engine.recover, Effect.sleep(recoverTime)))
        )
      }
      return yield* flow.getRun(id)
    })
  )
  if (session.json) session.printJson(view)
  else printRun(session, view, false)
  return exitCodes.good
}
