/** Where the facts lie that are newer than the snapshot: eight bytes for each, and the positions of each stream. */
import type { LogRow } from "@patchmoi/core/store/Log"

/** The positions of a stream, from one version on. */
export interface StreamPositions {
  readonly firstVersion: number
  readonly positions: ReadonlyArray<number>
}

const offsetsAtStart = 1_024

export class LogTail {
  /** The position of the last fact. */
  head: number
  readonly #streams = new Map<string, { readonly firstVersion: number; readonly positions: Array<number> }>()
  #offsets = new Float64Array(offsetsAtStart)

  /** Begins after the fact at this position. */
  constructor(readonly base: number) {
    this.head = base
  }

  /** Takes in the facts of a commit at these offsets of their segment. */
  add(rows: ReadonlyArray<LogRow>, offsets: ReadonlyArray<number>): void {
    this.#makeRoom(this.head - this.base + rows.length)
    rows.forEach(({ position, stream, version }, index) => {
      this.#offsets[position - this.base - 1] = offsets[index] ?? 0
      const known = this.#streams.get(stream)
      if (known === undefined) this.#streams.set(stream, { firstVersion: version, positions: [position] })
      else known.positions.push(position)
    })
    this.head += rows.length
  }

  /** Where a fact of the tail begins in its segment. */
  offset(position: number): number {
    return this.#offsets[position - this.base - 1] ?? 0
  }

  /** The positions of a stream that are in the tail. */
  stream(stream: string): StreamPositions | undefined {
    return this.#streams.get(stream)
  }

  /** Every stream that is in the tail. */
  streams(): Iterable<readonly [string, StreamPositions]> {
    return this.#streams
  }

  #makeRoom(length: number): void {
    if (length <= this.#offsets.length) return
    const larger = new Float64Array(Math.max(length, this.#offsets.length * 2))
    larger.set(this.#offsets)
    this.#offsets = larger
  }
}
