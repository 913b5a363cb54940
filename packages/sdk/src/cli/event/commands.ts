/** `patchmoi event …`: the events of a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, besideService, option, pageOptions, recordOptions } from "../options.ts"
import type { RecordFlags } from "../Session.ts"
import type { EventListFlags } from "./flags.ts"

const eventArgument = {
  kind: "tuple",
  parameters: [argument("The id of the event", "event")]
} as const

const list = buildCommand<EventListFlags, [], CliContext>({
  docs: { brief: "List events, newest first" },
  parameters: {
    flags: { ...recordOptions, ...pageOptions, type: option("Only events of this type", "type") }
  },
  loader: lazily(() => import("./list.ts"))
})

const show = buildCommand<RecordFlags, [string], CliContext>({
  docs: { brief: "Show an event, its runs, and what happened to it" },
  parameters: { flags: recordOptions, positional: eventArgument },
  loader: lazily(() => import("./show.ts"))
})

const replay = buildCommand<RecordFlags, [string], CliContext>({
  docs: {
    brief: "Run the steps of a known event again",
    fullDescription: `Gives a known event another generation of runs and waits for them. ${besideService}`
  },
  parameters: { flags: recordOptions, positional: eventArgument },
  loader: lazily(() => import("./replay.ts"))
})

/** The commands of the noun. */
export const eventCommands = buildRouteMap<"list" | "show" | "replay", CliContext>({
  routes: { list, show, replay },
  docs: { brief: "The events of a record" }
})
