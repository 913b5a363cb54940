/**
 * The files beside a JSONL store that people and scripts read, with the names and fields of their published interface
 * (docs/reference/data-dir.md): one JSON object per line, and `feed-state.json` as a whole.
 */
import { Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import { Events } from "@patchmoi/core/event/Events"
import { toEnvelope } from "@patchmoi/core/event/normalizeEvent"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import { type SourceDocument, Sources } from "@patchmoi/core/source/Sources"
import { type Aggregate, splitStream } from "@patchmoi/core/store/Aggregate"
import type { LogRow, UnknownFact } from "@patchmoi/core/store/Log"
import { appendEach, type Past, type ReadableProjection } from "@patchmoi/store-file"

/** The state of every source, as its predecessors kept it: `{ [sourceId]: { lastSeenId, lastCheckedAt } }`. */
export const feedStateFile = "feed-state.json"

/** A line with the document after each of its facts: the latest line of an id counts. */
const appendDocuments = <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
  fileName: string,
  aggregate: Aggregate<Document, Fact, Command, Rejection>
): ReadableProjection => ({
  kind: "append",
  fileName,
  begin: (past) => {
    const fold = foldOf(aggregate, past.before)
    return (row) => {
      const document = fold(row)
      return document === undefined ? [] : [JSON.stringify(document)]
    }
  }
})

/** Every file, for the options of the store. */
export const readableFiles: ReadonlyArray<ReadableProjection> = [
  appendEach("feed-events.jsonl", (row) => {
    const fact = factOf(Sources, row)
    return fact?._tag === "SignalReceived" ? [JSON.stringify(fact.signal)] : []
  }),
  appendEach("flow-events.jsonl", (row) => {
    const fact = factOf(Events, row)
    return fact?._tag === "EventAccepted" ? [JSON.stringify(toEnvelope(fact.event))] : []
  }),
  appendDocuments("workspace-dispatches.jsonl", Dispatches),
  appendDocuments("maintenance-attempts.jsonl", MaintenanceAttempts),
  {
    kind: "replace",
    fileName: feedStateFile,
    resumes: true,
    begin: (past) => {
      const sources = new Map<string, SourceDocument>()
      for (const value of past.documents(Sources.name)) {
        const source: SourceDocument = JSON.parse(value)
        sources.set(source.id, source)
      }
      const fold = foldOf(Sources, past.before, sources)
      return {
        add: (row) => {
          const source = fold(row)
          if (source !== undefined) sources.set(source.id, source)
        },
        content: () =>
          sources.size === 0
            ? undefined
            : `${JSON.stringify(
                Object.fromEntries(
                  [...sources].map(([id, { lastSeenId, lastPoll }]) => [
                    id,
                    { lastSeenId, lastCheckedAt: lastPoll?.at }
                  ])
                ),
                undefined,
                2
              )}\n`
      }
    }
  }
]

// --- internal ---

/** The fact of a row, if it is one of this aggregate that is known. */
const factOf = <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
  aggregate: Aggregate<Document, Fact, Command, Rejection>,
  row: LogRow
): Exclude<Fact, UnknownFact> | undefined => {
  if (splitStream(row.stream).name !== aggregate.name) return undefined
  const fact = aggregate.decodeFact(row.type, row.data)
  return fact._tag === "UnknownFact" ? undefined : (fact as Exclude<Fact, UnknownFact>)
}

/**
 * A fold that gives the document after each fact of the aggregate, and nothing for other rows. A document that it does not
 * know yet is folded from the facts before.
 */
const foldOf = <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
  aggregate: Aggregate<Document, Fact, Command, Rejection>,
  before: Past["before"],
  known: ReadonlyMap<string, Document> = new Map()
): ((row: LogRow) => Document | undefined) => {
  const documents = new Map(known)
  const evolve = (document: Document | undefined, row: LogRow): Document | undefined => {
    const fact = factOf(aggregate, row)
    return fact === undefined
      ? document
      : aggregate.evolve(document, fact, { key: splitStream(row.stream).key, at: row.at })
  }
  return (row) => {
    if (factOf(aggregate, row) === undefined) return undefined
    const { key } = splitStream(row.stream)
    let document = documents.get(key)
    if (document === undefined) for (const earlier of before(row)) document = evolve(document, earlier)
    document = evolve(document, row)
    if (document !== undefined) documents.set(key, document)
    return document
  }
}
