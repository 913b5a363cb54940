/** One look at a whole database, stream by stream, at one moment of it. Memory holds one stream at a time. */
import { type AnyAggregate, splitStream } from "@patchmoi/core/store/Aggregate"
import { Projector } from "@patchmoi/core/store/Projector"
import { encodePosition } from "@patchmoi/core/store/SortKey"
import type { Connection, Row } from "./Connection.ts"
import { Entries, type Sorts } from "./Entries.ts"
import { Reads } from "./Reads.ts"
import { fromText, toText } from "./text.ts"

/** Facts of a stream that are read at a time. */
const factsAtOnce = 1_000

export class Verification {
  readonly #reads: Reads
  readonly #streams
  readonly #entry
  readonly #flaws: Array<string> = []
  #after = 0
  #seen = 0
  #facts = 0
  #documents = 0
  #entries = 0

  constructor(
    readonly connection: Connection,
    readonly aggregates: ReadonlyArray<AnyAggregate>,
    readonly flawsMax: number
  ) {
    this.#reads = new Reads(connection, new Entries(connection))
    this.#streams = connection.prepare(
      "SELECT id, name, version, document, sorts FROM streams WHERE id > ? ORDER BY id LIMIT ?"
    )
    this.#entry = connection.prepare(
      `SELECT stream FROM entries
WHERE index_id = (SELECT id FROM indexes WHERE view = ? AND name = ?) AND sort = ?`
    )
  }

  /** Holds the moment that is looked at, and has SQLite look at the file. */
  begin(): void {
    this.connection.run("BEGIN")
    const integrity = this.connection.scalar(`PRAGMA integrity_check(${this.flawsMax})`)
    if (integrity !== "ok") this.#flaw(`the file: ${String(integrity)}`)
    const dangling = this.connection.scalar("SELECT count(*) FROM pragma_foreign_key_check")
    if (dangling !== 0) this.#flaw(`${String(dangling)} rows refer to rows that are not there`)
  }

  /** Looks at the next streams; false when there are no more. */
  step(streams: number): boolean {
    const rows = this.#streams.values(this.#after, streams)
    for (const row of rows) this.#look(row)
    return rows.length === streams
  }

  end() {
    const facts = Number(this.connection.scalar("SELECT count(*) FROM facts"))
    if (facts !== this.#facts) this.#flaw(`${facts - this.#facts} facts belong to no stream`)
    const entries = Number(this.connection.scalar("SELECT count(*) FROM entries"))
    if (entries !== this.#entries) {
      this.#flaw(`the lists have ${entries} places, and the documents ask for ${this.#entries}`)
    }
    this.connection.run("COMMIT")
    return { facts, streams: this.#seen, documents: this.#documents, flaws: this.#flaws }
  }

  #flaw(text: string): void {
    if (this.#flaws.length < this.flawsMax) this.#flaws.push(text)
  }

  #look([id, name, version, document, sorts]: Row): void {
    const stream = fromText(String(name))
    this.#after = Number(id)
    this.#seen += 1
    if (document !== null) this.#documents += 1
    const projector = new Projector(this.aggregates)
    let last: number | undefined
    let page = this.#reads.readStream(stream, 0, factsAtOnce)
    while (page.length > 0) {
      for (const row of page) {
        // Where history was compacted the first fact that is left has a later version, and stands for those before it.
        if (last !== undefined && row.version !== last + 1) {
          this.#flaw(`${stream}: version ${row.version} follows version ${last}`)
        }
        last = row.version
        this.#facts += 1
        projector.apply(row)
      }
      page = this.#reads.readStream(stream, last ?? 0, factsAtOnce)
    }
    if (last !== version)
      this.#flaw(`${stream}: is at version ${Number(version)}, and its last fact at ${last ?? 0}`)
    const stored = readSorts(String(sorts))
    if (stored === undefined) {
      this.#flaw(`${stream}: what it is listed by is damaged`)
      return
    }
    this.#lookAtDocument(stream, projector, document, stored)
    this.#lookAtEntries(stream, Number(id), stored)
  }

  #lookAtDocument(stream: string, projector: Projector, document: unknown, stored: Sorts): void {
    const folded = projector.document(stream)
    // Facts of an aggregate that nobody here knows make no document to compare with.
    if (folded === undefined) return
    if (!sameJson(folded.value, typeof document === "string" ? document : undefined)) {
      this.#flaw(`${stream}: the document is not what its facts lead to`)
    }
    const wanted = folded.value === undefined ? {} : folded.indexes
    if (!sameJson(JSON.stringify(sorted(wanted)), JSON.stringify(sorted(stored)))) {
      this.#flaw(`${stream}: is listed otherwise than its document asks for`)
    }
  }

  #lookAtEntries(stream: string, id: number, sorts: Sorts): void {
    const view = splitStream(stream).name
    for (const [name, sort] of Object.entries(sorts)) {
      this.#entries += 1
      const found = this.#entry.values(view, name, toText(sort + encodePosition(id)))[0]?.[0]
      if (found !== id) this.#flaw(`${stream}: is missing in the list ${name}`)
    }
  }
}

// --- internal ---

const sorted = (sorts: Sorts): ReadonlyArray<readonly [string, string]> =>
  Object.entries(sorts).toSorted(([left], [right]) => (left < right ? -1 : 1))

/** Undefined for what is no JSON. */
const readSorts = (text: string): Sorts | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether two texts are the same JSON, whatever the order of keys. A text that is no JSON is the same as no other. */
const sameJson = (left: string | undefined, right: string | undefined): boolean => {
  if (left === right || left === undefined || right === undefined) return left === right
  try {
    return Bun.deepEquals(JSON.parse(left), JSON.parse(right))
  } catch {
    return false
  }
}
