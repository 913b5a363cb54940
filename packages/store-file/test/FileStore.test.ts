import { storeContract } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import type { FileStoreOptions } from "../src/FileStore.ts"
import { open, temporaryFolder } from "./support.ts"

const contract = (name: string, options: Partial<FileStoreOptions>): void =>
  storeContract(name, {
    make: Effect.flatMap(temporaryFolder, (directory) => open(directory, options)),
    place: Effect.map(temporaryFolder, (directory) => open(directory, options))
  })

contract("the driver on files", {})
contract("the driver on files with segments of 2 KiB", { segmentBytesMax: 2_048 })
contract("the driver on files with a snapshot after every 3 facts", {
  segmentBytesMax: 2_048,
  snapshotFacts: 3
})
