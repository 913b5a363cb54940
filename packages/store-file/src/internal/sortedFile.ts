/**
 * A file of entries in the order of their keys, written once and never changed:
 *
 *     block* , each `[["key",value],…]` as JSON, about 4 KiB
 *
 * 1. Blocks of level 0 hold the entries. A block of a higher level holds, for each block below it, its first key and where
 *    it lies: `[level, offset, bytes, crc]`. The place of the topmost block is kept by whoever wrote the file.
 * 2. `crc` is the CRC-32 of the block. A block that does not match is never used.
 * 3. Keys compare by UTF-16 code units, as strings do here. A value of null says that the key is gone.
 */
import { crc32 } from "node:zlib"
import * as Schema from "effect/Schema"
import type { FileSystemOps } from "./fileOps.ts"

/** What a key holds: JSON, null for one that is gone. */
export type Value = unknown

/** A key and what it holds. */
export type Entry = readonly [key: string, value: Value]

/** Where a block lies. */
export const BlockPlace = Schema.Tuple(Schema.Int, Schema.Int, Schema.Int, Schema.Int)
export type BlockPlace = typeof BlockPlace.Type

/** Characters after which a block ends. */
const blockLength = 4_096

/** Blocks of one file that are kept in memory; those that were used longest ago are let go. */
const blocksKeptMax = 1_024

/** Writes entries that come in the order of their keys, each key once. */
export class SortedWriter {
  /** Entries that were added. */
  count = 0
  /** Bytes that were written. */
  bytes = 0
  readonly #levels: Array<{ first: string; texts: Array<string>; length: number }> = []
  #top: BlockPlace | undefined

  constructor(readonly write: (bytes: Uint8Array) => void) {}

  add(key: string, value: Value): void {
    this.count += 1
    this.#put(0, key, value)
  }

  /** Writes what is left; gives the place of the topmost block, or undefined when nothing was added. */
  finish(): BlockPlace | undefined {
    for (let level = 0; level < this.#levels.length; level++) {
      const isTop = level > 0 && level === this.#levels.length - 1
      if (isTop && this.#levels[level]?.texts.length === 1) break
      this.#flush(level)
    }
    return this.#top
  }

  #put(level: number, key: string, value: Value): void {
    let block = this.#levels[level]
    if (block === undefined) {
      block = { first: key, texts: [], length: 0 }
      this.#levels[level] = block
    }
    if (block.texts.length === 0) block.first = key
    const text = JSON.stringify([key, value])
    block.texts.push(text)
    block.length += text.length
    // A block above others has two entries at least, so that there are fewer on each level.
    if (block.length >= blockLength && (level === 0 || block.texts.length > 1)) this.#flush(level)
  }

  #flush(level: number): void {
    const block = this.#levels[level]
    if (block === undefined || block.texts.length === 0) return
    const bytes = Buffer.from(`[${block.texts.join(",")}]\n`)
    const place: BlockPlace = [level, this.bytes, bytes.length, crc32(bytes)]
    this.write(bytes)
    this.bytes += bytes.length
    block.texts = []
    block.length = 0
    this.#top = place
    this.#put(level + 1, block.first, place)
  }
}

/** Reads a file that {@link SortedWriter} wrote. */
export class SortedFile {
  readonly #blocks = new Map<number, Block>()

  constructor(
    readonly ops: FileSystemOps,
    readonly path: string,
    /** The open file. */
    readonly file: number,
    readonly top: BlockPlace,
    /** Entries in the file. */
    readonly count: number
  ) {}

  /** What the key holds: null when it is gone, undefined when the file does not know it. */
  get(key: string): Value {
    let place = this.top
    while (true) {
      const { entries, places } = this.#block(place)
      const at = lastUpTo(entries, key)
      const below = places[at]
      if (below === undefined) return entries[at]?.[0] === key ? entries[at]?.[1] : undefined
      place = below[1]
    }
  }

  /** Entries from this key on. */
  ascending(from: string): Generator<Entry> {
    return this.#ascending(this.top, from)
  }

  /** Entries before this key, the last one first; all of them for undefined. */
  descending(before: string | undefined): Generator<Entry> {
    return this.#descending(this.top, before)
  }

  /** Reads every block, and gives how many entries there are. Throws at one that is damaged. */
  check(): number {
    let count = 0
    let last: string | undefined
    for (const [key] of this.ascending("")) {
      if (last !== undefined && key <= last) throw new Error(`${this.path}: its keys are not in order`)
      last = key
      count += 1
    }
    return count
  }

  *#ascending(place: BlockPlace, from: string): Generator<Entry> {
    const { entries, places } = this.#block(place)
    for (let at = Math.max(0, lastUpTo(entries, from)); at < entries.length; at++) {
      const below = places[at]
      const entry = entries[at]
      if (below !== undefined) yield* this.#ascending(below[1], from)
      else if (entry !== undefined && entry[0] >= from) yield entry
    }
  }

  *#descending(place: BlockPlace, before: string | undefined): Generator<Entry> {
    const { entries, places } = this.#block(place)
    for (let at = before === undefined ? entries.length - 1 : lastUpTo(entries, before); at >= 0; at--) {
      const below = places[at]
      const entry = entries[at]
      if (below !== undefined) yield* this.#descending(below[1], before)
      else if (entry !== undefined && (before === undefined || entry[0] < before)) yield entry
    }
  }

  #block(place: BlockPlace): Block {
    const [level, offset, length, crc] = place
    const known = this.#blocks.get(offset)
    if (known !== undefined) {
      this.#blocks.delete(offset)
      this.#blocks.set(offset, known)
      return known
    }
    const bytes = this.ops.readOpen(this.file, offset, length)
    if (bytes.length !== length || crc32(bytes) !== crc) {
      throw new Error(
        `${this.path} is damaged (byte ${offset}). It is made from the log: remove it, and open the store again`
      )
    }
    const text = bytes.toString("utf8")
    const block: Block = { entries: JSON.parse(text), places: level === 0 ? [] : JSON.parse(text) }
    this.#blocks.set(offset, block)
    const oldest = this.#blocks.keys().next().value
    if (this.#blocks.size > blocksKeptMax && oldest !== undefined) this.#blocks.delete(oldest)
    return block
  }
}

// --- internal ---

/** A block as it was read; one above others has their places. */
interface Block {
  readonly entries: ReadonlyArray<Entry>
  readonly places: ReadonlyArray<readonly [first: string, place: BlockPlace]>
}

/** The index of the last entry whose key is not behind this one; -1 when there is none. */
const lastUpTo = (entries: ReadonlyArray<Entry>, key: string): number => {
  let low = -1
  let high = entries.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((entries[middle]?.[0] ?? "") <= key) low = middle
    else high = middle - 1
  }
  return low
}
