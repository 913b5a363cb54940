/** `patchmoi flow …`: the flows of a workspace, and running them. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, besideService, commonOptions, eventOption, flag, option, storeOption } from "../options.ts"
import type { CommonFlags } from "../Session.ts"
import type { ExplainFlags, FireFlags, RunStepFlags } from "./flags.ts"

const list = buildCommand<CommonFlags, [], CliContext>({
  docs: {
    brief: "List the flows of the workspace",
    fullDescription:
      "Lists the flows of the workspace: .codex/flows, then flows. Broken ones are told on standard error with what is wrong in them."
  },
  parameters: { flags: commonOptions },
  loader: lazily(() => import("./list.ts"))
})

const fire = buildCommand<FireFlags, [], CliContext>({
  docs: {
    brief: "Dispatch an event and run the steps that it matches",
    fullDescription: `Dispatches an event and runs the steps that it matches, then the follow-up events that they ask for. The record is in memory, unless --data-dir or DATA_DIR names a folder. ${besideService}`
  },
  parameters: {
    flags: {
      ...commonOptions,
      dataDir: option("Keep the record in this folder (default: DATA_DIR, else in memory)", "dir"),
      store: storeOption,
      event: eventOption
    }
  },
  loader: lazily(() => import("./fire.ts"))
})

const run = buildCommand<RunStepFlags, [string, string], CliContext>({
  docs: {
    brief: "Run one step by its name, whatever its trigger",
    fullDescription:
      "Runs one step by its name, without a look at its trigger, and prints what it says. It keeps no record: whoever runs a step by name keeps its own."
  },
  parameters: {
    flags: {
      ...commonOptions,
      event: eventOption,
      runId: option("The id of the run, as the step is told", "id"),
      attemptId: option("The id of the attempt, as the step is told", "id"),
      replay: flag("Tell the step that the event is replayed"),
      workspaceBackendUrl: option("The address of a backend, as the step is told", "url")
    },
    positional: {
      kind: "tuple",
      parameters: [argument("The name of the flow", "flow"), argument("The name of the step", "step")]
    }
  },
  loader: lazily(() => import("./run.ts"))
})

const explain = buildCommand<ExplainFlags, [], CliContext>({
  docs: { brief: "Say for each step whether an event would start it, and why not" },
  parameters: { flags: { ...commonOptions, event: eventOption } },
  loader: lazily(() => import("./explain.ts"))
})

/** The commands of the noun. */
export const flowCommands = buildRouteMap<"list" | "fire" | "run" | "explain", CliContext>({
  routes: { list, fire, run, explain },
  docs: { brief: "The flows of a workspace" }
})
