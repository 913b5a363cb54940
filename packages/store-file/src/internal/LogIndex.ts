/** Where each fact of the log lies: eight bytes for each in memory, and the positions of each stream. */
import type { LogRow } from "@patchmoi/core/store/Log"
import { segmentName } from "./layout.ts"

/** A stretch of one file. */
export interface FileRange {
  /** The name of the segment. */
  readonly name: string
  readonly offset: number
  readonly bytes: number
  /** The position of the first fact in the stretch. */
  readonly first: number
  /** The position of the last one. */
  readonly last: number
}

interface Segment {
  readonly first: number
  /** The byte after its last fact. */
  end: number
}

const offsetsAtStart = 1_024

export class LogIndex {
  /** The position of the last fact. */
  head = 0
  readonly #segments: Array<Segment> = []
  readonly #streams = new Map<string, Array<number>>()
  #offsets = new Float64Array(offsetsAtStart)

  /** Goes on in a new segment, whose first fact is the next one. */
  openSegment(first: number): void {
    this.#segments.push({ first, end: 0 })
  }

  /** Takes in the facts of a commit at these offsets of the last segment, which then ends at `end`. */
  add(rows: ReadonlyArray<LogRow>, offsets: ReadonlyArray<number>, end: number): void {
    this.#makeRoom(this.head + rows.length)
    rows.forEach(({ position, stream }, index) => {
      this.#offsets[position - 1] = offsets[index] ?? 0
      const positions = this.#streams.get(stream)
      if (positions === undefined) this.#streams.set(stream, [position])
      else positions.push(position)
    })
    this.head += rows.length
    const segment = this.#segments.at(-1)
    if (segment !== undefined) segment.end = end
  }

  /** The version of a stream; 0 when it does not exist. */
  version(stream: string): number {
    return this.#streams.get(stream)?.length ?? 0
  }

  /** The positions of at most `limit` facts of a stream after this version. */
  positions(stream: string, afterVersion: number, limit: number): ReadonlyArray<number> {
    const from = Math.max(0, afterVersion)
    return this.#streams.get(stream)?.slice(from, from + Math.max(0, limit)) ?? []
  }

  /** The stretch of one file that holds the facts from `first` on, to `last` or as far as one read may go. */
  range(first: number, last: number, bytesMax: number): FileRange | undefined {
    const at = this.#segmentOf(first)
    const segment = this.#segments[at]
    if (segment === undefined || first > this.head || last < first) return undefined
    const next = this.#segments[at + 1]?.first ?? this.head + 1
    const offset = this.#offset(first)
    let end = Math.min(last, next - 1, this.head)
    const endOffset = () => (end + 1 < next ? this.#offset(end + 1) : segment.end)
    while (end > first && endOffset() - offset > bytesMax) end = first + Math.floor((end - first) / 2)
    return { name: segmentName(segment.first), offset, bytes: endOffset() - offset, first, last: end }
  }

  #offset(position: number): number {
    return this.#offsets[position - 1] ?? 0
  }

  /** The last segment that begins at or before this position, by halving. */
  #segmentOf(position: number): number {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#segments[middle]?.first ?? 0) <= position) low = middle
      else high = middle - 1
    }
    return low
  }

  #makeRoom(length: number): void {
    if (length <= this.#offsets.length) return
    const larger = new Float64Array(Math.max(length, this.#offsets.length * 2))
    larger.set(this.#offsets)
    this.#offsets = larger
  }
}
