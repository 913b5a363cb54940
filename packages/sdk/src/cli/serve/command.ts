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
      concurrency: {
        kind: "parsed",
        parse: concurrencyOf,
        optional: true,
        brief: "How many runs may be under way at once (default: the number of cores)",
        placeholder: "number"
      }
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.serve())
})

// --- internal ---

function concurrencyOf(input: string): number {
  const concurrency = Number(input)
  if (Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= 10_000) return concurrency
  throw new Error(`must be a whole number from 1 to 10000; found ${JSON.stringify(input)}`)
}
