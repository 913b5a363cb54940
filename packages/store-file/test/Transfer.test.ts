import { make as makeMemory } from "@patchmoi/core/store/DriverMemory"
import { transferContract } from "@patchmoi/core/testing/TransferContract"
import * as Effect from "effect/Effect"
import { open, temporaryFolder, unsyncedOps } from "./support.ts"

const inFolder = Effect.flatMap(temporaryFolder, (directory) =>
  open(directory, { fileSystem: unsyncedOps, segmentBytesMax: 50_000 })
)

transferContract("memory to file", { from: makeMemory, to: inFolder })
transferContract("file to memory", { from: inFolder, to: makeMemory })
transferContract("file to file", { from: inFolder, to: inFolder })
