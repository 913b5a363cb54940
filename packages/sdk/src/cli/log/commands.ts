/** `patchmoi log …`: care of the log behind a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { recordOptions } from "../options.ts"
import type { RecordFlags } from "../Session.ts"

const verify = buildCommand<RecordFlags, [], CliContext>({
  docs: {
    brief: "Read the whole log and say whether it is whole",
    fullDescription:
      "Reads the whole log and says whether it is whole. Changes nothing. Exit code 1 when it is damaged."
  },
  parameters: { flags: recordOptions },
  loader: lazily(() => import("./verify.ts"))
})

const repair = buildCommand<RecordFlags, [], CliContext>({
  docs: { brief: "Cut a damaged log after its last whole commit; what is cut is kept" },
  parameters: { flags: recordOptions },
  loader: lazily(() => import("./repair.ts"))
})

const rebuild = buildCommand<RecordFlags, [], CliContext>({
  docs: { brief: "Make the readable files beside the log anew" },
  parameters: { flags: recordOptions },
  loader: lazily(() => import("./rebuild.ts"))
})

/** The commands of the noun. */
export const logCommands = buildRouteMap<"verify" | "repair" | "rebuild", CliContext>({
  routes: { verify, repair, rebuild },
  docs: { brief: "The log behind a record" }
})
