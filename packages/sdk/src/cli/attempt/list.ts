/** `patchmoi attempt list`. */
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { notePage, pageOf } from "../pages.ts"
import { readingRecord } from "../record.ts"
import { recordFolder, type Session } from "../Session.ts"
import { statusStyle } from "../text/style.ts"
import type { Column } from "../text/table.ts"
import { timeText } from "../text/time.ts"
import { candidateText } from "./candidateText.ts"
import type { AttemptListFlags } from "./flags.ts"

export const run: Run<AttemptListFlags> = async (session, flags) => {
  const { status, eventId } = flags
  const page = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.flatMap(Flow, (flow) =>
      flow.listMaintenanceAttempts({
        ...pageOf(flags),
        ...(status === undefined ? {} : { status }),
        ...(eventId === undefined ? {} : { eventId })
      })
    )
  )
  if (session.json) session.printJson(page)
  else session.printRows(columnsOf(session), page.attempts)
  notePage(session, page)
  return exitCodes.good
}

// --- internal ---

const columnsOf = ({ styles, forPeople }: Session): ReadonlyArray<Column<MaintenanceDocument>> => [
  { title: "CREATED", of: ({ createdAt }) => timeText(createdAt, forPeople) },
  { title: "ATTEMPT", of: ({ id }) => id, shrinks: true },
  { title: "STATUS", of: ({ status }) => status, style: ({ status }) => statusStyle(styles, status) },
  { title: "UPSTREAM", of: ({ upstreamRepo }) => upstreamRepo ?? "", shrinks: true },
  {
    title: "AT",
    of: ({ upstreamTag, upstreamRef, upstreamSha }) => upstreamTag ?? upstreamRef ?? upstreamSha ?? "",
    shrinks: true
  },
  {
    title: "CANDIDATES",
    of: ({ candidateRefs }) => candidateRefs.map(candidateText).join(", "),
    shrinks: true
  },
  { title: "SAYS", of: ({ error, message }) => error ?? message ?? "", shrinks: true }
]
