/** `patchmoi log verify`: reads the whole log and says how it is. A service may write it meanwhile. */
import { LogMaintenance, repairCommand } from "@patchmoi/store-file"
import * as Layer from "effect/Layer"
import { heldStore } from "../../record/recordKind.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { printFacts } from "../text/facts.ts"

/** Damage, and a log that has lost its end, are exit code 1. A torn tail is not damage: nothing in it was acknowledged, and opening the record cuts it off. */
export const run: Run<RecordFlags> = async (session, flags) => {
  const directory = recordFolder(session, flags)
  requireHeldRecord(directory)
  if (heldStore(directory) === "sqlite") return (await import("./verifyDatabase.ts")).run(session, directory)
  const report = await runWith(session, Layer.empty, LogMaintenance.verify({ directory }))
  const { flaw } = report
  const isDamaged = flaw !== undefined && flaw.kind !== "tornTail"
  if (session.json) {
    session.printJson({ directory, ...report })
    return isDamaged ? exitCodes.failed : exitCodes.good
  }
  printFacts(session, [
    ["record", directory],
    ["log", flaw === undefined ? "whole" : states[flaw.kind]],
    ["segments", report.segments],
    ["commits", report.commits],
    ["facts", report.facts],
    ["snapshot", report.snapshot === undefined ? "none" : snapshotText(report.snapshot)],
    [
      "flaw",
      flaw === undefined ? undefined : `${flaw.file}:${flaw.line} (byte ${flaw.offset}): ${flaw.reason}`
    ]
  ])
  if (isDamaged) session.note(`Restore the file from a copy, or run: ${repairCommand(directory)}`)
  return isDamaged ? exitCodes.failed : exitCodes.good
}

// --- internal ---

const states: Readonly<Record<LogMaintenance.LogFlaw["kind"], string>> = {
  tornTail: "whole, with a torn tail",
  damage: "damaged",
  shortened: "shorter than it was"
}

const snapshotText = ({ position, flaw }: LogMaintenance.SnapshotReport): string =>
  flaw === undefined
    ? `whole, up to position ${position}`
    : `not usable: ${flaw} (it is made anew when the record is opened)`
