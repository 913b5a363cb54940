/**
 * A table of keys in order, of which only the newest part is in memory: files that were written once, and above them what
 * has changed since. The newest layer that knows a key counts.
 */
import * as Order from "effect/Order"
import * as RedBlackTree from "effect/RedBlackTree"
import type { Entry, SortedFile, Value } from "./sortedFile.ts"

/** What has changed since the files were written. */
export class MemoryLayer {
  readonly #values = new Map<string, Value>()
  #ordered: RedBlackTree.RedBlackTree<string, Value> = RedBlackTree.empty(Order.string)

  get size(): number {
    return this.#values.size
  }

  /** Null when the key is gone, undefined when this layer does not know it. */
  get(key: string): Value {
    return this.#values.get(key)
  }

  /** `isListed` says that the key takes part in scans. */
  set(key: string, value: Value, isListed: boolean): void {
    if (isListed) {
      const others = this.#values.has(key) ? RedBlackTree.removeFirst(this.#ordered, key) : this.#ordered
      this.#ordered = RedBlackTree.insert(others, key, value)
    }
    this.#values.set(key, value)
  }

  ascending(from: string): Iterable<Entry> {
    return RedBlackTree.greaterThanEqual(this.#ordered, from)
  }

  descending(before: string): Iterable<Entry> {
    return RedBlackTree.lessThanReversed(this.#ordered, before)
  }

  /** Every entry, and these of other keys, in the order of the keys. */
  *sorted(others: ReadonlyMap<string, Value>): Generator<Entry> {
    // Without a comparison of its own, sorting compares code units too, and is several times faster.
    for (const key of [...this.#values.keys(), ...others.keys()].sort()) {
      yield [key, this.#values.has(key) ? this.#values.get(key) : others.get(key)]
    }
  }
}

export class LayeredTable {
  #active = new MemoryLayer()
  #frozen: MemoryLayer | undefined
  /** The oldest first. */
  #files: ReadonlyArray<SortedFile>

  constructor(files: ReadonlyArray<SortedFile> = []) {
    this.#files = files
  }

  /** The files under the memory, the oldest first. */
  get files(): ReadonlyArray<SortedFile> {
    return this.#files
  }

  /** What a key holds; undefined when there is none. */
  get(key: string): Value {
    let value = this.#active.get(key)
    if (value === undefined) value = this.#frozen?.get(key)
    for (let at = this.#files.length - 1; value === undefined && at >= 0; at--) {
      value = this.#files[at]?.get(key)
    }
    return value ?? undefined
  }

  /** Null removes the key. `isListed`: keys that `ascending` and `descending` are to find before they are in a file. */
  set(key: string, value: Value, isListed = false): void {
    this.#active.set(key, value, isListed)
  }

  /** Entries from this key on. */
  ascending(from: string): Iterable<Entry> {
    return present(
      mergeLayers(
        [...this.#memory(), ...this.#newestFiles()].map((layer) => layer.ascending(from)),
        1
      )
    )
  }

  /** Entries before this key, the last one first. */
  descending(before: string): Iterable<Entry> {
    return present(
      mergeLayers(
        [...this.#memory(), ...this.#newestFiles()].map((layer) => layer.descending(before)),
        -1
      )
    )
  }

  /** Sets what is in memory aside, as it is now, to be written into a file; gives it. What is set from now on lies above it. */
  freeze(): MemoryLayer {
    const frozen = this.#active
    this.#frozen = frozen
    this.#active = new MemoryLayer()
    return frozen
  }

  /** These files hold what was set aside, too. */
  filed(files: ReadonlyArray<SortedFile>): void {
    this.#files = files
    this.#frozen = undefined
  }

  #memory(): ReadonlyArray<MemoryLayer> {
    return this.#frozen === undefined ? [this.#active] : [this.#active, this.#frozen]
  }

  #newestFiles(): ReadonlyArray<SortedFile> {
    return this.#files.toReversed()
  }
}

/** One run of entries out of several in the same order, the newest first: of one key only the newest entry comes out. */
export function* mergeLayers(layers: ReadonlyArray<Iterable<Entry>>, direction: 1 | -1): Generator<Entry> {
  const iterators = layers.map((layer) => layer[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  while (true) {
    let first: Entry | undefined
    for (const head of heads) {
      if (head.done === true) continue
      if (first === undefined || (direction > 0 ? head.value[0] < first[0] : head.value[0] > first[0])) {
        first = head.value
      }
    }
    if (first === undefined) return
    const [key] = first
    yield first
    for (const [at, head] of heads.entries()) {
      const iterator = iterators[at]
      if (head.done !== true && head.value[0] === key && iterator !== undefined) heads[at] = iterator.next()
    }
  }
}

// --- internal ---

function* present(entries: Iterable<Entry>): Generator<Entry> {
  for (const entry of entries) if (entry[1] !== null) yield entry
}
