/** `patchmoi log verify` of a record in SQLite. Apart, so that only such a record loads its store. */
import { aggregates } from "@patchmoi/core/Aggregates"
import { LogMaintenance } from "@patchmoi/store-sqlite"
import * as Layer from "effect/Layer"
import { databaseFile } from "../../record/recordKind.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { printFacts } from "../text/facts.ts"

/** Reads the whole database of the folder and says how it is; anything wrong is exit code 1. */
export const run = async (session: Session, directory: string): Promise<ExitCode> => {
  const filename = databaseFile(directory)
  const report = await runWith(session, Layer.empty, LogMaintenance.verify({ filename, aggregates }))
  const isWhole = report.flaws.length === 0
  if (session.json) session.printJson({ directory, ...report })
  else {
    printFacts(session, [
      ["record", directory],
      ["database", isWhole ? "whole" : "damaged"],
      ["facts", report.facts],
      ["streams", report.streams],
      ["documents", report.documents],
      ...report.flaws.map((flaw) => ["flaw", flaw] as const)
    ])
  }
  if (isWhole) return exitCodes.good
  session.note(`Restore ${filename} from a copy`)
  return exitCodes.failed
}
