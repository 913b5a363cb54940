/** What documents are listed by: the entries of the indexes, and their names. */
import type { DriverCount, DriverQuery } from "@patchmoi/core/store/Driver"
import { encodePosition } from "@patchmoi/core/store/SortKey"
import type { Connection, Row } from "./Connection.ts"
import { textMax, toText } from "./text.ts"

/** Index name → sort prefix, of one document. */
export type Sorts = Readonly<Record<string, string>>

export class Entries {
  /** View → index name → id. */
  readonly #ids = new Map<string, Map<string, number>>()
  readonly #findIndex
  readonly #addIndex
  readonly #add
  readonly #remove
  readonly #ascending
  readonly #descending
  readonly #count

  constructor(connection: Connection) {
    this.#findIndex = connection.prepare("SELECT id FROM indexes WHERE view = ? AND name = ?")
    this.#addIndex = connection.prepare("INSERT INTO indexes (view, name) VALUES (?, ?) RETURNING id")
    this.#add = connection.prepare("INSERT INTO entries (index_id, sort, stream) VALUES (?, ?, ?)")
    this.#remove = connection.prepare("DELETE FROM entries WHERE index_id = ? AND sort = ?")
    // The join has the entries outside: the planner must not begin with the streams.
    const range = `SELECT entries.sort, streams.name, streams.version, streams.document
FROM entries CROSS JOIN streams ON streams.id = entries.stream
WHERE entries.index_id = ? AND entries.sort > ? AND entries.sort < ? ORDER BY entries.sort`
    this.#ascending = connection.prepare(`${range} LIMIT ?`)
    this.#descending = connection.prepare(`${range} DESC LIMIT ?`)
    this.#count = connection.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM entries WHERE index_id = ? AND sort > ? AND sort < ? LIMIT ?)"
    )
  }

  /** Moves a document from where it was listed to where it is to be listed. Entries that stay are not touched. */
  move(view: string, stream: number, before: Sorts, after: Sorts): void {
    // The last part of each sort key; the id of a stream is the position of its first fact.
    const suffix = encodePosition(stream)
    for (const name in before) {
      const sort = before[name]
      if (sort === undefined || after[name] === sort) continue
      this.#remove.run(this.#indexOf(view, name), toText(sort + suffix))
    }
    for (const name in after) {
      const sort = after[name]
      if (sort === undefined || before[name] === sort) continue
      this.#add.run(this.#indexOf(view, name), toText(sort + suffix), stream)
    }
  }

  /** The rows of a list: sort key, stream, version, document. */
  list({ view, index, prefix, order, after, limit }: DriverQuery): ReadonlyArray<Row> {
    const id = this.#knownIndex(view, index)
    if (id === undefined) return []
    const low = toText(prefix)
    const high = upperBound(prefix)
    return order === "ascending"
      ? this.#ascending.values(id, after === undefined ? low : toText(after), high, limit)
      : this.#descending.values(id, low, after === undefined ? high : toText(after), limit)
  }

  count({ view, index, prefix }: DriverCount, max: number): number {
    const id = this.#knownIndex(view, index)
    if (id === undefined) return 0
    return Number(this.#count.values(id, toText(prefix), upperBound(prefix), max)[0]?.[0] ?? 0)
  }

  /** Forgets the names: those of a transaction that was rolled back are not there. */
  forgetNames(): void {
    this.#ids.clear()
  }

  #indexOf(view: string, name: string): number {
    const known = this.#knownIndex(view, name)
    if (known !== undefined) return known
    const id = Number(this.#addIndex.values(view, name)[0]?.[0])
    this.#remember(view, name, id)
    return id
  }

  #knownIndex(view: string, name: string): number | undefined {
    const known = this.#ids.get(view)?.get(name)
    if (known !== undefined) return known
    const found = this.#findIndex.values(view, name)[0]?.[0]
    if (typeof found !== "number") return undefined
    this.#remember(view, name, found)
    return found
  }

  #remember(view: string, name: string, id: number): void {
    const names = this.#ids.get(view) ?? new Map<string, number>()
    this.#ids.set(view, names.set(name, id))
  }
}

// --- internal ---

/** Above every sort key with this prefix. A sort key is never its prefix alone, as the position follows. */
const upperBound = (prefix: string): string => toText(prefix) + textMax
