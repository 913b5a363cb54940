/**
 * Documents, indexes and leases in memory: all of the in-memory driver except its log, and the half of the
 * file driver that a log cannot be listed by. Plain and synchronous, so that a change is all or nothing.
 */
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as RedBlackTree from "effect/RedBlackTree"
import { splitStream } from "./Aggregate.ts"
import type {
  DocumentWrite,
  Driver,
  DriverCount,
  DriverForget,
  DriverQuery,
  Fence,
  Lease,
  LeaseWrite,
  ListedDocument,
  LoadedDocument,
  RestoredStream,
  StoredDocument
} from "./Driver.ts"
import { type EncodedFact, VersionConflict } from "./Log.ts"
import { encodePosition } from "./SortKey.ts"

interface StreamState {
  readonly version: number
  /** Position of the first fact. */
  readonly created: number
}

const noStream: StreamState = { version: 0, created: 0 }

interface DocumentState extends StoredDocument {
  readonly sorts: Readonly<Record<string, string>>
}

type Index = RedBlackTree.RedBlackTree<string, string>

/**
 * What a driver knows without a look at its log. The driver sees to the order: ask {@link MemoryTables.conflict} first, then
 * add the facts of a commit, and its documents after them.
 */
export class MemoryTables {
  readonly #leases = new Map<string, Lease>()
  readonly #streams = new Map<string, StreamState>()
  readonly #views = new Map<string, Map<string, DocumentState>>()
  readonly #indexes = new Map<string, Index>()

  /** The first stream that is not at the version that was expected of it. */
  conflict(expected: ReadonlyArray<{ readonly stream: string; readonly version: number }>) {
    for (const { stream, version } of expected) {
      const actual = this.#streams.get(stream)?.version ?? 0
      if (actual !== version) return new VersionConflict({ stream, expected: version, actual })
    }
    return undefined
  }

  /** Takes in facts that hold these positions: `firstPosition` and those that follow it. */
  addFacts(facts: ReadonlyArray<EncodedFact>, firstPosition: number): void {
    facts.forEach((fact, offset) => {
      const created = this.#streams.get(fact.stream)?.created ?? firstPosition + offset
      this.#streams.set(fact.stream, { version: fact.version, created })
    })
  }

  /** Takes in a stream whose first facts are gone. */
  addStream({ stream, version, created }: RestoredStream): void {
    this.#streams.set(stream, { version, created })
  }

  /** The position of the first fact of a stream, also when that is gone; 0 when the stream does not exist. */
  createdOf(stream: string): number {
    return this.#streams.get(stream)?.created ?? 0
  }

  /** Replaces a document and its places in the indexes. Its facts have been added before. */
  putDocument(write: DocumentWrite): void {
    const documents = this.#documentsOf(write.view)
    const before = documents.get(write.key)
    const created = this.#streams.get(write.stream)?.created ?? 0
    const sorts: Record<string, string> = {}
    if (write.value !== undefined) {
      for (const [index, prefix] of Object.entries(write.indexes)) {
        sorts[index] = prefix + encodePosition(created)
      }
    }
    for (const [index, sort] of Object.entries(before?.sorts ?? {})) {
      if (sorts[index] !== sort) this.#updateIndex(write.view, index, RedBlackTree.removeFirst(sort))
    }
    for (const [index, sort] of Object.entries(sorts)) {
      if (before?.sorts[index] !== sort) {
        this.#updateIndex(write.view, index, RedBlackTree.insert(sort, write.key))
      }
    }
    documents.set(write.key, { key: write.key, version: write.version, value: write.value, sorts })
  }

  /** Takes in the leases of a commit. */
  putLeases(writes: ReadonlyArray<LeaseWrite> = []): void {
    for (const { attemptId, lease } of writes) {
      if (lease === undefined) this.#leases.delete(attemptId)
      else this.#leases.set(attemptId, lease)
    }
  }

  /** Takes streams out, and the leases of attempts. */
  forget({ streams, attempts }: DriverForget): void {
    for (const stream of streams) {
      const { name: view, key } = splitStream(stream)
      const documents = this.#documentsOf(view)
      for (const [index, sort] of Object.entries(documents.get(key)?.sorts ?? {})) {
        this.#updateIndex(view, index, RedBlackTree.removeFirst(sort))
      }
      documents.delete(key)
      this.#streams.delete(stream)
    }
    for (const attemptId of attempts) this.#leases.delete(attemptId)
  }

  /** Whether the attempt is held with this token at this time. */
  isHeld(attemptId: string, { token, now }: Fence): boolean {
    const lease = this.#leases.get(attemptId)
    return lease?.token === token && lease.expiresAt > now
  }

  /** The leases of a driver that keeps them here. */
  readonly leases: Driver["leases"] = {
    renew: (attemptId, token, expiresAt, now) =>
      Effect.sync(() => {
        const lease = this.#leases.get(attemptId)
        if (lease === undefined || !this.isHeld(attemptId, { token, now })) return false
        this.#leases.set(attemptId, { ...lease, expiresAt })
        return true
      }),
    take: (attemptId, lease, now) =>
      Effect.sync(() => {
        const held = this.#leases.get(attemptId)
        if (held !== undefined && held.token !== lease.token && held.expiresAt > now) return false
        this.#leases.set(attemptId, lease)
        return true
      }),
    put: (attemptId, lease) => Effect.sync(() => void this.#leases.set(attemptId, lease)),
    get: (attemptId) => Effect.sync(() => this.#leases.get(attemptId)),
    remove: (attemptId) => Effect.sync(() => void this.#leases.delete(attemptId))
  }

  /** As `load` of a driver. */
  load(view: string, key: string, stream: string): LoadedDocument {
    const { version, created } = this.#streams.get(stream) ?? noStream
    return { key, version, created, value: this.#views.get(view)?.get(key)?.value }
  }

  /** As `list` of a driver. */
  list(query: DriverQuery): ReadonlyArray<ListedDocument> {
    const documents = this.#documentsOf(query.view)
    const index = this.#indexes.get(indexName(query.view, query.index))
    const listed: Array<ListedDocument> = []
    if (index === undefined) return listed
    for (const [sort, key] of rangeOf(index, query)) {
      if (listed.length >= query.limit || !sort.startsWith(query.prefix)) break
      const document = documents.get(key)
      if (document?.value !== undefined) {
        listed.push({ key, version: document.version, value: document.value, sort })
      }
    }
    return listed
  }

  /** As `count` of a driver. */
  count(query: DriverCount, max: number): number {
    const index = this.#indexes.get(indexName(query.view, query.index))
    if (index === undefined) return 0
    if (query.prefix === "") return Math.min(max, RedBlackTree.size(index))
    let counted = 0
    for (const [sort] of RedBlackTree.greaterThanEqual(index, query.prefix)) {
      if (counted >= max || !sort.startsWith(query.prefix)) break
      counted += 1
    }
    return counted
  }

  #documentsOf(view: string): Map<string, DocumentState> {
    const found = this.#views.get(view)
    if (found !== undefined) return found
    const made = new Map<string, DocumentState>()
    this.#views.set(view, made)
    return made
  }

  #updateIndex(view: string, index: string, change: (tree: Index) => Index): void {
    const name = indexName(view, index)
    this.#indexes.set(name, change(this.#indexes.get(name) ?? RedBlackTree.empty(Order.string)))
  }
}

// --- internal ---

const indexName = (view: string, index: string): string => `${view}/${index}`

const rangeOf = (index: Index, { order, prefix, after }: DriverQuery): Iterable<[string, string]> => {
  if (order === "ascending") {
    return after === undefined
      ? RedBlackTree.greaterThanEqual(index, prefix)
      : RedBlackTree.greaterThan(index, after)
  }
  const before = after ?? successor(prefix)
  return before === "" ? RedBlackTree.reversed(index) : RedBlackTree.lessThanReversed(index, before)
}

/** The first string after all that begin with the prefix; "" for the prefix "", which everything begins with. */
const successor = (prefix: string): string =>
  // The last character of an encoded prefix is U+0001 or a digit, so there is a next one.
  prefix === "" ? "" : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
