/** Reads the whole log into a replica: the documents come out of the facts each time a store is opened. */
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import { Projector } from "@patchmoi/core/store/Projector"
import * as Either from "effect/Either"
import type { LogDamaged } from "../FileStoreErrors.ts"
import type { FileSystemOps } from "./fileOps.ts"
import { layout } from "./layout.ts"
import { Replica } from "./Replica.ts"
import { damageOf, type LogScan, scanLog } from "./segments.ts"

/** A log that was read. */
export interface OpenedLog {
  readonly replica: Replica
  readonly scan: LogScan
  /** The fold as far as it went; goes on for whoever follows the log. */
  readonly projector: Projector
  /** Fact type → how many rows of it no schema here could read. */
  readonly unknown: ReadonlyMap<string, number>
}

/** Reads up to the last whole commit; damage before acknowledged facts is an error. */
export const openLog = (
  ops: FileSystemOps,
  directory: string,
  aggregates: ReadonlyArray<AnyAggregate>
): Either.Either<OpenedLog, LogDamaged> => {
  const { log } = layout(directory)
  const replica = new Replica(ops, log)
  const projector = new Projector(aggregates)
  const scan = scanLog(ops, log, {
    onSegment: ({ first }) => replica.index.openSegment(first),
    onCommit: ({ rows, offsets, end }) => {
      for (const row of rows) projector.apply(row)
      replica.add(rows, offsets, end)
    }
  })
  const damage = damageOf(scan)
  if (damage !== undefined) return Either.left(damage)
  const { documents, unknown } = projector.project()
  for (const document of documents) replica.tables.putDocument(document)
  return Either.right({ replica, scan, projector, unknown })
}
