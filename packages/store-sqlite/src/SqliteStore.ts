/**
 * A store in one SQLite database that the processes of one machine share.
 *
 * 1. Acknowledged means committed: with `synchronous: "full"`, the default, on the disk; with `"normal"` the last
 *    commits may be gone after a power loss, never after the end of a process.
 * 2. Facts and documents are written in one transaction. Commits that wait together share one; one that conflicts fails
 *    alone.
 * 3. What another process commits is seen by every read at once, and by whoever waits within a quarter of a second.
 * 4. A lock that another process holds is waited for; it is an error after a minute.
 *
 * `SqliteMigrations.ts` has the schema, and `docs/reference/store-sqlite.md` all of it.
 */
import type { Driver } from "@patchmoi/core/store/Driver"
import * as Store from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { CommitTables } from "./internal/CommitTables.ts"
import type { Synchronous } from "./internal/Connection.ts"
import { makeCompaction } from "./internal/compaction.ts"
import { driverReads } from "./internal/driverReads.ts"
import { followHead } from "./internal/followHead.ts"
import { makeGroupWriter } from "./internal/GroupWriter.ts"
import { Leases } from "./internal/Leases.ts"
import { Outputs } from "./internal/Outputs.ts"
import { openDatabase } from "./internal/openDatabase.ts"
import { Reads } from "./internal/Reads.ts"
import type { OpenError } from "./SqliteStoreErrors.ts"

/** Which database the store is in, and what an acknowledgement of it is worth. */
export interface SqliteStoreOptions {
  /** The database file; made when it is missing. Its folder has to be there. */
  readonly filename: string
  /**
   * `full`: an acknowledged commit is on the disk. `normal`: it survives the end of the process, and a power loss may
   * take the last ones, but never part of one. Default: `full`.
   */
  readonly synchronous?: Synchronous
  /** Called around each statement that writes. @internal */
  readonly point?: () => void
}

/**
 * Opens the store for writing, until the scope closes. Any number of processes may.
 *
 * - `DatabaseUnavailable`: the folder is missing, the path is a folder, this process may not write it, or another one
 *   holds it for too long.
 * - `NotADatabase`, `ForeignDatabase`: the file is something else. It was not touched.
 * - `DatabaseTooNew`: a newer patchmoi wrote it. It was not touched.
 */
export const make = (options: SqliteStoreOptions): Effect.Effect<Driver, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { filename, synchronous = "full", point } = options
    const connection = yield* openDatabase({ filename, access: "write", synchronous, point })
    const leases = new Leases(connection)
    const outputs = new Outputs(connection)
    const tables = new CommitTables(connection, leases, outputs)
    const reads = new Reads(connection, tables.entries)
    const { awaitBeyond, announce } = yield* followHead(reads)
    const write = yield* makeGroupWriter(connection, synchronous, {
      begin: () => tables.begin(),
      committed: announce,
      rolledBack: () => tables.rolledBack()
    })
    const keep = <A>(operation: string, work: () => A) => write(operation, () => Either.right(work()), "kept")
    const parts = driverReads(reads, outputs, leases)
    return {
      ...parts,
      awaitBeyond,
      compaction: makeCompaction(connection),
      restore: {
        streams: (streams) => write("make streams", () => Either.right(tables.restoreStreams(streams))),
        commit: (commit) => write("write to the log", () => tables.restore(commit))
      },
      commit: (commit) => write("write to the log", () => tables.apply(commit)),
      outputs: {
        ...parts.outputs,
        append: (attemptId, records, drop, fence) =>
          keep("keep output", () => {
            if (fence !== undefined && !leases.isHeld(attemptId, fence)) return false
            outputs.append(attemptId, records, drop)
            return true
          })
      },
      leases: {
        ...parts.leases,
        renew: (attemptId, token, expiresAt, now) =>
          keep("renew a lease", () => leases.renew(attemptId, token, expiresAt, now)),
        setProcess: (attemptId, token, process, now) =>
          keep("keep a process", () => leases.setProcess(attemptId, token, process, now)),
        take: (attemptId, lease, now) => keep("take a lease", () => leases.take(attemptId, lease, now)),
        put: (attemptId, lease) => keep("keep a lease", () => leases.put(attemptId, lease)),
        remove: (attemptId) => keep("remove a lease", () => leases.remove(attemptId))
      }
    } satisfies Driver
  }).pipe(Effect.withSpan("SqliteStore.make"))

/** A store over the database. */
export const layer = (options: SqliteStoreOptions): Layer.Layer<Store.Store, OpenError> =>
  Store.layerDriver(make(options))
