/**
 * Reads a log into a replica: the snapshot, if one fits, and the facts that are newer; without one, all of them. The
 * documents come out of the facts.
 */
import { isDeepStrictEqual } from "node:util"
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import { Projector } from "@patchmoi/core/store/Projector"
import * as Either from "effect/Either"
import type { LogDamaged } from "../FileStoreErrors.ts"
import type { FileSystemOps } from "./fileOps.ts"
import { layout } from "./layout.ts"
import { type IgnoredSnapshot, type OpenedSnapshot, openSnapshot } from "./openSnapshot.ts"
import { Replica } from "./Replica.ts"
import { damageOf, type LogScan, scanLog } from "./segments.ts"
import { foldMark } from "./snapshotFormat.ts"

/** What to open, and what folds it. */
export interface LogSource {
  readonly directory: string
  readonly aggregates: ReadonlyArray<AnyAggregate>
  /** Names the code that folds (`FileStoreOptions.foldVersion`). */
  readonly foldVersion: string
}

/** A log that was read. */
export interface OpenedLog {
  readonly replica: Replica
  readonly scan: LogScan
  /** The fold as far as it went; goes on for whoever follows the log. */
  readonly projector: Projector
  /** Fact type → how many rows of it no schema here could read. */
  readonly unknown: ReadonlyMap<string, number>
  readonly snapshot: SnapshotUse
  /** {@link foldMark} of the aggregates. */
  readonly fold: string
}

/** Whether a snapshot was used, and how many facts were read. */
export interface SnapshotUse {
  /** The position up to which it spared reading the log; 0 without one. */
  readonly position: number
  /** Why the one that was there is not used. */
  readonly ignored: string | undefined
}

/** Reads up to the last whole commit; damage before acknowledged facts is an error. */
export const openLog = (ops: FileSystemOps, source: LogSource): Either.Either<OpenedLog, LogDamaged> => {
  const fold = foldMark(source.aggregates, source.foldVersion)
  const found = openSnapshot(ops, source.directory, fold)
  if (found === undefined || isIgnored(found)) return readLog(ops, source, fold, undefined, found?.reason)
  const opened = readLog(ops, source, fold, found, undefined)
  if (Either.isLeft(opened)) {
    for (const { file } of found.files) ops.close(file)
    return opened
  }
  const { replica } = opened.right
  if (foldsAlike(replica, found, source.aggregates)) return opened
  replica.close()
  return readLog(ops, source, fold, undefined, "its documents are not those that follow from the facts")
}

// --- internal ---

const isIgnored = (found: OpenedSnapshot | IgnoredSnapshot): found is IgnoredSnapshot => "reason" in found

const readLog = (
  ops: FileSystemOps,
  { directory, aggregates }: LogSource,
  fold: string,
  snapshot: OpenedSnapshot | undefined,
  ignored: string | undefined
): Either.Either<OpenedLog, LogDamaged> => {
  const { log } = layout(directory)
  const replica = new Replica(ops, log, snapshot)
  const { tables } = replica
  const projector = new Projector(aggregates, (view, key) => tables.load(view, key, "").value)
  const last = snapshot?.segments.at(-1)
  const known =
    snapshot === undefined || last === undefined
      ? undefined
      : {
          first: last.first,
          end: last.end,
          lines: snapshot.position + 1 - last.first,
          head: snapshot.position
        }
  const visitor = {
    onSegment: ({ first }: { readonly first: number }) => replica.index.openSegment(first),
    onCommit: ({
      rows,
      offsets,
      end
    }: Parameters<NonNullable<Parameters<typeof scanLog>[2]>["onCommit"] & {}>[0]) => {
      for (const row of rows) projector.apply(row)
      replica.add(rows, offsets, end)
    }
  }
  const scan = scanLog(ops, log, visitor, known)
  const damage = damageOf(scan)
  if (damage !== undefined) return Either.left(damage)
  const { documents, unknown } = projector.project()
  for (const document of documents) tables.putDocument(document)
  const counts = new Map(snapshot?.unknown)
  for (const [type, count] of unknown) counts.set(type, (counts.get(type) ?? 0) + count)
  const use = { position: snapshot?.position ?? 0, ignored }
  return Either.right({ replica, scan, projector, unknown: counts, snapshot: use, fold })
}

/** Facts at the end of a snapshot whose streams are folded again. */
const checkedFacts = 8
/** Versions up to which a stream is folded again. */
const checkedVersionMax = 64

/** Whether the documents of the last facts in a snapshot are those that this code folds: a change in it is found early. */
const foldsAlike = (
  replica: Replica,
  { position, files }: OpenedSnapshot,
  aggregates: ReadonlyArray<AnyAggregate>
): boolean => {
  const asWritten = new Replica(replica.ops, replica.directory, {
    files,
    position,
    segments: replica.index.segments
  })
  const positions = Array.from({ length: checkedFacts }, (_, back) => position - back).filter((at) => at > 0)
  const streams = new Set(positions.flatMap((at) => replica.rowAt(at)?.stream ?? []))
  for (const stream of streams) {
    if (asWritten.tables.version(stream) > checkedVersionMax) continue
    const projector = new Projector(aggregates)
    for (const at of asWritten.index.positions(stream, 0, checkedVersionMax)) {
      const row = replica.rowAt(at)
      if (row !== undefined) projector.apply(row)
    }
    const folded = projector.document(stream)
    if (folded === undefined) continue
    const { value } = asWritten.tables.load(folded.view, folded.key, stream)
    if (!isDeepStrictEqual(parsed(value), parsed(folded.value))) return false
  }
  return true
}

const parsed = (value: string | undefined): unknown => (value === undefined ? undefined : JSON.parse(value))
