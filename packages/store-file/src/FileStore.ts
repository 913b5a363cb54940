/**
 * A store of JSON lines in one folder, for one daemon: greppable, without a database.
 *
 *     log/00000000000000000001.jsonl   the log in segments, each named by the position of its first fact
 *     log/cut/                         what a repair cut off
 *     lock/                            who writes
 *     snapshot/                        documents, indexes and places of facts up to some position, made from the log
 *     outputs/<attempt>/               output of attempts
 *     projections.json, *.jsonl        files for people (`ReadableProjection.ts`) and how far they are
 *
 * 1. Acknowledged means that the facts are on the disk: the file, and the folder where a file is new.
 * 2. The log is the truth. Documents and indexes come out of it; a snapshot keeps them, and only what is newer is read from
 *    the log when the store is opened. A snapshot that does not fit is not used.
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
import type { SnapshotUse } from "./internal/openLog.ts"
import type { Replica } from "./internal/Replica.ts"
import { storing } from "./internal/storing.ts"
import { writeSnapshots } from "./internal/writeSnapshots.ts"
import type { ReadableProjection } from "./ReadableProjection.ts"

/** Bytes after which the log goes on in a new segment, unless the store says otherwise: 64 MiB. */
export const segmentBytesMaxDefault = 64 * 1_048_576

/** Facts after which a snapshot is taken, unless the store says otherwise. */
export const snapshotFactsDefault = 20_000

/**
 * Where a store is and what its facts belong to. The rest has defaults: which files people find beside the log, how long its
 * segments grow, and how much of it is read when the store is opened.
 */
export interface FileStoreOptions {
  /** The folder of the store; made when it is missing. */
  readonly directory: string
  /** Everything whose facts may be in the log: their documents are rebuilt from it. */
  readonly aggregates: ReadonlyArray<AnyAggregate>
  /** Files for people and scripts. Default: none. */
  readonly projections?: ReadonlyArray<ReadableProjection>
  /** Bytes after which the log goes on in a new segment. Default: 64 MiB. */
  readonly segmentBytesMax?: number
  /** Facts after which a snapshot is taken, so that opening reads no more of the log than that. Default: 20,000. */
  readonly snapshotFacts?: number
  /**
   * Names the code that folds the documents: a snapshot of another one is not used. Default: none, and then a snapshot
   * is known by the functions of the aggregates alone, not by those that they call.
   */
  readonly foldVersion?: string
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
  /**
   * Fact type → how many facts of it no schema here reads. They are kept. Counted are those that were read when the store
   * was opened, now or before its snapshot was taken.
   */
  readonly unknown: ReadonlyMap<string, number>
  readonly snapshot: SnapshotUse
}

/** Whether a snapshot spared reading the log. */
export type { SnapshotUse } from "./internal/openLog.ts"

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
    const opened = yield* openForWriting(ops, {
      directory,
      aggregates: options.aggregates,
      foldVersion: options.foldVersion ?? ""
    })
    const { replica, scan, cut, unknown, snapshot, fold } = opened
    const end = { name: scan.last?.name, bytes: scan.end }
    const log = yield* Effect.acquireRelease(
      storing(
        "open the log",
        () => new LogFile(ops, layout(directory).log, options.segmentBytesMax ?? segmentBytesMaxDefault, end)
      ),
      (file) => Effect.sync(() => file.close())
    )
    yield* followProjections(replica, directory, options.projections ?? [])
    const factsMax = options.snapshotFacts ?? snapshotFactsDefault
    const keptUp = yield* writeSnapshots(replica, { directory, fold, factsMax, unknown })
    const commit = yield* makeGroupWriter(log, replica, keptUp)
    return {
      ...driverParts(ops, directory, replica),
      commit,
      report: { head: replica.index.head, cut, tookOver, unknown, snapshot }
    }
  }).pipe(Effect.withSpan("FileStore.make"))

/** A store over the folder. */
export const layer = (
  options: FileStoreOptions
): Layer.Layer<Store.Store, StoreError | StoreLocked | LogDamaged> => Store.layerDriver(make(options))

// --- internal ---

const driverParts = (ops: FileSystemOps, directory: string, replica: Replica): Omit<Driver, "commit"> => ({
  kind: "file",
  load: (view, key, stream) => storing("read a document", () => replica.tables.load(view, key, stream)),
  loadNow: (view, key, stream) => replica.tables.loadNow(view, key, stream),
  list: (query) => storing("list documents", () => replica.tables.list(query)),
  count: (query, max) => storing("count documents", () => replica.tables.count(query, max)),
  readAfter: replica.readAfter,
  readStream: replica.readStream,
  head: Effect.sync(() => replica.index.head),
  awaitBeyond: replica.awaitBeyond,
  outputs: makeOutputs(ops, layout(directory).outputs, replica.leases),
  leases: replica.leases.leases
})
