/** `bun src/main.ts --workspace . --sources feed-sources.json --data-dir data`: feeds and back-end in one process. */
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { executorKindOf, FeedHttp, Flow, layerLocal, WatchService } from "@patchmoi/sdk/effect"
import { serve } from "@patchmoi/sdk/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"

const { values } = parseArgs({
  options: {
    workspace: { type: "string", default: "." },
    sources: { type: "string", default: "feed-sources.json" },
    "data-dir": { type: "string", default: "data" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "7345" },
    executor: { type: "string", default: "bun" }
  }
})
const refuse = (problem: string): never => {
  console.error(problem)
  process.exit(2)
}
const executor = executorKindOf(values.executor) ?? refuse("--executor must be bun or systemd-run")
const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : refuse("--port must be a number")
const secret = process.env["CODEX_FLOW_BACKEND_SECRET"]
// The names that the sources file gives to secrets; no step sees them, whatever its manifest asks for.
const secrets: Array<string> = []

const backend = Layer.merge(
  layerLocal({
    workspaceRoot: resolve(values.workspace),
    state: { kind: "sqlite", dataDir: resolve(values["data-dir"]), access: "write" },
    environment: { mode: "service", values: process.env, secrets },
    executor,
    engine: { launchedBy: "our-daemon" }
  }),
  FeedHttp.layer()
)

const program = Effect.gen(function* () {
  const feeds = yield* WatchService.make({
    sourcesFile: resolve(values.sources),
    onSecretNames: (names) => void secrets.push(...names)
  })
  const address = {
    host: values.host,
    port,
    ...(secret === undefined ? {} : { secret })
  }
  const { url } = yield* serve(yield* Flow, address)
  yield* Effect.logInfo(`listening on ${url}`)
  return yield* feeds.follow(({ sourceId, outcome }) => Effect.logInfo(`${sourceId}: ${outcome}`))
}).pipe(Effect.scoped, Effect.provide(backend))

// An interruption stops the server first, then drains the engine, then closes the record.
const running = Effect.runFork(program)
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => Effect.runFork(Fiber.interrupt(running)))
}
running.addObserver((exit) => {
  const isStopped = Exit.isSuccess(exit) || Exit.isInterrupted(exit)
  if (!isStopped)
    console.error(
      Cause.prettyErrors(exit.cause)
        .map(({ message }) => message)
        .join("\n")
    )
  process.exit(isStopped ? 0 : 1)
})
