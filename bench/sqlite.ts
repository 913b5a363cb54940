/**
 * Durable commits to the SQLite store at 1, 16 and 64 callers, against a bare loop over `bun:sqlite` that writes the same
 * rows with one transaction per batch of that many. Run: `bun bench/sqlite.ts`.
 *
 * A unit is what one dispatch writes: two facts, two documents, nine entries of indexes.
 */
import { Database } from "bun:sqlite"
import * as fs from "node:fs"
import * as os from "node:os"
import * as Effect from "effect/Effect"
import type { DriverCommit } from "../packages/core/src/store/Driver.ts"
import { encodePosition, encodeSortKey } from "../packages/core/src/store/SortKey.ts"
import { make } from "../packages/store-sqlite/src/SqliteStore.ts"
import { measure, toMarkdown } from "./support.ts"

/** Units of one call: many enough that 64 callers take several turns. */
const units = 1_024

const data = JSON.stringify({ eventType: "bench.unit", text: "x".repeat(500) })
const document = JSON.stringify({ status: "queued", text: "x".repeat(900) })

const eventIndexes = { all: "", byType: encodeSortKey(["bench.unit"]), bySource: encodeSortKey(["bench"]) }
const runIndexes = (event: string) => ({
  all: "",
  byEvent: encodeSortKey([event]),
  byStatus: encodeSortKey(["queued"]),
  byEffectiveStatus: encodeSortKey(["queued"]),
  byFlow: encodeSortKey(["bench"]),
  ready: encodeSortKey([0])
})

const main = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    // `BENCH_DIRECTORY` names another disk, as the temporary folder may be in memory.
    Effect.sync(() => fs.mkdtempSync(`${process.env["BENCH_DIRECTORY"] ?? os.tmpdir()}/sqlite-`)),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
  )
  const driver = yield* make({ filename: `${directory}/store.db` })
  const bare = yield* bareLoop(`${directory}/bare.db`)
  let number = 0
  const nextKey = () => {
    number += 1
    return `${number.toString(36).padStart(8, "0")}`
  }

  const store = (callers: number) => () => {
    const call = () =>
      Effect.forEach(
        Array.from({ length: units / callers }),
        () => Effect.suspend(() => driver.commit(unitOf(nextKey()))),
        { discard: true }
      )
    return Effect.runPromise(
      Effect.forEach(Array.from({ length: callers }), call, { concurrency: "unbounded", discard: true })
    )
  }
  const raw = (batch: number) => () => {
    for (let written = 0; written < units; written += batch) bare(Array.from({ length: batch }, nextKey))
  }

  const table = yield* Effect.promise(() =>
    measure({
      name: "commit one unit",
      baseline: "bare loop, 64",
      variants: {
        "bare loop, 1": raw(1),
        "bare loop, 16": raw(16),
        "bare loop, 64": raw(64),
        "store, 1 caller": store(1),
        "store, 16 callers": store(16),
        "store, 64 callers": store(64)
      },
      itemsPerCall: units,
      rounds: 9
    })
  )
  console.log(toMarkdown(table))
  const rate = (variant: string) =>
    1_000 / (table.rows.find((row) => row.variant === variant)?.medianMillis ?? Number.NaN)
  for (const { variant } of table.rows) console.log(`${variant}: ${Math.round(rate(variant))} units/s`)
  for (const callers of [1, 16, 64]) {
    const own = rate(callers === 1 ? "store, 1 caller" : `store, ${callers} callers`)
    console.log(`${callers} callers: ${(own / rate(`bare loop, ${callers}`)).toFixed(2)} of the bare loop`)
  }
})

/** What a dispatch of one event with one run commits. */
const unitOf = (key: string): DriverCommit => {
  const [event, run] = [`event/${key}`, `run/run_${key}`]
  const fact = (stream: string, type: string) => ({ stream, version: 1, at: 1_760_000_000_000, type, data })
  return {
    expected: [
      { stream: event, version: 0 },
      { stream: run, version: 0 }
    ],
    facts: [fact(event, "EventAccepted"), fact(run, "RunQueued")],
    documents: [
      { view: "event", key, stream: event, version: 1, value: document, indexes: eventIndexes },
      { view: "run", key: `run_${key}`, stream: run, version: 1, value: document, indexes: runIndexes(key) }
    ]
  }
}

/** The same rows in the same tables, by hand: no check, no queue, no effect. */
const bareLoop = (filename: string) =>
  Effect.gen(function* () {
    yield* Effect.scoped(make({ filename }))
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new Database(filename)),
      (opened) => Effect.sync(() => opened.close())
    )
    for (const pragma of ["synchronous = FULL", "temp_store = MEMORY", "wal_autocheckpoint = 4096"]) {
      database.run(`PRAGMA ${pragma}`)
    }
    const insertStream = database.prepare("INSERT INTO streams VALUES (?, ?, 1, ?, ?)")
    const insertFact = database.prepare("INSERT INTO facts VALUES (?, ?, 1, ?, ?, ?)")
    const insertEntry = database.prepare("INSERT INTO entries VALUES (?, ?, ?)")
    for (let index = 1; index <= 9; index++) {
      database.run(`INSERT OR IGNORE INTO indexes VALUES (${index}, 'bench', 'index ${index}')`)
    }
    let position = 0
    const add = (stream: string, type: string, indexes: Readonly<Record<string, string>>, first: number) => {
      position += 1
      insertStream.run(position, stream, document, JSON.stringify(indexes))
      insertFact.run(position, position, 1_760_000_000_000, type, data)
      for (const [offset, sort] of Object.values(indexes).entries()) {
        insertEntry.run(first + offset, sort + encodePosition(position), position)
      }
    }
    return (keys: ReadonlyArray<string>): void => {
      database.run("BEGIN IMMEDIATE")
      for (const key of keys) {
        add(`event/${key}`, "EventAccepted", eventIndexes, 1)
        add(`run/run_${key}`, "RunQueued", runIndexes(key), 4)
      }
      database.run("COMMIT")
    }
  })

await Effect.runPromise(Effect.scoped(main))
