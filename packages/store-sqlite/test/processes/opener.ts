/** Opens a store and prints what stood in the way. Argument: the file. */
import * as Effect from "effect/Effect"
import { make } from "../../src/SqliteStore.ts"

await Effect.runPromise(
  Effect.scoped(make({ filename: process.argv[2] ?? "" })).pipe(
    Effect.match({
      onSuccess: () => "opened",
      onFailure: (error) => `${error._tag} ${error._tag === "DatabaseUnavailable" ? error.reason : ""}`
    }),
    Effect.map((line) => console.log(line))
  )
)
