/** `patchmoi run list`. */
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { notePage, pageOf } from "../pages.ts"
import { readingRecord } from "../record.ts"
import { recordFolder } from "../Session.ts"
import { runColumns } from "./columns.ts"
import type { RunListFlags } from "./flags.ts"

export const run: Run<RunListFlags> = async (session, flags) => {
  const { status, eventId, flow: flowName, needsAttention } = flags
  const page = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.flatMap(Flow, (flow) =>
      flow.listRuns({
        ...pageOf(flags),
        ...(status === undefined ? {} : { status }),
        ...(eventId === undefined ? {} : { eventId }),
        ...(flowName === undefined ? {} : { flowName }),
        ...(needsAttention === true ? { needsAttention } : {})
      })
    )
  )
  if (session.json) session.printJson(page)
  else session.printRows(runColumns(session), page.runs)
  notePage(session, page)
  return exitCodes.good
}
