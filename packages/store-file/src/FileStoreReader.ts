/**
 * Reads a store while another process writes into it, or none.
 *
 * 1. What is seen is a prefix of the log, whole commits only. It may be ahead of the acknowledgement by the time of one sync.
 * 2. New facts are looked for by the size of the log, at every call and every {@link followTime} while one waits.
 * 3. Nothing is locked, repaired or written.
 */
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import type { Driver } from "@patchmoi/core/store/Driver"
import { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LogDamaged } from "./FileStoreErrors.ts"
import { type FileSystemOps, fileOps } from "./internal/fileOps.ts"
import { LogFollower } from "./internal/LogFollower.ts"
import { layout } from "./internal/layout.ts"
import { makeOutputs } from "./internal/OutputFiles.ts"
import { openLog } from "./internal/openLog.ts"
import { storing } from "./internal/storing.ts"

/** How often a reader that waits looks for new facts. */
export const followTime = "50 millis"

/**
 * Which store is read. With other aggregates or another `foldVersion` than those of the writer its snapshot is not used, and
 * opening reads the whole log.
 */
export interface FileStoreReaderOptions {
  /** The folder of the store. One that is not there reads as empty. */
  readonly directory: string
  /** Everything whose facts may be in the log. */
  readonly aggregates: ReadonlyArray<AnyAggregate>
  /** As for the writer (`FileStoreOptions`). */
  readonly foldVersion?: string
  /** The file operations. Default: those of the machine. @internal */
  readonly fileSystem?: FileSystemOps
}

/**
 * Opens the store for reading, until the scope closes; `commit` and whatever else writes fails with `StoreError`.
 *
 * - `LogDamaged`: facts that were acknowledged are damaged.
 * - `StoreError`: the disk refused, or, in later calls, the log became shorter: open it again.
 */
export const openReadOnly = (
  options: FileStoreReaderOptions
): Effect.Effect<Driver, StoreError | LogDamaged, Scope.Scope> =>
  Effect.gen(function* () {
    const ops = options.fileSystem ?? fileOps
    const { directory, aggregates, foldVersion = "" } = options
    const opened = yield* Effect.acquireRelease(
      Effect.flatten(storing("read the log", () => openLog(ops, { directory, aggregates, foldVersion }))),
      ({ replica }) => Effect.sync(() => replica.close())
    )
    const { replica } = opened
    const follower = new LogFollower(opened)
    const refresh = storing("read the log", () => follower.refresh())
    const reading = <A>(read: () => A) => Effect.zipRight(refresh, storing("read the snapshot", read))
    const outputs = makeOutputs(ops, layout(directory).outputs, replica.leases)
    const awaitBeyond: Driver["awaitBeyond"] = (position) =>
      Effect.zipRight(
        refresh,
        Effect.suspend(() =>
          replica.index.head > position
            ? Effect.void
            : Effect.zipRight(Effect.sleep(followTime), awaitBeyond(position))
        )
      )
    return {
      kind: "file",
      commit: () => readOnly("write to the log"),
      load: (view, key, stream) => reading(() => replica.tables.load(view, key, stream)),
      list: (query) => reading(() => replica.tables.list(query)),
      count: (query, max) => reading(() => replica.tables.count(query, max)),
      readAfter: (position, limit) => Effect.zipRight(refresh, replica.readAfter(position, limit)),
      readStream: (stream, afterVersion, limit) =>
        Effect.zipRight(refresh, replica.readStream(stream, afterVersion, limit)),
      head: Effect.map(refresh, () => replica.index.head),
      awaitBeyond,
      outputs: { read: outputs.read, append: () => readOnly("keep output") },
      leases: {
        visible: false,
        renew: () => readOnly("renew a lease"),
        take: () => readOnly("take a lease"),
        put: () => readOnly("keep a lease"),
        get: () => Effect.succeed(undefined),
        remove: () => readOnly("remove a lease")
      }
    } satisfies Driver
  }).pipe(Effect.withSpan("FileStoreReader.openReadOnly"))

// --- internal ---

const readOnly = (operation: string): Effect.Effect<never, StoreError> =>
  new StoreError({
    operation,
    reason: "it was opened for reading only; open it for writing with FileStore.make"
  })
