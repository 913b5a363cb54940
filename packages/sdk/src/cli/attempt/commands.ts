/** `patchmoi attempt …`: the maintenance attempts of a record. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, attemptStatuses, choice, option, pageOptions, recordOptions } from "../options.ts"
import type { RecordFlags } from "../Session.ts"
import type { AttemptListFlags } from "./flags.ts"

const list = buildCommand<AttemptListFlags, [], CliContext>({
  docs: { brief: "List maintenance attempts, newest first" },
  parameters: {
    flags: {
      ...recordOptions,
      ...pageOptions,
      status: choice("Only attempts of this status", attemptStatuses),
      eventId: option("Only attempts for this event", "event")
    }
  },
  loader: lazily(() => import("./list.ts"))
})

const show = buildCommand<RecordFlags, [string], CliContext>({
  docs: { brief: "Show a maintenance attempt: what moved upstream, what came of it, its candidates" },
  parameters: {
    flags: recordOptions,
    positional: {
      kind: "tuple",
      parameters: [argument("The id of the maintenance attempt", "attempt")]
    }
  },
  loader: lazily(() => import("./show.ts"))
})

const sync = buildCommand<RecordFlags, [string], CliContext>({
  docs: { brief: "Ask another backend now for what an attempt waits for" },
  parameters: {
    flags: recordOptions,
    positional: {
      kind: "tuple",
      parameters: [argument("The id of the maintenance attempt", "attempt")]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.attemptSync())
})

/** The commands of the noun. */
export const attemptCommands = buildRouteMap<"list" | "show" | "sync", CliContext>({
  routes: { list, show, sync },
  docs: { brief: "The maintenance attempts of a record" }
})
