/** `patchmoi event list`. */
import * as Effect from "effect/Effect"
import type { EventView } from "../../client/views.ts"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { notePage, pageOf } from "../pages.ts"
import { readingRecord } from "../record.ts"
import { recordFolder, type Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { timeText } from "../text/time.ts"
import type { EventListFlags } from "./flags.ts"

export const run: Run<EventListFlags> = async (session, flags) => {
  const { type } = flags
  const page = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.flatMap(Flow, (flow) =>
      flow.listEvents({ ...pageOf(flags), ...(type === undefined ? {} : { type }) })
    )
  )
  if (session.json) session.printJson(page)
  else session.printRows(columnsOf(session), page.events)
  notePage(session, page)
  return exitCodes.good
}

// --- internal ---

const columnsOf = ({ forPeople }: Session): ReadonlyArray<Column<EventView>> => [
  { title: "CREATED", of: ({ createdAt }) => timeText(createdAt, forPeople) },
  { title: "EVENT", of: ({ id }) => id, shrinks: true },
  { title: "TYPE", of: ({ type }) => type, shrinks: true },
  { title: "RUNS", of: ({ runIds }) => String(runIds.length) },
  { title: "SOURCE", of: ({ source }) => source ?? "", shrinks: true }
]
