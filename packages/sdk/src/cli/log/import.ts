/** `patchmoi log import`: makes a record from an export, in a new folder, in any kind of store. */
import { closeSync, openSync } from "node:fs"
import * as Layer from "effect/Layer"
import { importRecord } from "../../record/importRecord.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { readBounded } from "../readBounded.ts"
import { runWith } from "../runWith.ts"
import { newRecordFolder, type StoreFlags } from "../Session.ts"
import { printFacts } from "../text/facts.ts"

export const run: Run<StoreFlags, [string]> = async (session, flags, given) => {
  const dataDir = newRecordFolder(session, flags)
  const store = flags.store ?? "file"
  const file = given === "-" ? 0 : openSync(session.path(given), "r")
  try {
    const report = await runWith(
      session,
      Layer.empty,
      importRecord({ read: (bytesMax) => readBounded(file, bytesMax), dataDir, store })
    )
    if (session.json) session.printJson({ directory: dataDir, store, ...report })
    else {
      printFacts(session, [
        ["record", dataDir],
        ["store", store],
        ["from", report.source],
        ["facts", report.facts],
        ["outputs", report.outputs],
        [
          "documents",
          report.documents === null
            ? "not compared: the export has no digest"
            : `${report.documents}, as in the record that was exported`
        ]
      ])
    }
    return exitCodes.good
  } finally {
    if (file !== 0) closeSync(file)
  }
}
