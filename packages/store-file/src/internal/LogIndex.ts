/**
 * Where each fact of the log lies. Of facts behind the snapshot, each thirty-second has an entry in the table, and the
 * positions of a stream are read from there; the newer ones are in memory (`LogTail.ts`).
 */
import type { LogRow } from "@patchmoi/core/store/Log"
import type { LayeredTable } from "./LayeredTable.ts"
import { LogTail } from "./LogTail.ts"
import { segmentName } from "./layout.ts"
import type { Entry, Value } from "./sortedFile.ts"
import { offsetKey, positionOf, positionsKey, positionsStart } from "./tableKeys.ts"

/** A stretch of one file. */
export interface FileRange {
  /** The name of the segment. */
  readonly name: string
  readonly offset: number
  readonly bytes: number
  /** The position of the first fact in the stretch; may be before the one that was asked for. */
  readonly first: number
}

/** A segment of the log. */
export interface Segment {
  /** The position of its first fact. */
  readonly first: number
  /** The byte after its last fact. */
  end: number
}

/** Facts behind the snapshot for which one has an entry. */
const entryEvery = 32

export class LogIndex {
  readonly segments: Array<Segment>
  #frozen: LogTail | undefined
  #tail: LogTail

  /** Begins with the segments and the last position of a snapshot, or with nothing. */
  constructor(
    readonly table: LayeredTable,
    base = 0,
    segments: ReadonlyArray<Segment> = []
  ) {
    this.#tail = new LogTail(base)
    this.segments = segments.map((segment) => ({ ...segment }))
  }

  /** The position of the last fact. */
  get head(): number {
    return this.#tail.head
  }

  /** The position of the last fact whose place is in files, not in memory. */
  get base(): number {
    return (this.#frozen ?? this.#tail).base
  }

  /** Goes on in a new segment, whose first fact is the next one. */
  openSegment(first: number): void {
    this.segments.push({ first, end: 0 })
  }

  /** Takes in the facts of a commit at these offsets of the last segment, which then ends at `end`. */
  add(rows: ReadonlyArray<LogRow>, offsets: ReadonlyArray<number>, end: number): void {
    this.#tail.add(rows, offsets)
    const segment = this.segments.at(-1)
    if (segment !== undefined) segment.end = end
  }

  /** The positions of at most `limit` facts of a stream after this version. */
  positions(stream: string, afterVersion: number, limit: number): ReadonlyArray<number> {
    const found: Array<number> = []
    const take = (firstVersion: number, positions: ReadonlyArray<number>): void => {
      const from = Math.max(0, afterVersion + 1 - firstVersion)
      found.push(...positions.slice(from, from + Math.max(0, limit - found.length)))
    }
    for (const [key, positions] of this.#filed(stream, afterVersion + 1)) {
      if (found.length >= limit) break
      take(Number(key.slice(positionsStart(stream).length)), positions as ReadonlyArray<number>)
    }
    for (const tail of [this.#frozen, this.#tail]) {
      const known = tail?.stream(stream)
      if (known !== undefined && found.length < limit) take(known.firstVersion, known.positions)
    }
    return found
  }

  /** The stretch of one file that holds the fact at `first`, and as many up to `last` as one read may take. */
  range(first: number, last: number, bytesMax: number): FileRange | undefined {
    const at = this.#segmentOf(first)
    const segment = this.segments[at]
    if (segment === undefined || first > this.head || last < first) return undefined
    const before = (this.segments[at + 1]?.first ?? this.head + 1) - 1
    return first <= this.base
      ? this.#filedRange(segment, first, Math.min(last, before, this.base), bytesMax)
      : this.#tailRange(segment, first, Math.min(last, before), bytesMax)
  }

  /** Sets the tail aside as it is now; gives it with the entries that take its place in files. */
  freeze(): { readonly head: number; readonly entries: () => ReadonlyMap<string, Value> } {
    const tail = this.#tail
    const segments = this.segments.map(({ first }) => first)
    this.#frozen = tail
    this.#tail = new LogTail(tail.head)
    return { head: tail.head, entries: () => entriesOf(tail, segments) }
  }

  /** The tail that was set aside is in the files of the table. */
  filed(): void {
    this.#frozen = undefined
  }

  *#filed(stream: string, version: number): Generator<Entry> {
    const start = positionsStart(stream)
    if (this.base === 0) return
    const [floor] = this.table.descending(positionsKey(stream, version + 1))
    const from = floor?.[0].startsWith(start) === true ? floor[0] : start
    for (const entry of this.table.ascending(from)) {
      if (!entry[0].startsWith(start)) return
      yield entry
    }
  }

  #tailRange(segment: Segment, first: number, last: number, bytesMax: number): FileRange {
    const next = this.segments[this.#segmentOf(first) + 1]?.first ?? this.head + 1
    const offset = this.#offset(first)
    let end = last
    const endOffset = () => (end + 1 < next ? this.#offset(end + 1) : segment.end)
    while (end > first && endOffset() - offset > bytesMax) end = first + Math.floor((end - first) / 2)
    return { name: segmentName(segment.first), offset, bytes: endOffset() - offset, first }
  }

  /** From the entry at or before `first` to one behind `last`, or as far as a read may go, but at least to the next one. */
  #filedRange(segment: Segment, first: number, last: number, bytesMax: number): FileRange {
    const [floor] = this.table.descending(offsetKey(first + 1))
    const floorPosition = Math.max(segment.first, positionOf(floor?.[0] ?? "") ?? 0)
    const offset = floorPosition === segment.first ? 0 : Number(floor?.[1] ?? 0)
    let end: number | undefined
    for (const [position, next] of this.#filedOffsets(segment, first)) {
      if (end !== undefined && next - offset > bytesMax) break
      end = next
      if (position > last) break
    }
    return { name: segmentName(segment.first), offset, bytes: (end ?? offset) - offset, first: floorPosition }
  }

  /** Positions after this one with their offsets, where they are known, and at last the end of what files know of the segment. */
  *#filedOffsets(segment: Segment, after: number): Generator<readonly [position: number, offset: number]> {
    for (const [key, value] of this.table.ascending(offsetKey(after + 1))) {
      const position = positionOf(key)
      // The first fact of the next segment has the offset 0.
      if (position === undefined || value === 0) break
      yield [position, Number(value)]
    }
    const isCut = this.base < this.head && this.segments[this.#segmentOf(this.base + 1)] === segment
    yield [Number.POSITIVE_INFINITY, isCut ? this.#offset(this.base + 1) : segment.end]
  }

  #offset(position: number): number {
    const tail = position > this.#tail.base ? this.#tail : (this.#frozen ?? this.#tail)
    return tail.offset(position)
  }

  /** The last segment that begins at or before this position, by halving. */
  #segmentOf(position: number): number {
    let low = 0
    let high = this.segments.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.segments[middle]?.first ?? 0) <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}

// --- internal ---

const entriesOf = (tail: LogTail, segments: ReadonlyArray<number>): ReadonlyMap<string, Value> => {
  const entries = new Map<string, Value>()
  const starts = new Set(segments)
  for (let position = tail.base + 1; position <= tail.head; position++) {
    if (position % entryEvery === 0 || starts.has(position)) {
      entries.set(offsetKey(position), tail.offset(position))
    }
  }
  for (const [stream, { firstVersion, positions }] of tail.streams()) {
    entries.set(positionsKey(stream, firstVersion), positions)
  }
  return entries
}
