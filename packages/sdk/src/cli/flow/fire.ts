/** `patchmoi flow fire`: dispatches an event, runs what it matches, and tells what came of each run. */

import { Engine } from "@patchmoi/core/engine/Engine"
import { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import * as Effect from "effect/Effect"
import { acting } from "../acting.ts"
import type { Run } from "../command.ts"
import { commandLine } from "../commandLine.ts"
import { type FileEvent, readEventFile } from "../eventFile.ts"
import { exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { recordState } from "../recordOptions.ts"
import { exitCodeOf, printResults, readResults } from "../results.ts"
import { givenRecordFolder, type Session } from "../Session.ts"
import { noteBrokenFlows } from "./brokenFlows.ts"
import type { FireFlags } from "./flags.ts"

/** A step that fails loses no other's result. The exit code is that of the worst run. */
export const run: Run<FireFlags> = async (session, flags) => {
  const event = await readEventFile(session, flags.event)
  const dataDir = givenRecordFolder(session, flags)
  const state =
    dataDir === undefined ? ({ kind: "memory" } as const) : recordState(dataDir, "write", flags.store)
  return acting(session, state, fire(session, event))
}

// --- internal ---

const fire = (session: Session, event: FileEvent) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const { broken } = yield* Effect.flatMap(FlowCatalog, ({ snapshot }) => snapshot)
    if (!session.json) noteBrokenFlows(session, broken)
    const { started, events, interrupted } = yield* follow(
      session,
      engine.dispatch(event, { by: commandLine }),
      (dispatched) => [dispatched]
    )
    const results = yield* readResults(events)
    const { status, idempotent, payloadDiffers } = started
    printResults(session, results, {
      status,
      ...(idempotent === undefined ? {} : { idempotent }),
      ...(payloadDiffers === undefined ? {} : { payloadDiffers })
    })
    if (status === "duplicate" && !session.json) session.note(duplicateNote(event, payloadDiffers === true))
    return interrupted === undefined ? exitCodeOf(results) : exitCodes.interrupted
  })

const duplicateNote = ({ id }: FileEvent, differs: boolean): string =>
  `The event ${id} is known${differs ? " with another type or payload, which stays" : ""}; nothing new was queued. To run it again: patchmoi event replay`
