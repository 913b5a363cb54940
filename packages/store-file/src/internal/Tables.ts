/**
 * Streams, documents and indexes: what a log cannot be listed by. What is older than the snapshot is read from its files
 * when it is asked for. Plain and synchronous, so that a change is all or nothing.
 */
import type {
  DocumentWrite,
  DriverCount,
  DriverQuery,
  ListedDocument,
  LoadedDocument
} from "@patchmoi/core/store/Driver"
import type { EncodedFact } from "@patchmoi/core/store/Log"
import { encodePosition } from "@patchmoi/core/store/SortKey"
import type { LayeredTable } from "./LayeredTable.ts"
import { documentKey, indexStart, streamKey } from "./tableKeys.ts"

/** How a stream is kept. */
interface StreamState {
  readonly version: number
  /** Position of the first fact. */
  readonly created: number
}

/** How a document is kept. */
interface DocumentState {
  readonly version: number
  readonly value?: string
  /** Index name → sort key. */
  readonly sorts: Readonly<Record<string, string>>
}

const noStream: StreamState = { version: 0, created: 0 }

export class Tables {
  constructor(readonly table: LayeredTable) {}

  /** The version of a stream; 0 when it does not exist. */
  version(stream: string): number {
    return this.#stream(stream)?.version ?? 0
  }

  /** Takes in facts that hold these positions: `firstPosition` and those that follow it. */
  addFacts(facts: ReadonlyArray<EncodedFact>, firstPosition: number): void {
    facts.forEach(({ stream, version }, offset) => {
      const created = this.#stream(stream)?.created ?? firstPosition + offset
      this.table.set(streamKey(stream), { version, created } satisfies StreamState)
    })
  }

  /** Replaces a document and its places in the indexes. Its facts have been added before. */
  putDocument({ view, key, stream, version, value, indexes }: DocumentWrite): void {
    const before = this.#document(view, key)?.sorts ?? {}
    const created = encodePosition(this.#stream(stream)?.created ?? 0)
    const sorts: Record<string, string> = {}
    if (value !== undefined) {
      for (const [index, prefix] of Object.entries(indexes)) sorts[index] = prefix + created
    }
    for (const [index, sort] of Object.entries(before)) {
      if (sorts[index] !== sort) this.table.set(indexStart(view, index) + sort, null, true)
    }
    for (const [index, sort] of Object.entries(sorts)) {
      if (before[index] !== sort) this.table.set(indexStart(view, index) + sort, key, true)
    }
    const state: DocumentState = { version, sorts, ...(value === undefined ? {} : { value }) }
    this.table.set(documentKey(view, key), state)
  }

  /** The same, or undefined where the files cannot be read: `load` then says why. */
  loadNow(view: string, key: string, stream: string): LoadedDocument | undefined {
    try {
      return this.load(view, key, stream)
    } catch {
      return undefined
    }
  }

  load(view: string, key: string, stream: string): LoadedDocument {
    const { version, created } = this.#stream(stream) ?? noStream
    return { key, version, created, value: this.#document(view, key)?.value }
  }

  list({ view, index, prefix, order, after, limit }: DriverQuery): ReadonlyArray<ListedDocument> {
    const start = indexStart(view, index)
    const entries =
      order === "ascending"
        ? this.table.ascending(after === undefined ? start + prefix : `${start}${after}\0`)
        : this.table.descending(after === undefined ? successor(start + prefix) : start + after)
    const listed: Array<ListedDocument> = []
    if (limit <= 0) return listed
    for (const [name, key] of entries) {
      if (!name.startsWith(start + prefix) || typeof key !== "string") break
      const document = this.#document(view, key)
      if (document?.value === undefined) continue
      const { version, value } = document
      listed.push({ key, version, value, sort: name.slice(start.length) })
      if (listed.length >= limit) break
    }
    return listed
  }

  /** Every document of a view, as JSON. */
  *values(view: string): Generator<string> {
    let after: string | undefined
    do {
      const page = this.list({
        view,
        index: "all",
        prefix: "",
        order: "ascending",
        limit: pageDocuments,
        ...(after === undefined ? {} : { after })
      })
      for (const { value } of page) yield value
      after = page.length < pageDocuments ? undefined : page.at(-1)?.sort
    } while (after !== undefined)
  }

  count({ view, index, prefix }: DriverCount, max: number): number {
    const start = indexStart(view, index) + prefix
    let counted = 0
    if (max <= 0) return 0
    for (const [name] of this.table.ascending(start)) {
      if (!name.startsWith(start)) break
      counted += 1
      if (counted >= max) break
    }
    return counted
  }

  // Only what this class has set lies under these keys; the files are guarded by their checksums.
  #stream(stream: string): StreamState | undefined {
    return this.table.get(streamKey(stream)) as StreamState | undefined
  }

  #document(view: string, key: string): DocumentState | undefined {
    return this.table.get(documentKey(view, key)) as DocumentState | undefined
  }
}

// --- internal ---

/** Documents that are listed at a time. */
const pageDocuments = 256

/** The first string after all that begin with this one. */
const successor = (prefix: string): string =>
  // The last character is U+0000 of the key, or of an encoded prefix: never the last one that there is.
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
