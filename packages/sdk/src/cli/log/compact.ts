/** `patchmoi log compact`: takes the history of what ended before a time out of a record. A service may write it meanwhile. */
import { compact } from "@patchmoi/core/compaction/Compaction"
import { Store } from "@patchmoi/core/store/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { layerStore } from "../../composeEngine.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { recordState } from "../recordOptions.ts"
import { requireHeldRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { recordFolder } from "../Session.ts"
import { printFacts } from "../text/facts.ts"
import { beforeTime } from "./beforeTime.ts"
import type { CompactFlags } from "./flags.ts"

export const run: Run<CompactFlags> = async (session, flags) => {
  const before = beforeTime(flags.before, await Effect.runPromise(Clock.currentTimeMillis))
  const directory = recordFolder(session, flags)
  requireHeldRecord(directory)
  const { kind } = recordState(directory, "read")
  // A record of JSON lines is refused whoever has it open, so it is not opened for writing.
  const state = recordState(directory, kind === "sqlite" ? "write" : "read")
  const compacting = Effect.flatMap(Store, ({ driver }) => compact(driver, { before }))
  const summary = await runWith(session, layerStore(state), compacting)
  if (session.json) {
    session.printJson({ directory, ...summary })
    return exitCodes.good
  }
  const { events, runs, maintenanceAttempts, dispatches, facts, kept, bytesBefore, bytesAfter } = summary
  printFacts(session, [
    ["record", directory],
    ["before", summary.before],
    ["events", events],
    ["runs", runs],
    ["attempts", maintenanceAttempts],
    ["dispatches", dispatches],
    ["facts", facts],
    ["kept", kept === 0 ? undefined : `${kept} events that go on, or ended later`],
    ["bytes", `${bytesBefore} before, ${bytesAfter} after`]
  ])
  return exitCodes.good
}
