/** Options that several commands take, each declared once: its name, its values, and what a wrong value is told. */
import type { EffectiveStatus, ProcessStatus } from "@patchmoi/core/flow/FlowResult"
import type { MaintenanceStatus } from "@patchmoi/core/maintenance/MaintenanceDocument"
import { storeKinds } from "../record/storeKinds.ts"

/** Most items of a page; the same bound as the store's, which this file must not load. */
export const pageLimitMax = 500

/** An option that takes a text. */
export const option = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: text, optional: true, brief, placeholder }) as const

/** An option that takes a text, and may be given several times. */
export const options = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: text, optional: true, variadic: true, brief, placeholder }) as const

/** An option that takes none. */
export const flag = (brief: string) =>
  ({ kind: "boolean", optional: true, withNegated: false, brief }) as const

/** An option that takes one of a few words. */
export const choice = <const Value extends string>(brief: string, values: ReadonlyArray<Value>) =>
  ({ kind: "enum", values, optional: true, brief }) as const

/** An option that has to be given. */
export const required = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: text, brief, placeholder }) as const

/** An argument that has to be given. */
export const argument = (brief: string, placeholder: string) => ({ parse: text, brief, placeholder }) as const

/** An argument that may be left out. */
export const optionalArgument = (brief: string, placeholder: string) =>
  ({ parse: text, brief, placeholder, optional: true }) as const

/** Every command. */
export const commonOptions = {
  json: flag("Print JSON, and errors as JSON on standard error"),
  cwd: option("Work in this folder instead of the current one", "dir")
} as const

/** Every command that uses a record. */
export const recordOptions = {
  ...commonOptions,
  dataDir: option(
    "The folder of the record (default: DATA_DIR, CODEX_FLOW_BACKEND_DATA_DIR, then .codex/flow-client)",
    "dir"
  )
} as const

/** How a command that makes a step run again goes beside a service, for its help. */
export const besideService =
  "Where a service is on a record in SQLite, the service runs the step, with its own variables; otherwise this command does, with those of the shell. A record in files must not be in use by a service."

/** Every command that may make a record. */
export const storeOption = choice(
  "The store of the record (default: the one that the folder holds, else file)",
  storeKinds
)

/** Every command that lists. */
export const pageOptions = {
  limit: {
    kind: "parsed",
    parse: (input: string): number => {
      const limit = Number(input)
      if (Number.isSafeInteger(limit) && limit >= 1 && limit <= pageLimitMax) return limit
      throw new Error(`must be a whole number from 1 to ${pageLimitMax}; found ${JSON.stringify(input)}`)
    },
    optional: true,
    brief: `How many to show, newest first (1 to ${pageLimitMax}; default: 50)`,
    placeholder: "number"
  },
  cursor: option("Go on where a page ended: the cursor that it gave", "cursor")
} as const

/** The file with an event. */
export const eventOption = required("A file with an event as JSON; - reads standard input", "file")

/** What `run list --status` takes: what became of the process, or what the step says it achieved. */
export const runStatuses = [
  "queued",
  "running",
  "skipped",
  "completed",
  "changed",
  "needs_intervention",
  "blocked",
  "failed",
  "canceled"
] as const satisfies ReadonlyArray<EffectiveStatus | ProcessStatus>

/** What `attempt list --status` takes. */
export const attemptStatuses = [
  "started",
  "completed",
  "changed",
  "needs_intervention",
  "blocked",
  "failed",
  "skipped"
] as const satisfies ReadonlyArray<MaintenanceStatus>

// --- internal ---

function text(input: string): string {
  if (input === "") throw new Error("must not be empty")
  return input
}
