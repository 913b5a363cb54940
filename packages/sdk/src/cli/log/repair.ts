/** `patchmoi log repair`: cuts the log after its last whole commit before the first flaw, and says what was cut and where it is kept. */
import { LogMaintenance } from "@patchmoi/store-file"
import * as Layer from "effect/Layer"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { type Fact, printFacts } from "../text/facts.ts"

export const run: Run<RecordFlags> = async (session, flags) => {
  const directory = recordFolder(session, flags)
  requireHeldRecord(directory)
  const cut = await runWith(session, Layer.empty, LogMaintenance.repair({ directory }))
  if (session.json) {
    session.printJson({ directory, cut: cut ?? null })
    return exitCodes.good
  }
  printFacts(session, [
    ["record", directory],
    ["log", cut === undefined ? "whole; nothing was cut" : "cut"],
    ...(cut === undefined
      ? []
      : ([
          ["at", `${cut.file}:${cut.line} (byte ${cut.offset}): ${cut.reason}`],
          ["bytes", cut.bytes],
          ...cut.copies.map((copy): Fact => ["kept in", copy])
        ] satisfies ReadonlyArray<Fact>))
  ])
  return exitCodes.good
}
