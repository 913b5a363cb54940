/**
 * Reads a store beside the processes that write it, or when there is none. Nothing in the database is changed.
 *
 * A folder in which this process may not write can be read only while a writer has the database open, as readers share
 * its `-shm` file.
 */
import type { Driver } from "@patchmoi/core/store/Driver"
import { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { driverReads } from "./internal/driverReads.ts"
import { Entries } from "./internal/Entries.ts"
import { followHead } from "./internal/followHead.ts"
import { Leases } from "./internal/Leases.ts"
import { Outputs } from "./internal/Outputs.ts"
import { openDatabase } from "./internal/openDatabase.ts"
import { Reads } from "./internal/Reads.ts"
import type { OpenError } from "./SqliteStoreErrors.ts"

/** Which database is read. A reader makes nothing: a file that is missing is `DatabaseUnavailable`. */
export interface SqliteStoreReaderOptions {
  /** The database file. It has to exist. */
  readonly filename: string
}

/**
 * Opens the store for reading, until the scope closes; `commit` and whatever else writes fails with `StoreError`.
 *
 * - `DatabaseUnavailable`: there is no such file, this process may not read it, or its schema is older than this code
 *   reads.
 * - `NotADatabase`, `ForeignDatabase`, `DatabaseTooNew`: as for writing.
 */
export const openReadOnly = ({
  filename
}: SqliteStoreReaderOptions): Effect.Effect<Driver, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* openDatabase({ filename, access: "read", synchronous: "full" })
    const reads = new Reads(connection, new Entries(connection))
    const { awaitBeyond } = yield* followHead(reads)
    const parts = driverReads(reads, new Outputs(connection), new Leases(connection))
    return {
      ...parts,
      awaitBeyond,
      commit: () => readOnly("write to the log"),
      outputs: { ...parts.outputs, append: () => readOnly("keep output") },
      leases: {
        ...parts.leases,
        renew: () => readOnly("renew a lease"),
        take: () => readOnly("take a lease"),
        put: () => readOnly("keep a lease"),
        remove: () => readOnly("remove a lease")
      }
    } satisfies Driver
  }).pipe(Effect.withSpan("SqliteStoreReader.openReadOnly"))

// --- internal ---

const readOnly = (operation: string): Effect.Effect<never, StoreError> =>
  new StoreError({
    operation,
    reason: "it was opened for reading only; open it for writing with SqliteStore.make"
  })
