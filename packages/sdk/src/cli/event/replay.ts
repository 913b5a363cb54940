/** `patchmoi event replay`: another generation of runs for a known event, awaited as `flow fire` awaits its own. */

import { Engine } from "@patchmoi/core/engine/Engine"
import { EventId } from "@patchmoi/core/Ids"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { commandLine } from "../commandLine.ts"
import { exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { writingRecord } from "../record.ts"
import { exitCodeOf, printResults, readResults } from "../results.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { stepSecrets } from "../stepSecrets.ts"

export const run: Run<RecordFlags, [string]> = async (session, flags, eventId) =>
  writingRecord(
    session,
    recordFolder(session, flags),
    // What a stopped service left queued is left to the next one.
    { secrets: await stepSecrets(session), engine: { claims: "own" } },
    Effect.gen(function* () {
      const engine = yield* Engine
      const replay = engine.replay(EventId.make(eventId, true), { by: commandLine })
      const { started, events, interrupted } = yield* follow(session, replay, (replayed) => [replayed])
      const results = yield* readResults(events)
      printResults(session, results, { status: started.status })
      return interrupted === undefined ? exitCodeOf(results) : exitCodes.interrupted
    })
  )
