/** What is read from the log and the documents. Synchronous; each call sees one moment of the database. */
import { splitStream } from "@patchmoi/core/store/Aggregate"
import type {
  DriverQuery,
  ListedDocument,
  LoadedDocument,
  StreamBeginning
} from "@patchmoi/core/store/Driver"
import type { LogRow } from "@patchmoi/core/store/Log"
import type { Connection, Row } from "./Connection.ts"
import type { Entries } from "./Entries.ts"
import { fromText, toText } from "./text.ts"

export class Reads {
  readonly #selectHead
  readonly #selectDocument
  readonly #selectAfter
  readonly #selectStream
  readonly #selectBeginning
  readonly #dataVersion

  constructor(
    connection: Connection,
    readonly entries: Entries
  ) {
    this.#selectHead = connection.prepare("SELECT coalesce(max(position), 0) FROM facts")
    this.#selectDocument = connection.prepare("SELECT version, id, document FROM streams WHERE name = ?")
    const rows = `SELECT position, name, facts.version, at, type, data
FROM facts CROSS JOIN streams ON streams.id = facts.stream`
    this.#selectAfter = connection.prepare(`${rows} WHERE position > ? ORDER BY position LIMIT ?`)
    this.#selectStream = connection.prepare(
      `${rows} WHERE facts.stream = (SELECT id FROM streams WHERE name = ?) AND facts.version > ?
ORDER BY facts.version LIMIT ?`
    )
    this.#selectBeginning = connection.prepare(
      `SELECT streams.id, facts.position, facts.version FROM streams CROSS JOIN facts ON facts.stream = streams.id
WHERE streams.name = ? ORDER BY facts.version LIMIT 1`
    )
    this.#dataVersion = connection.prepare("PRAGMA data_version")
  }

  head(): number {
    return Number(this.#selectHead.values()[0]?.[0] ?? 0)
  }

  /** Changes whenever another connection has committed. */
  dataVersion(): number {
    return Number(this.#dataVersion.values()[0]?.[0] ?? 0)
  }

  load(key: string, stream: string): LoadedDocument {
    const row = this.#selectDocument.values(toText(stream))[0]
    if (row === undefined) return { key, version: 0, created: 0, value: undefined }
    const [version, created, document] = row
    return {
      key,
      version: Number(version),
      created: Number(created),
      value: typeof document === "string" ? document : undefined
    }
  }

  list(query: DriverQuery): ReadonlyArray<ListedDocument> {
    return this.entries.list(query).map(([sort, name, version, document]) => ({
      key: splitStream(fromText(String(name))).key,
      version: Number(version),
      value: String(document),
      sort: fromText(String(sort))
    }))
  }

  beginning(stream: string): StreamBeginning | undefined {
    const row = this.#selectBeginning.values(toText(stream))[0]
    if (row === undefined) return undefined
    return { created: Number(row[0]), position: Number(row[1]), version: Number(row[2]) }
  }

  readAfter(position: number, limit: number): ReadonlyArray<LogRow> {
    return this.#selectAfter.values(position, limit).map(logRow)
  }

  readStream(stream: string, afterVersion: number, limit: number): ReadonlyArray<LogRow> {
    return this.#selectStream.values(toText(stream), afterVersion, limit).map(logRow)
  }
}

// --- internal ---

const logRow = ([position, stream, version, at, type, data]: Row): LogRow => ({
  position: Number(position),
  stream: fromText(String(stream)),
  version: Number(version),
  at: Number(at),
  type: fromText(String(type)),
  data: String(data)
})
