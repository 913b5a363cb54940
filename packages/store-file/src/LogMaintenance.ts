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
import { forgetBeyond, forgetProgress } from "./internal/ProjectionFiles.ts"
import { type LogScan, scanLog } from "./internal/segments.ts"
import { removeManifest } from "./internal/snapshotFormat.ts"
import { storing } from "./internal/storing.ts"
import {
  type KnownBeside,
  knownBeside,
  type SnapshotReport,
  verifySnapshot
} from "./internal/verifySnapshot.ts"
import type { ReadableProjection } from "./ReadableProjection.ts"

export type { SnapshotReport } from "./internal/verifySnapshot.ts"

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
  /** The snapshot beside the log; absent when there is none. */
  readonly snapshot: SnapshotReport | undefined
}

/** The first thing that is wrong with a log. */
export interface LogFlaw {
  /**
   * `tornTail`: a commit that was never acknowledged; opening the store cuts it. `damage`: facts that were
   * acknowledged are hurt; the store does not open. `shortened`: the log is whole, but a snapshot or a readable file beside
   * it knows of facts behind its end; the store opens without them.
   */
  readonly kind: "tornTail" | "damage" | "shortened"
  readonly file: string
  /** Number of the line, from 1. */
  readonly line: number
  /** Byte offset of the line. */
  readonly offset: number
  readonly reason: string
}

/** Reads the whole log and the whole snapshot, and tells how they are. Changes nothing, and needs no lock; a writer at work may show as a torn tail. */
export const verify = ({
  directory,
  fileSystem: ops = fileOps
}: LogOptions): Effect.Effect<LogReport, StoreError> =>
  storing("verify the log", () => {
    let commits = 0
    const { log } = layout(directory)
    // Looked at first: a writer at work takes the log on, and never back.
    const snapshot = verifySnapshot(ops, directory)
    const known = knownBeside(ops, directory, snapshot)
    const scan = scanLog(ops, log, {
      onCommit: () => {
        commits += 1
      }
    })
    return {
      segments: scan.segments.length,
      commits,
      facts: scan.head,
      flaw: flawOf(scan) ?? shortened(log, scan, known),
      snapshot
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
    return yield* storing("repair the log", () => {
      // What is cut is cut knowingly: nothing beside the log is to speak of it any more.
      removeManifest(ops, layout(directory).snapshot)
      const scan = scanLog(ops, layout(directory).log)
      const cut = cutLog(ops, directory, scan)
      forgetBeyond(ops, directory, scan.head)
      return cut
    })
  }).pipe(Effect.scoped, Effect.withSpan("LogMaintenance.repair"))

/** What `rebuild` makes anew. */
export interface RebuildOptions extends LogOptions {
  readonly aggregates: ReadonlyArray<AnyAggregate>
  readonly projections: ReadonlyArray<ReadableProjection>
  /** As for the store (`FileStoreOptions`). */
  readonly foldVersion?: string
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
  foldVersion = "",
  fileSystem: ops = fileOps
}: RebuildOptions): Effect.Effect<number, StoreError | StoreLocked | LogDamaged> =>
  Effect.gen(function* () {
    yield* acquireLock(ops, directory)
    const { replica, scan } = yield* openForWriting(ops, {
      directory,
      aggregates,
      foldVersion
    })
    const { last } = scan
    // The readable files must not be ahead of what is on the disk.
    if (last !== undefined) yield* storing("sync the log", () => syncPath(ops, last.path))
    yield* storing("forget the readable files", () => forgetProgress(ops, directory, projections))
    yield* writeProjections(replica, directory, projections)
    return replica.index.head
  }).pipe(Effect.scoped, Effect.withSpan("LogMaintenance.rebuild"))

// --- internal ---

const flawOf = ({ flaw, last, damaged }: LogScan): LogFlaw | undefined =>
  flaw === undefined || last === undefined
    ? undefined
    : { ...flaw, kind: damaged ? "damage" : "tornTail", file: last.path }

/** A log that ends before what the files beside it know of. */
const shortened = (
  log: string,
  { head, last, lines, end }: LogScan,
  known: KnownBeside | undefined
): LogFlaw | undefined =>
  known === undefined || known.position <= head
    ? undefined
    : {
        kind: "shortened",
        file: last?.path ?? log,
        line: lines + 1,
        offset: end,
        reason: `the log ends at position ${head}, and ${known.file} knows of facts up to ${known.position}`
      }
