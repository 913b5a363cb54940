/** Folders and stores for the tests of the SQLite store. */
import * as fs from "node:fs"
import * as os from "node:os"
import type { Driver, DriverCommit } from "@patchmoi/core/store/Driver"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { make, type SqliteStoreOptions } from "../src/SqliteStore.ts"

/** A folder that is gone when the scope closes. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(`${os.tmpdir()}/store-sqlite-`)),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** The name of a database that does not exist yet, in a folder that is gone when the scope closes. */
export const temporaryFile: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  temporaryFolder,
  (directory) => `${directory}/patchmoi.db`
)

/** Opens a store; whatever stands in the way is a defect. */
export const open = (
  filename: string,
  options: Omit<SqliteStoreOptions, "filename"> = {}
): Effect.Effect<Driver, never, Scope.Scope> => Effect.orDie(make({ filename, ...options }))

/** A commit of the next facts of one stream. */
export const commitOf = (stream: string, version: number, count = 1, size = 10): DriverCommit => ({
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
