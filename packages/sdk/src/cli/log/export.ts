/** `patchmoi log export`: writes everything that a record knows, for `patchmoi log import`. A service may write it meanwhile. */
import { existsSync } from "node:fs"
import { layerStore } from "../../composeEngine.ts"
import { exportRecord, exportRecordTo } from "../../record/exportRecord.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { recordState } from "../recordOptions.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { recordFolder } from "../Session.ts"
import { printFacts } from "../text/facts.ts"
import { UsageError } from "../UsageError.ts"
import type { ExportFlags } from "./flags.ts"

/** The summary goes to standard output, or to standard error where the export itself goes to standard output. */
export const run: Run<ExportFlags> = async (session, flags) => {
  const directory = recordFolder(session, flags)
  requireHeldRecord(directory)
  const state = recordState(directory, "read")
  const file = flags.out === undefined || flags.out === "-" ? undefined : session.path(flags.out)
  if (file !== undefined && existsSync(file)) {
    throw new UsageError(`${file} is there already, perhaps an older backup; name another file`, { file })
  }
  const exporting = file === undefined ? exportRecord(session.print) : exportRecordTo(file)
  const summary = await runWith(session, layerStore(state), exporting)
  const { facts, outputs, documents, sha256 } = summary
  if (file === undefined) {
    session.note(
      session.json
        ? JSON.stringify({ directory, store: state.kind, ...summary })
        : `${facts} facts and ${outputs} pieces of output; documents ${documents ?? unproven}`
    )
  } else if (session.json) {
    session.printJson({ directory, store: state.kind, file, ...summary })
  } else {
    printFacts(session, [
      ["record", directory],
      ["store", state.kind],
      ["file", file],
      ["facts", facts],
      ["outputs", outputs],
      ["documents", documents ?? unproven],
      ["sha256", sha256]
    ])
  }
  return exitCodes.good
}

// --- internal ---

const unproven = "without a digest, as a writer went on meanwhile"
