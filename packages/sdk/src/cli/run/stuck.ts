/** `patchmoi run stuck`: what runs wait for that have not ended, and those that wait for nothing that will come. */
import type { RunWake, WakeReport, WakeSource } from "@patchmoi/core/engine/WakeReport"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { readingRecord } from "../record.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { recordFolder } from "../Session.ts"
import type { Column } from "../text/table.ts"
import type { RunStuckFlags } from "./flags.ts"

export const run: Run<RunStuckFlags> = async (session, flags) => {
  const directory = recordFolder(session, flags)
  // A slip in the name of the folder would read as "nothing is stuck".
  requireHeldRecord(directory)
  const report = await readingRecord(
    session,
    directory,
    Effect.flatMap(Flow, (flow) => flow.stuckRuns({ all: flags.all === true }))
  )
  if (session.json) session.printJson(report)
  else {
    session.printRows(columns, report.runs)
    session.note(countsText(report))
    if (!report.leasesVisible && report.counts.Lease > 0) session.note(unseenText(report))
  }
  return report.counts.Stuck === 0 ? exitCodes.good : exitCodes.needsAttention
}

// --- internal ---

const columns: ReadonlyArray<Column<RunWake>> = [
  { title: "RUN", of: ({ runId }) => runId },
  { title: "STATUS", of: ({ processStatus }) => processStatus },
  { title: "STEP", of: ({ flowName, stepName }) => `${flowName}/${stepName}`, shrinks: true },
  { title: "WAITS FOR", of: ({ wake }) => wakeText(wake), shrinks: true }
]

const wakeText = (wake: WakeSource): string => {
  switch (wake._tag) {
    case "Slot":
      return "a free slot"
    case "Lease":
      return `worker ${wake.workerId}${wake.until === undefined ? "" : `, which holds it until ${wake.until}`}`
    case "Time":
      return `its next attempt at ${wake.at}`
    case "Approval":
      return `approval: ${wake.prompt}`
    case "Stuck":
      return `nothing: ${wake.reason}`
  }
}

/** A record in files keeps its leases in the memory of its writer. */
const unseenText = ({ counts: { Lease } }: WakeReport): string =>
  `Cannot see from here whether the worker of a running run is still there: leases of a record in files are in the process that writes it. ${
    Lease === 1 ? "One run" : `${Lease} runs`
  } may wait for a worker that is gone; the service itself knows (GET /runs/stuck), and the next one to start takes such runs up.`

const countsText = ({ counts: { Slot, Lease, Time, Approval, Stuck } }: WakeReport): string =>
  `${Stuck} stuck; ${Slot} wait for a slot, ${Lease} for their worker, ${Time} for a time, ${Approval} for an approval`
