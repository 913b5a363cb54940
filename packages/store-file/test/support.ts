/** Folders, segments and samples for the tests of the file store. */
import * as fs from "node:fs"
import * as os from "node:os"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type FileDriver, type FileStoreOptions, make } from "../src/FileStore.ts"
import { type FileSystemOps, fileOps } from "../src/internal/fileOps.ts"

/** A folder that is gone when the scope closes. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(`${os.tmpdir()}/store-file-`)),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** Opens a store for the aggregate of the contract; whatever stands in the way is a defect. */
export const open = (
  directory: string,
  options: Partial<FileStoreOptions> = {}
): Effect.Effect<FileDriver, never, Scope.Scope> =>
  Effect.orDie(make({ directory, aggregates: storeContractAggregates, ...options }))

/** The segments of a store, in order. */
export const segmentsOf = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(`${directory}/log`)
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .map((name) => `${directory}/log/${name}`)

/** A commit of the next facts of one stream. */
export const commitOf = (stream: string, version: number, count = 1, size = 10) => ({
  expected: [{ stream, version: version - 1 }],
  facts: Array.from({ length: count }, (_, index) => ({
    stream,
    version: version + index,
    at: 1_760_000_000_000,
    type: "Credited",
    data: JSON.stringify({ amount: version + index, note: "n".repeat(size) })
  })),
  documents: []
})

/** Waits until the condition holds, at most five seconds. */
export const eventually = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() =>
    condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), eventually(condition))
  ).pipe(
    Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => new Error("it did not come true") }),
    Effect.orDie
  )

/** File operations that do not wait for the disk, for tests that open a store hundreds of times. */
export const unsyncedOps: FileSystemOps = {
  ...fileOps,
  sync: () => undefined,
  syncLater: () => Promise.resolve(),
  syncDirectory: () => undefined
}
