/** `patchmoi log rebuild`: makes the readable files beside the log anew, from the log. */
import { aggregates } from "@patchmoi/core/Aggregates"
import { LogMaintenance } from "@patchmoi/store-file"
import * as Layer from "effect/Layer"
import { foldVersion } from "../../record/foldVersion.ts"
import { readableFiles } from "../../record/readableFiles.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { printFacts } from "../text/facts.ts"

export const run: Run<RecordFlags> = async (session, flags) => {
  const directory = recordFolder(session, flags)
  requireHeldRecord(directory)
  const options = { directory, aggregates, foldVersion, projections: readableFiles }
  const position = await runWith(session, Layer.empty, LogMaintenance.rebuild(options))
  const files = readableFiles.map(({ fileName }) => fileName)
  if (session.json) session.printJson({ directory, position, files })
  else {
    printFacts(session, [
      ["record", directory],
      ["facts", position],
      ["files", files.join(", ")]
    ])
  }
  return exitCodes.good
}
