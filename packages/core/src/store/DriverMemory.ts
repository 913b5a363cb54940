/** The in-memory driver: the reference that the others are measured by. Nothing outlives the process. */
import * as Effect from "effect/Effect"
import type { Driver, OutputRecord } from "./Driver.ts"
import { Head } from "./Head.ts"
import type { LogRow } from "./Log.ts"
import { MemoryTables } from "./MemoryTables.ts"

/** Makes an empty in-memory store. */
export const make: Effect.Effect<Driver> = Effect.sync(() => {
  const tables = new MemoryTables()
  const rows: Array<LogRow> = []
  const rowsByStream = new Map<string, Array<LogRow>>()
  const outputs = new Map<string, Array<OutputRecord>>()
  const head = new Head(() => rows.length)

  const commit: Driver["commit"] = ({ expected, facts, documents, leases }) =>
    Effect.suspend(() => {
      const conflict = tables.conflict(expected)
      if (conflict !== undefined) return Effect.fail(conflict)
      tables.addFacts(facts, rows.length + 1)
      for (const fact of facts) {
        const row = { ...fact, position: rows.length + 1 }
        rows.push(row)
        append(rowsByStream, fact.stream, row)
      }
      for (const document of documents) tables.putDocument(document)
      tables.putLeases(leases)
      head.announce()
      return Effect.succeed(rows.length)
    })

  return {
    kind: "memory",
    commit,
    load: (view, key, stream) => Effect.sync(() => tables.load(view, key, stream)),
    loadNow: (view, key, stream) => tables.load(view, key, stream),
    list: (query) => Effect.sync(() => tables.list(query)),
    count: (query, max) => Effect.sync(() => tables.count(query, max)),
    readAfter: (position, limit) => Effect.sync(() => rows.slice(position, position + limit)),
    readStream: (stream, afterVersion, limit) =>
      Effect.sync(() => rowsByStream.get(stream)?.slice(afterVersion, afterVersion + limit) ?? []),
    head: Effect.sync(() => rows.length),
    awaitBeyond: (position) => head.awaitBeyond(position),
    outputs: {
      append: (attemptId, records, drop, fence) =>
        Effect.sync(() => {
          if (fence !== undefined && !tables.isHeld(attemptId, fence)) return false
          const kept = (outputs.get(attemptId) ?? []).filter(
            ({ sequence }) => drop === undefined || sequence < drop.from || sequence >= drop.before
          )
          outputs.set(attemptId, [...kept, ...records])
          return true
        }),
      read: (attemptId, fromSequence, limit) =>
        Effect.sync(() =>
          (outputs.get(attemptId) ?? []).filter(({ sequence }) => sequence >= fromSequence).slice(0, limit)
        )
    },
    leases: tables.leases
  }
})

// --- internal ---

const append = (groups: Map<string, Array<LogRow>>, stream: string, row: LogRow): void => {
  const group = groups.get(stream)
  if (group === undefined) groups.set(stream, [row])
  else group.push(row)
}
