/** What an operator does with a log that is not open: look whether it is whole, cut what is not, make the readable files anew. */
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import type { LogDamaged, StoreLocked } from "./FileStoreErrors.ts"
import { acquireLock, openForWriting } from "./internal/acquireWriter.ts"
import { type Cut, cutLog, syncPath } from "./internal/cutLog.ts"
import { type FileSystemOps, fileOps } from "./internal/fileOps.ts"
import { writeProjections } from "./internal/followProjections.ts"
import { layout } from "./internal/layout.ts"
import { forgetProgress } from "./internal/ProjectionFiles.ts"
import { scanLog } from "./internal/segments.ts"
import { storing } from "./internal/storing.ts"
import type { ReadableProjection } from "./ReadableProjection.ts"

/** Which store. */
export interface LogOptions {
  readonly directory: string
  /** The file operations. Default: those of the machine. @internal */
  readonly fileSystem?: FileSystemOps
}

/** How a log is. */
export interface LogReport {
  readonly segments: number
  readonly commits: number
  /** Facts in whole commits, which is the position of the last one. */
  readonly facts: number
  /** What is wrong first; absent when the log is whole. */
  readonly flaw: LogFlaw | undefined
}

/** The first thing that is wrong with a log. */
export interface LogFlaw {
  /**
   * `tornTail`: a commit that was never acknowledged; opening the store cuts it. `damage`: facts that were
   * acknowledged are hurt; the store does not open.
   */
  readonly kind: "tornTail" | "damage"
  readonly file: string
  /** Number of the line, from 1. */
  readonly line: number
  /** Byte offset of the line. */
  readonly offset: number
  readonly reason: string
}

/** Reads the whole log and tells how it is. Changes nothing, and needs no lock; a writer at work may show as a torn tail. */
export const verify = ({
  directory,
  fileSystem: ops = fileOps
}: LogOptions): Effect.Effect<LogReport, StoreError> =>
  storing("verify the log", () => {
    let commits = 0
    const { segments, head, last, flaw, damaged } = scanLog(ops, layout(directory).log, {
      onCommit: () => {
        commits += 1
      }
    })
    return {
      segments: segments.length,
      commits,
      facts: head,
      flaw:
        flaw === undefined || last === undefined
          ? undefined
          : { ...flaw, kind: damaged ? ("damage" as const) : ("tornTail" as const), file: last.path }
    }
  }).pipe(Effect.withSpan("LogMaintenance.verify"))

/**
 * Cuts the log after its last whole commit before the first flaw; gives what was cut, or undefined when the log is
 * whole. Everything that is cut is kept in `log/cut`: after damage that includes whole, acknowledged commits behind
 * it, as a log has no holes.
 *
 * - `StoreLocked`: a process writes into the store; stop it first.
 */
export const repair = ({
  directory,
  fileSystem: ops = fileOps
}: LogOptions): Effect.Effect<Cut | undefined, StoreError | StoreLocked> =>
  Effect.gen(function* () {
    yield* acquireLock(ops, directory)
    return yield* storing("repair the log", () => cutLog(ops, directory, scanLog(ops, layout(directory).log)))
  }).pipe(Effect.scoped, Effect.withSpan("LogMaintenance.repair"))

/** What `rebuild` makes anew. */
export interface RebuildOptions extends LogOptions {
  readonly aggregates: ReadonlyArray<AnyAggregate>
  readonly projections: ReadonlyArray<ReadableProjection>
}

/**
 * Deletes the readable files and makes them anew from the log; gives the position that they show.
 *
 * - `StoreLocked`: a process writes into the store; stop it first.
 * - `LogDamaged`: the log has to be repaired first.
 */
export const rebuild = ({
  directory,
  aggregates,
  projections,
  fileSystem: ops = fileOps
}: RebuildOptions): Effect.Effect<number, StoreError | StoreLocked | LogDamaged> =>
  Effect.gen(function* () {
    yield* acquireLock(ops, directory)
    const { replica, scan } = yield* openForWriting(ops, directory, aggregates)
    const { last } = scan
    // The readable files must not be ahead of what is on the disk.
    if (last !== undefined) yield* storing("sync the log", () => syncPath(ops, last.path))
    yield* storing("forget the readable files", () => forgetProgress(ops, directory, projections))
    yield* writeProjections(replica, directory, projections)
    return replica.index.head
  }).pipe(Effect.scoped, Effect.withSpan("LogMaintenance.rebuild"))
