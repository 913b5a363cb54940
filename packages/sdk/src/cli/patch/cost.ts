/** `patchmoi patch cost`: what each patch costs. */
import { PatchCost } from "@patchmoi/git"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import type { PatchCostFlags } from "./flags.ts"
import { inRepository } from "./repository.ts"

/** A line for each patch, the most expensive first by what is asked for. */
export const run: Run<PatchCostFlags> = async (session, { sort }) => {
  const costs = await inRepository(session, ({ repository, topology }) =>
    PatchCost.readCosts({ repository, topology, order: sort ?? "name" })
  )
  if (session.json) session.printJson({ patches: costs })
  else session.printRows(columnsOf(session), costs)
  return exitCodes.good
}

// --- internal ---

const columnsOf = ({ forPeople }: Session): ReadonlyArray<Column<PatchCost.PatchCost>> => [
  { title: "PATCH", of: ({ patch }) => patch, shrinks: true },
  {
    title: "AGE",
    of: ({ ageDays }) => (ageDays === null ? "" : forPeople ? `${ageDays} d` : String(ageDays))
  },
  { title: "ADDED", of: ({ added }) => String(added) },
  { title: "REMOVED", of: ({ removed }) => String(removed) },
  { title: "FILES", of: ({ files }) => String(files) },
  { title: "COMMITS", of: ({ commits }) => String(commits) },
  { title: "REWRITES", of: ({ rewrites }) => String(rewrites) },
  { title: "CONFLICTS", of: ({ conflicts }) => String(conflicts) }
]
