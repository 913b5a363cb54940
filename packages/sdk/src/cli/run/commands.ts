/** `patchmoi run …`: the runs of a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, choice, flag, option, pageOptions, recordOptions, runStatuses } from "../options.ts"
import type { RunCancelFlags, RunListFlags, RunShowFlags } from "./flags.ts"

const runArgument = { kind: "tuple", parameters: [argument("The id of the run", "run")] } as const

const list = buildCommand<RunListFlags, [], CliContext>({
  docs: { brief: "List runs, newest first" },
  parameters: {
    flags: {
      ...recordOptions,
      ...pageOptions,
      status: choice("Only runs of this status", runStatuses),
      eventId: option("Only runs of this event", "event"),
      flow: option("Only runs of this flow", "flow"),
      needsAttention: flag("Only runs that a person has to look at")
    }
  },
  loader: lazily(() => import("./list.ts"))
})

const show = buildCommand<RunShowFlags, [string], CliContext>({
  docs: { brief: "Show a run: its attempts, its result, what it waits for" },
  parameters: {
    flags: { ...recordOptions, output: flag("Also print the output of the last attempt") },
    positional: runArgument
  },
  loader: lazily(() => import("./show.ts"))
})

const cancel = buildCommand<RunCancelFlags, [string], CliContext>({
  docs: {
    brief: "End a run that is queued, or that a service left behind",
    fullDescription:
      "Ends a run that is queued, or that a service left behind. Opens the record for writing: a service that writes it must not run."
  },
  parameters: {
    flags: { ...recordOptions, reason: option("Why; kept in the record", "text") },
    positional: runArgument
  },
  loader: lazily(() => import("./cancel.ts"))
})

/** The commands of the noun. */
export const runCommands = buildRouteMap<"list" | "show" | "cancel", CliContext>({
  routes: { list, show, cancel },
  docs: { brief: "The runs of a record" }
})
