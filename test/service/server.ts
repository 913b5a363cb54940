/**
 * What `patchmoi serve` runs, with one option that it does not have: leases of a second, so that what a kill left behind is
 * found soon enough for a test. Takes the arguments that `startBackend` gives; stops at SIGTERM.
 */
import { parseArgs } from "node:util"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { leaseMillisMin } from "../../packages/core/src/engine/EngineOptions.ts"
import * as Backend from "../../packages/sdk/src/daemon/Backend.ts"

const { values } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    cwd: { type: "string", default: "" },
    "data-dir": { type: "string", default: "" },
    port: { type: "string", default: "0" },
    store: { type: "string" },
    concurrency: { type: "string", default: "2" }
  }
})

const backend = Backend.run(
  {
    workspaceRoot: values.cwd,
    dataDir: values["data-dir"],
    store: "sqlite",
    port: Number(values.port),
    env: process.env,
    engine: { concurrency: Number(values.concurrency), leaseMillis: leaseMillisMin }
  },
  ({ url }) => Console.log(url)
)
const terminated = Effect.async<void>((resume) => {
  process.once("SIGTERM", () => resume(Effect.void))
})
await Effect.runPromise(Effect.raceFirst(backend, terminated))
