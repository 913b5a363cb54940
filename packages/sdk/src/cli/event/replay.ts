/** `patchmoi event replay`: another generation of runs for a known event, awaited as `flow fire` awaits its own. */

import { Engine } from "@patchmoi/core/engine/Engine"
import { EventId } from "@patchmoi/core/Ids"
import * as Effect from "effect/Effect"
import { actingOnRecord } from "../acting.ts"
import type { Run } from "../command.ts"
import { commandLine } from "../commandLine.ts"
import { exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { exitCodeOf, printResults, readResults } from "../results.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"

export const run: Run<RecordFlags, [string]> = (session, flags, eventId) =>
  actingOnRecord(
    session,
    recordFolder(session, flags),
    Effect.gen(function* () {
      const engine = yield* Engine
      const replay = engine.replay(EventId.make(eventId, true), { by: commandLine })
      const { started, events, interrupted } = yield* follow(session, replay, (replayed) => [replayed])
      const results = yield* readResults(events)
      const { status, runIds } = started
      printResults(session, results, { status, matched: runIds.length })
      if (runIds.length === 0 && !session.json) {
        session.note(
          `No step matches the event ${eventId}; nothing was run. To see why: patchmoi flow explain`
        )
      }
      return interrupted === undefined ? exitCodeOf(results) : exitCodes.interrupted
    })
  )
