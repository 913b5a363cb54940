/**
 * A store of JSON lines in one folder, for one daemon: greppable, without a database.
 *
 *     log/00000000000000000001.jsonl   the log in segments, each named by the position of its first fact
 *     log/cut/                         what a repair cut off
 *     lock/                            who writes
 *     outputs/<attempt>/               output of attempts
 *     projections.json, *.jsonl        files for people (`ReadableProjection.ts`) and how far they are
 *
 * 1. Acknowledged means that the facts are on the disk: the file, and the folder where a file is new.
 * 2. The log is the truth. Documents and indexes are in memory and come out of the log when the store is opened.
 * 3. One process writes. Others read with `FileStoreReader.ts` meanwhile.
 * 4. Leases are in memory: a new writer starts with none, as the engine that held them is gone.
 *
 * `internal/lineFormat.ts` says what a line looks like, and `docs/reference/store-file.md` all of it.
 */
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import type { Driver } from "@patchmoi/core/store/Driver"
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { LockOwner, LogDamaged, StoreLocked } from "./FileStoreErrors.ts"
import { acquireLock, openForWriting } from "./internal/acquireWriter.ts"
import type { Cut } from "./internal/cutLog.ts"
import { type FileSystemOps, fileOps } from "./internal/fileOps.ts"
import { followProjections } from "./internal/followProjections.ts"
import { makeGroupWriter } from "./internal/GroupWriter.ts"
import { LogFile } from "./internal/LogFile.ts"
import { layout } from "./internal/layout.ts"
import { makeOutputs } from "./internal/OutputFiles.ts"
import type { Replica } from "./internal/Replica.ts"
import { storing } from "./internal/storing.ts"
import type { ReadableProjection } from "./ReadableProjection.ts"

/** Bytes after which the log goes on in a new segment, unless the store says otherwise: 64 MiB. */
export const segmentBytesMaxDefault = 64 * 1_048_576

export interface FileStoreOptions {
  /** The folder of the store; made when it is missing. */
  readonly directory: string
  /** Everything whose facts may be in the log: their documents are rebuilt from it. */
  readonly aggregates: ReadonlyArray<AnyAggregate>
  /** Files for people and scripts. Default: none. */
  readonly projections?: ReadonlyArray<ReadableProjection>
  /** Bytes after which the log goes on in a new segment. Default: 64 MiB. */
  readonly segmentBytesMax?: number
  /** The file operations. Default: those of the machine. @internal */
  readonly fileSystem?: FileSystemOps
}

/** What opening found. */
export interface OpenReport {
  /** The position of the last fact. */
  readonly head: number
  /** The torn tail that was cut off. Nothing in it was ever acknowledged. */
  readonly cut: Cut | undefined
  /** A writer that went without giving the lock back. */
  readonly tookOver: LockOwner | undefined
  /** Fact type → how many facts of it no schema here reads. They are kept. */
  readonly unknown: ReadonlyMap<string, number>
}

/** The driver, with what opening found. */
export interface FileDriver extends Driver {
  readonly report: OpenReport
}

/**
 * Opens the store for writing, until the scope closes.
 *
 * - `StoreLocked`: another process writes into it.
 * - `LogDamaged`: facts that were acknowledged are damaged. Nothing was changed.
 * - `StoreError`: the disk refused.
 *
 * A torn tail is not an error: it is cut off, kept in `log/cut`, and reported.
 */
export const make = (
  options: FileStoreOptions
): Effect.Effect<FileDriver, StoreError | StoreLocked | LogDamaged, Scope.Scope> =>
  Effect.gen(function* () {
    const ops = options.fileSystem ?? fileOps
    const { directory } = options
    const tookOver = yield* acquireLock(ops, directory)
    const { replica, scan, cut, unknown } = yield* openForWriting(ops, directory, options.aggregates)
    const end = { name: scan.last?.name, bytes: scan.end }
    const log = yield* Effect.acquireRelease(
      storing(
        "open the log",
        () => new LogFile(ops, layout(directory).log, options.segmentBytesMax ?? segmentBytesMaxDefault, end)
      ),
      (file) => Effect.sync(() => file.close())
    )
    yield* followProjections(replica, directory, options.projections ?? [])
    const commit = yield* makeGroupWriter(log, replica)
    return {
      ...driverParts(ops, directory, replica),
      commit,
      report: { head: replica.index.head, cut, tookOver, unknown }
    }
  }).pipe(Effect.withSpan("FileStore.make"))

/** A store over the folder. */
export const layer = (
  options: FileStoreOptions
): Layer.Layer<Store.Store, StoreError | StoreLocked | LogDamaged> => Store.layerDriver(make(options))

// --- internal ---

const driverParts = (ops: FileSystemOps, directory: string, replica: Replica): Omit<Driver, "commit"> => ({
  kind: "file",
  load: (view, key, stream) => Effect.sync(() => replica.tables.load(view, key, stream)),
  loadNow: (view, key, stream) => replica.tables.load(view, key, stream),
  list: (query) => Effect.sync(() => replica.tables.list(query)),
  count: (query, max) => Effect.sync(() => replica.tables.count(query, max)),
  readAfter: replica.readAfter,
  readStream: replica.readStream,
  head: Effect.sync(() => replica.index.head),
  awaitBeyond: replica.awaitBeyond,
  outputs: makeOutputs(ops, layout(directory).outputs, replica.tables),
  leases: replica.tables.leases
})
