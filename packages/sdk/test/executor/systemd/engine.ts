/** Runs one step through the systemd executor until somebody ends it: `engine.ts <script> <cwd>`. Prints the identity and what the step prints. */
import { makeInvocation } from "@patchmoi/core/testing/ExecutorContractRun"
import * as Effect from "effect/Effect"
import { make } from "../../../src/executor/SystemdExecutor.ts"

const [script = "", cwd = ""] = process.argv.slice(2)

await Effect.runPromise(
  Effect.gen(function* () {
    const executor = yield* make({ environment: { mode: "inherit", values: process.env, secrets: [] } })
    return yield* executor.execute(makeInvocation({ script, cwd }), {
      onStarted: (identity) => Effect.sync(() => console.log(`process ${JSON.stringify(identity)}`)),
      onOutput: ({ text }) => Effect.sync(() => process.stdout.write(text))
    })
  })
)
