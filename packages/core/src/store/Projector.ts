/** Folds a log into documents: how a view is rebuilt, whatever kept it before. */
import { type AnyAggregate, documentWrite, splitStream } from "./Aggregate.ts"
import type { DocumentWrite } from "./Driver.ts"
import type { LogRow, UnknownFact } from "./Log.ts"

interface Folded {
  readonly key: string
  readonly document: unknown
  readonly version: number
}

/** What a fold of the whole log found. */
export interface Projection {
  readonly documents: ReadonlyArray<DocumentWrite>
  /** Fact type → how many rows of it no schema here could read. */
  readonly unknown: ReadonlyMap<string, number>
}

/** A fold over rows in position order; `aggregates` are those whose facts may occur. */
export class Projector {
  readonly #aggregates: ReadonlyMap<string, AnyAggregate>
  readonly #folded = new Map<string, Folded>()
  readonly #unknown = new Map<string, number>()

  /** `before` gives the documents that earlier rows made, for a fold that does not begin with the first row. */
  constructor(
    aggregates: ReadonlyArray<AnyAggregate>,
    readonly before?: (view: string, key: string) => string | undefined
  ) {
    this.#aggregates = new Map(aggregates.map((aggregate) => [aggregate.name, aggregate]))
  }

  /** Takes in the next row. A stream of an unknown aggregate counts as unknown facts and makes no document. */
  apply(row: LogRow): void {
    const { name, key } = splitStream(row.stream)
    const aggregate = this.#aggregates.get(name)
    const fact = aggregate?.decodeFact(row.type, row.data)
    if (aggregate === undefined || fact === undefined || isUnknown(fact)) {
      this.#unknown.set(row.type, (this.#unknown.get(row.type) ?? 0) + 1)
    }
    if (aggregate === undefined || fact === undefined) return
    const known = this.#folded.get(row.stream)
    const before = known === undefined ? this.#stored(name, key) : known.document
    const document = isUnknown(fact) ? before : aggregate.evolve(before, fact, { key, at: row.at })
    this.#folded.set(row.stream, { key, document, version: row.version })
  }

  /** The document of one stream after the rows so far; undefined for a stream of no aggregate here. */
  document(stream: string): DocumentWrite | undefined {
    const folded = this.#folded.get(stream)
    const aggregate = this.#aggregates.get(splitStream(stream).name)
    return folded === undefined || aggregate === undefined
      ? undefined
      : documentWrite(aggregate, folded.key, folded.version, folded.document)
  }

  /** The documents of the streams that the rows so far belong to. */
  project(): Projection {
    const documents: Array<DocumentWrite> = []
    for (const stream of this.#folded.keys()) {
      const document = this.document(stream)
      if (document !== undefined) documents.push(document)
    }
    return { documents, unknown: this.#unknown }
  }

  #stored(view: string, key: string): unknown {
    const value = this.before?.(view, key)
    return value === undefined ? undefined : JSON.parse(value)
  }
}

// --- internal ---

const isUnknown = (fact: { readonly _tag: string }): fact is UnknownFact => fact._tag === "UnknownFact"
