/** `patchmoi watch`: polls the sources and runs what their releases start. */
import { buildCommand } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { flag, option, recordOptions, storeOption } from "../options.ts"
import type { WatchFlags } from "./flags.ts"

/** The command. */
export const watchCommand = buildCommand<WatchFlags, [], CliContext>({
  docs: {
    brief: "Poll the sources, dispatch what moved upstream, run its flows",
    fullDescription:
      "Polls each source of the sources file once, dispatches what moved upstream, and waits for the runs; runs that an earlier process left and that are due are run, shown and counted too. With --follow it keeps polling until SIGINT or SIGTERM; then running steps get 10 seconds to end. Those that do not end in time are cut off, stay queued, and run again at the next start. The exit code is 0 after SIGTERM, also when runs were cut off, and 130 after SIGINT. A second signal ends the steps that run and the service at once, with exit code 130."
  },
  parameters: {
    flags: {
      ...recordOptions,
      store: storeOption,
      sources: option("The sources file (default: FEED_SOURCES_PATH)", "file"),
      follow: flag("Keep polling")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.watch())
})
