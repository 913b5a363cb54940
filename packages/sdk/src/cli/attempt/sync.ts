/**
 * `patchmoi attempt sync`: asks another backend now for what an attempt waits for, instead of at the next time that is due.
 * Where the record has one writer and a service holds it, the service has to be asked, and this command says so.
 */
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { commandLine } from "../commandLine.ts"
import { exitCodes } from "../exitCodes.ts"
import { writingRecord } from "../record.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { printAttempt } from "./show.ts"

export const run: Run<RecordFlags, [string]> = async (session, flags, attemptId) => {
  const attempt = await writingRecord(
    session,
    recordFolder(session, flags),
    // Nothing that waits in the queue is to begin because an attempt is looked at.
    { engine: { runs: false }, handsOver: true },
    Effect.flatMap(Flow, (flow) => flow.syncMaintenanceAttempt(attemptId, { by: commandLine }))
  )
  if (session.json) session.printJson(attempt)
  else printAttempt(session, attempt)
  return exitCodes.good
}
