/**
 * The git server of `bench/cascade.ts`, in a process of its own so that its work is nobody's time and nobody's memory.
 *
 *   bun bench/cascade/server.ts ROOT LATENCY_MILLIS
 *
 * Prints its address; then answers each line on stdin with the number of requests so far. Ends with stdin.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { makeGitHttpServer } from "../../packages/git/src/testing/GitHttpServer.ts"

const [root = "", latency = "0"] = process.argv.slice(2)

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* makeGitHttpServer({ root })
      server.faults.latencyMillis = Number(latency)
      yield* Console.log(server.url)
      yield* Effect.promise(async () => {
        for await (const _ of console) console.log(server.requests())
      })
    })
  )
)
