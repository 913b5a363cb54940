/** The in-memory driver: the reference that the others are measured by. Nothing outlives the process. */
import * as Effect from "effect/Effect"
import type { Driver, DriverForget, DriverRestore, OutputRecord } from "./Driver.ts"
import { Head } from "./Head.ts"
import type { LogRow } from "./Log.ts"
import { MemoryTables } from "./MemoryTables.ts"

/** Makes an empty in-memory store. */
export const make: Effect.Effect<Driver> = Effect.sync(() => {
  const tables = new MemoryTables()
  let rows: Array<LogRow> = []
  let last = 0
  const rowsByStream = new Map<string, Array<LogRow>>()
  const outputs = new Map<string, Array<OutputRecord>>()
  const head = new Head(() => last)

  const take = (forget: DriverForget): void => {
    const gone = new Set([...forget.streams, ...forget.histories])
    rows = rows.filter(({ stream }) => !gone.has(stream))
    for (const stream of gone) rowsByStream.delete(stream)
    for (const attemptId of forget.attempts) outputs.delete(attemptId)
    tables.forget(forget)
  }

  const commit: Driver["commit"] = ({ expected, facts, documents, leases, forget }) =>
    Effect.suspend(() => {
      const conflict = tables.conflict(expected)
      if (conflict !== undefined) return Effect.fail(conflict)
      if (forget !== undefined) take(forget)
      tables.addFacts(facts, last + 1)
      for (const fact of facts) {
        last += 1
        const row = { ...fact, position: last }
        rows.push(row)
        append(rowsByStream, fact.stream, row)
      }
      for (const document of documents) tables.putDocument(document)
      tables.putLeases(leases)
      head.announce()
      return Effect.succeed(last)
    })

  const restore: DriverRestore = {
    streams: (streams) =>
      Effect.sync(() => {
        for (const stream of streams) tables.addStream(stream)
      }),
    commit: ({ expected, facts, documents }) =>
      Effect.suspend(() => {
        const conflict = tables.conflict(expected)
        if (conflict !== undefined) return Effect.fail(conflict)
        for (const row of facts) {
          last = row.position
          tables.addFacts([row], last)
          rows.push(row)
          append(rowsByStream, row.stream, row)
        }
        for (const document of documents) tables.putDocument(document)
        head.announce()
        return Effect.succeed(last)
      })
  }

  return {
    kind: "memory",
    commit,
    load: (view, key, stream) => Effect.sync(() => tables.load(view, key, stream)),
    loadNow: (view, key, stream) => tables.load(view, key, stream),
    list: (query) => Effect.sync(() => tables.list(query)),
    count: (query, max) => Effect.sync(() => tables.count(query, max)),
    readAfter: (position, limit) =>
      Effect.sync(() => {
        const from = firstBeyond(rows, position)
        return rows.slice(from, from + limit)
      }),
    readStream: (stream, afterVersion, limit) =>
      Effect.sync(() =>
        (rowsByStream.get(stream) ?? []).filter(({ version }) => version > afterVersion).slice(0, limit)
      ),
    head: Effect.sync(() => last),
    compaction: { size: Effect.succeed(0), shrink: Effect.void },
    beginning: (stream) =>
      Effect.sync(() => {
        const first = rowsByStream.get(stream)?.[0]
        if (first === undefined) return undefined
        return { created: tables.createdOf(stream), position: first.position, version: first.version }
      }),
    restore,
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

/** The index of the first row beyond a position; positions have gaps where something was forgotten. */
const firstBeyond = (rows: ReadonlyArray<LogRow>, position: number): number => {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rows[middle]?.position ?? 0) > position) high = middle
    else low = middle + 1
  }
  return low
}

const append = (groups: Map<string, Array<LogRow>>, stream: string, row: LogRow): void => {
  const group = groups.get(stream)
  if (group === undefined) groups.set(stream, [row])
  else group.push(row)
}
