import { storeContract } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import { open, temporaryFolder } from "./support.ts"

storeContract("the driver on files", {
  make: Effect.flatMap(temporaryFolder, (directory) => open(directory)),
  place: Effect.map(temporaryFolder, (directory) => open(directory))
})

storeContract("the driver on files with segments of 2 KiB", {
  make: Effect.flatMap(temporaryFolder, (directory) => open(directory, { segmentBytesMax: 2_048 })),
  place: Effect.map(temporaryFolder, (directory) => open(directory, { segmentBytesMax: 2_048 }))
})
