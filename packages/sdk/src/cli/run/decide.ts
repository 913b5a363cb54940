/** What `run approve` and `run reject` share: the decision is recorded, the run runs again, and its end is awaited. */
import { Engine } from "@patchmoi/core/engine/Engine"
import { RunId } from "@patchmoi/core/Ids"
import type { RunDecision } from "@patchmoi/core/run/RunCommand"
import * as Effect from "effect/Effect"
import { actingOnRecord } from "../acting.ts"
import { commandLine } from "../commandLine.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { exitCodeOf, printResults, readResults } from "../results.ts"
import { recordFolder, type Session } from "../Session.ts"
import type { RunDecideFlags } from "./flags.ts"

/** Decides a run and tells what came of it, as `event replay` does. */
export const decideRun = (
  session: Session,
  flags: RunDecideFlags,
  id: string,
  decision: RunDecision
): Promise<ExitCode> =>
  actingOnRecord(
    session,
    recordFolder(session, flags),
    Effect.gen(function* () {
      const engine = yield* Engine
      const { by = commandLine, comment } = flags
      const decided = engine.decide(RunId.make(id, true), {
        ...decision,
        by,
        ...(comment === undefined ? {} : { comment })
      })
      const { events, interrupted } = yield* follow(session, decided, (run) => [
        { eventId: run.eventId, runIds: [run.id] }
      ])
      const results = yield* readResults(events)
      printResults(session, results, { decision: decision.decision })
      return interrupted === undefined ? exitCodeOf(results) : exitCodes.interrupted
    })
  )
