/** `patchmoi log …`: care of the log behind a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, option, recordOptions, required, storeOption } from "../options.ts"
import type { RecordFlags, StoreFlags } from "../Session.ts"
import type { CompactFlags, ExportFlags } from "./flags.ts"

const verify = buildCommand<RecordFlags, [], CliContext>({
  docs: {
    brief: "Read the whole log and say whether it is whole",
    fullDescription:
      "Reads the whole log and says whether it is whole. Changes nothing. Exit code 1 when it is damaged."
  },
  parameters: { flags: recordOptions },
  loader: lazily(async () => (await import("../apart.ts")).apart.logVerify())
})

const repair = buildCommand<RecordFlags, [], CliContext>({
  docs: { brief: "Cut a damaged log after its last whole commit; what is cut is kept" },
  parameters: { flags: recordOptions },
  loader: lazily(async () => (await import("../apart.ts")).apart.logRepair())
})

const rebuild = buildCommand<RecordFlags, [], CliContext>({
  docs: { brief: "Make the readable files beside the log anew" },
  parameters: { flags: recordOptions },
  loader: lazily(async () => (await import("../apart.ts")).apart.logRebuild())
})

const exportCommand = buildCommand<ExportFlags, [], CliContext>({
  docs: {
    brief: "Write everything that a record knows as lines that any store takes",
    fullDescription:
      "Writes the facts and the output of a record, as lines of JSON that `log import` takes into any kind of store. A service may write the record meanwhile; stop it first when everything is to move. The file appears when it is whole; one that is there already is not replaced."
  },
  parameters: {
    flags: { ...recordOptions, out: option("The file to write; - is standard output (default: -)", "file") }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.logExport())
})

const importCommand = buildCommand<StoreFlags, [string], CliContext>({
  docs: {
    brief: "Make a record from an export, in a new folder",
    fullDescription:
      "Makes a record from an export, in the kind of store that --store names (default: file). The folder must not be there, or be empty; it appears when everything has arrived and was proven. An export that was cut or altered is refused."
  },
  parameters: {
    flags: { ...recordOptions, store: storeOption },
    positional: {
      kind: "tuple",
      parameters: [argument("A file that `log export` wrote; - reads standard input", "file")]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.logImport())
})

const compact = buildCommand<CompactFlags, [], CliContext>({
  docs: {
    brief: "Take the history of what ended before a time out of a record in SQLite",
    fullDescription:
      "Takes events out of a record in SQLite whose runs, maintenance attempts and dispatches have all ended before a time, with all of these and their output, and gives the space back to the disk. A duplicate of such an event stays a duplicate for ever; a replay of it is refused. Events that go on, and runs that wait for an approval, stay. A service may write the record meanwhile."
  },
  parameters: {
    flags: {
      ...recordOptions,
      before: required("What ended before: a time as 2026-01-31, or how long ago as 90d", "time")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.logCompact())
})

/** The commands of the noun. */
export const logCommands = buildRouteMap<
  "verify" | "repair" | "rebuild" | "export" | "import" | "compact",
  CliContext
>({
  routes: { verify, repair, rebuild, export: exportCommand, import: importCommand, compact },
  docs: { brief: "The log behind a record" }
})
