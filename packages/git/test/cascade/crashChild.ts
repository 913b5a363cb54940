/** Applies version 1.1.0 to the targets that the argument lists: what crash.test.ts stops hard. */
import * as Effect from "effect/Effect"
import { cascade, configFor, layerWorld } from "./world.ts"

const urls: ReadonlyArray<string> = JSON.parse(process.argv[2] ?? "[]")
await Effect.runPromise(
  Effect.scoped(cascade({ config: configFor(urls, "concurrency = 2"), version: "1.1.0" })).pipe(
    Effect.provide(layerWorld)
  )
)
