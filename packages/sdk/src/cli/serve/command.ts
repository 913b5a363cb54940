/** `patchmoi serve`: the durable backend. */
import { buildCommand } from "@stricli/core"
import { executorNames } from "../../executor/ExecutorKind.ts"
import { storeKinds } from "../../record/storeKinds.ts"
import { type CliContext, lazily } from "../command.ts"
import { choice, commonOptions, option } from "../options.ts"
import { hostsOf, namesOf, portOf, type ServeFlags } from "./flags.ts"

/** The command. */
export const serveCommand = buildCommand<ServeFlags, [], CliContext>({
  docs: {
    brief: "Serve events, runs and their record over HTTP, and run the flows",
    fullDescription:
      "Takes events in over HTTP, runs the flows that they start, and keeps the record in a folder, until SIGINT or SIGTERM; then it takes no further request, and running steps get 10 seconds to end. Those that do not end in time are cut off and run again at the next start. The exit code is 0 after SIGTERM and 130 after SIGINT. A second signal ends the steps that run and the server at once, with exit code 130; the same signal again within half a second counts as the first. It listens on 127.0.0.1, and on another address only with a secret; with a secret, or once there are tokens, every request but GET /healthz and GET /readyz needs a signature or a token."
  },
  parameters: {
    flags: {
      ...commonOptions,
      dataDir: option(
        "The folder of the record (default: DATA_DIR, CODEX_FLOW_BACKEND_DATA_DIR, then .codex/flow-backend)",
        "dir"
      ),
      host: option("The address to listen on (default: CODEX_FLOW_BACKEND_HOST, then 127.0.0.1)", "address"),
      port: {
        kind: "parsed",
        parse: portOf,
        optional: true,
        brief: "The port to listen on; 0 is any that is free (default: CODEX_FLOW_BACKEND_PORT, then 7345)",
        placeholder: "port"
      },
      store: choice(
        "The store of the record (default: the one that the folder holds, else sqlite)",
        storeKinds
      ),
      executor: choice(
        "What runs steps: processes, or units of systemd; direct is another name of bun (default: CODEX_FLOW_BACKEND_EXECUTOR, then bun)",
        executorNames
      ),
      secretEnv: option("The variable that holds the secret (default: CODEX_FLOW_BACKEND_SECRET)", "name"),
      forwardEnv: {
        kind: "parsed",
        parse: namesOf,
        optional: true,
        brief:
          "Names of variables that every step gets, with commas between (default: CODEX_FLOW_BACKEND_FORWARD_ENV)",
        placeholder: "names"
      },
      hosts: {
        kind: "parsed",
        parse: hostsOf,
        optional: true,
        brief:
          "Names that requests may call the server by, with commas between (default: those of loopback there)",
        placeholder: "names"
      },
      concurrency: number("How many runs may be under way at once (default: the number of cores)", 10_000),
      queueMax: number(
        "How many runs may wait before events are refused with 429 (default: 10000)",
        10_000_000
      ),
      rate: number(
        "How many requests a second each caller may send; twice as many at once (default: 50000)",
        1_000_000
      ),
      bodyMax: number("The largest body of a request, in bytes (default: 1048576)", 1_073_741_824)
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.serve())
})

// --- internal ---

/** An option that is a whole number from 1 on. */
function number(brief: string, max: number) {
  return {
    kind: "parsed",
    parse: (input: string): number => {
      const value = /^\d{1,16}$/.test(input) ? Number(input) : 0
      if (value >= 1 && value <= max) return value
      throw new Error(`must be a whole number from 1 to ${max}; found ${JSON.stringify(input)}`)
    },
    optional: true,
    brief,
    placeholder: "number"
  } as const
}
