import { storeContract } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import { open, temporaryFile } from "./support.ts"

for (const synchronous of ["full", "normal"] as const) {
  storeContract(`the SQLite driver, synchronous ${synchronous},`, {
    make: Effect.flatMap(temporaryFile, (filename) => open(filename, { synchronous })),
    place: Effect.map(temporaryFile, (filename) => open(filename, { synchronous }))
  })
}
