/**
 * What a process knows of the log: its index, its newest rows, the documents, and who waits for more.
 * Rows come in here only when they are part of the log for good.
 */
import type { Driver } from "@patchmoi/core/store/Driver"
import { Head } from "@patchmoi/core/store/Head"
import type { LogRow } from "@patchmoi/core/store/Log"
import { MemoryTables } from "@patchmoi/core/store/MemoryTables"
import type { FileSystemOps } from "./fileOps.ts"
import { LayeredTable } from "./LayeredTable.ts"
import { LogIndex, type Segment } from "./LogIndex.ts"
import { decodeLine, newline } from "./lineFormat.ts"
import { RecentRows } from "./RecentRows.ts"
import type { SortedFile } from "./sortedFile.ts"
import { storing } from "./storing.ts"
import { Tables } from "./Tables.ts"

/** Most bytes of the log that one read takes, unless a single fact is longer. */
const readBytesMax = 4 * 1_048_576

/** What a replica begins with: the files of a snapshot, and where the log was when it was taken. */
export interface ReplicaStart {
  readonly files: ReadonlyArray<SortedFile>
  readonly position: number
  readonly segments: ReadonlyArray<Segment>
}

export class Replica {
  readonly table: LayeredTable
  readonly index: LogIndex
  readonly tables: Tables
  /** In memory only: a new writer starts with none. */
  readonly leases = new MemoryTables()
  readonly #recent = new RecentRows()
  readonly #head = new Head(() => this.index.head)

  constructor(
    readonly ops: FileSystemOps,
    /** The folder of the segments. */
    readonly directory: string,
    { files, position, segments }: ReplicaStart = { files: [], position: 0, segments: [] }
  ) {
    this.table = new LayeredTable(files)
    this.index = new LogIndex(this.table, position, segments)
    this.tables = new Tables(this.table)
  }

  /** Takes in a commit that lies at these offsets of the last segment. */
  add(rows: ReadonlyArray<LogRow>, offsets: ReadonlyArray<number>, end: number): void {
    this.tables.addFacts(rows, this.index.head + 1)
    this.index.add(rows, offsets, end)
    for (const row of rows) this.#recent.push(row)
  }

  /** Lets go of the files of the snapshot. */
  close(): void {
    for (const { file } of this.table.files) this.ops.close(file)
  }

  /** Wakes those who wait for a position that is there now. */
  announce(): void {
    this.#head.announce()
  }

  readonly awaitBeyond: Driver["awaitBeyond"] = (position) => this.#head.awaitBeyond(position)

  readonly readAfter: Driver["readAfter"] = (position, limit) =>
    storing("read the log", () => {
      const from = Math.max(0, Math.floor(position))
      const recent = this.#recent.after(from, limit)
      if (recent !== undefined) return recent
      const rows: Array<LogRow> = []
      const last = Math.min(this.index.head, from + limit)
      for (let next = from + 1; next <= last; ) {
        const read = this.#read(next, last)
        rows.push(...read)
        next += read.length
      }
      return rows
    })

  readonly readStream: Driver["readStream"] = (stream, afterVersion, limit) =>
    storing("read the log", () =>
      this.index.positions(stream, afterVersion, limit).flatMap((position) => this.rowAt(position) ?? [])
    )

  /** The row at this position; undefined when the log does not reach it. */
  rowAt(position: number): LogRow | undefined {
    if (position < 1 || position > this.index.head) return undefined
    return (this.#recent.after(position - 1, 1) ?? this.#read(position, position))[0]
  }

  /** The rows of a row's stream that are before it, in order. */
  *before({ stream, version }: LogRow): Generator<LogRow> {
    for (const position of this.index.positions(stream, 0, version - 1)) {
      const row = this.rowAt(position)
      if (row !== undefined) yield row
    }
  }

  /** Rows from the disk: at least the first one. */
  #read(first: number, last: number): ReadonlyArray<LogRow> {
    const range = this.index.range(first, last, readBytesMax)
    if (range === undefined) throw new Error(`position ${first} is not in the log`)
    const path = `${this.directory}/${range.name}`
    const bytes = this.ops.read(path, range.offset, range.bytes)
    const rows: Array<LogRow> = []
    let { first: position } = range
    for (let offset = 0; offset < bytes.length; ) {
      const end = bytes.indexOf(newline, offset)
      const line = end < 0 ? "the line has no end" : decodeLine(bytes.subarray(offset, end))
      if (typeof line === "string" || line.row.position !== position) {
        const reason = typeof line === "string" ? line : `position ${line.row.position} lies there`
        throw new Error(
          `${path} (byte ${range.offset + offset}): ${reason} where position ${position} was; ` +
            "look with `patchmoi log verify`"
        )
      }
      if (position >= first && position <= last) rows.push(line.row)
      position += 1
      offset = end + 1
    }
    if (rows.length === 0)
      throw new Error(`${path} ends before position ${first}; look with \`patchmoi log verify\``)
    return rows
  }
}
