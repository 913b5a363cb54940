/** `patchmoi run …`: the runs of a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import {
  argument,
  besideService,
  choice,
  flag,
  option,
  pageOptions,
  recordOptions,
  runStatuses
} from "../options.ts"
import type {
  RunApproveFlags,
  RunCancelFlags,
  RunDecideFlags,
  RunListFlags,
  RunShowFlags,
  RunStuckFlags
} from "./flags.ts"

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
    brief: "End a run, and wait until it has ended",
    fullDescription:
      "Ends a run and waits for its end: a queued one at once, a running one when its processes are gone, whether a service runs it or one left it behind. A record in SQLite may be in use by a service; one in files must not."
  },
  parameters: {
    flags: { ...recordOptions, reason: option("Why; kept in the record", "text") },
    positional: runArgument
  },
  loader: lazily(() => import("./cancel.ts"))
})

const decideOptions = {
  ...recordOptions,
  by: option("Who decides (default: command line); kept in the record, and told to the step", "name"),
  comment: option("What there is to say; kept in the record, and told to the step", "text")
} as const

const approve = buildCommand<RunApproveFlags, [string], CliContext>({
  docs: {
    brief: "Say yes to a run that waits for an approval, and run it again",
    fullDescription: `Says yes to a run that waits for an approval. Its step runs again and is told the decision; its end is awaited. ${besideService}`
  },
  parameters: {
    flags: { ...decideOptions, choice: option("One of the choices that the run offers", "choice") },
    positional: runArgument
  },
  loader: lazily(() => import("./approve.ts"))
})

const reject = buildCommand<RunDecideFlags, [string], CliContext>({
  docs: {
    brief: "Say no to a run that waits for an approval, and run it again",
    fullDescription: `Says no to a run that waits for an approval. Its step runs again all the same and is told the decision, so that it can end as it should; its end is awaited. ${besideService}`
  },
  parameters: { flags: decideOptions, positional: runArgument },
  loader: lazily(() => import("./reject.ts"))
})

const stuck = buildCommand<RunStuckFlags, [], CliContext>({
  docs: {
    brief: "List runs that wait for nothing that will come; exit code 10 when there are some",
    fullDescription:
      "Looks at every run that has not ended and says what it waits for: a free slot, the worker that holds it, a time, an approval. Lists those that wait for nothing that will come, with the reason. Exit code 10 when there are some."
  },
  parameters: {
    flags: { ...recordOptions, all: flag("List every run that has not ended, with what it waits for") }
  },
  loader: lazily(() => import("./stuck.ts"))
})

/** The commands of the noun. */
export const runCommands = buildRouteMap<
  "list" | "show" | "stuck" | "approve" | "reject" | "cancel",
  CliContext
>({
  routes: { list, show, stuck, approve, reject, cancel },
  docs: { brief: "The runs of a record" }
})
