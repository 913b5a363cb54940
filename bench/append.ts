/**
 * Durable appends to the JSONL store at 1, 16 and 64 writers, against a bare loop that writes as many lines of the
 * same length and waits for the disk once per batch of that many. Run: `bun bench/append.ts`.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as Effect from "effect/Effect"
import { make } from "../packages/store-file/src/FileStore.ts"
import { encodeLine } from "../packages/store-file/src/internal/lineFormat.ts"
import { measure, toMarkdown } from "./support.ts"

/** Facts of one call: many enough that 64 writers take several turns. */
const facts = 1_024

/** Makes a line of about 300 bytes. */
const data = JSON.stringify({ amount: 1, note: "n".repeat(150) })

const fact = (stream: string, version: number) => ({
  stream,
  version,
  at: 1_760_000_000_000,
  type: "Credited",
  data
})

const main = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    // `BENCH_DIRECTORY` names another disk, as the temporary folder may be in memory.
    Effect.sync(() => fs.mkdtempSync(`${process.env["BENCH_DIRECTORY"] ?? os.tmpdir()}/append-`)),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
  )
  const driver = yield* make({ directory, aggregates: [] })
  const line = encodeLine(fact("account/writer-0", 1), 1_000_000, { facts: 1, after: 999_999 })
  const file = fs.openSync(`${directory}/raw`, "a")
  let calls = 0

  const raw = (batch: number) => () => {
    const bytes = Buffer.concat(Array.from({ length: batch }, () => line))
    for (let written = 0; written < facts; written += batch) {
      fs.writeSync(file, bytes)
      fs.fdatasyncSync(file)
    }
  }
  const store = (writers: number) => () => {
    calls += 1
    const call = calls
    const write = (writer: number) => {
      const stream = `account/${call}-${writer}`
      return Effect.forEach(
        Array.from({ length: facts / writers }, (_, index) => index + 1),
        (version) =>
          driver.commit({
            expected: [{ stream, version: version - 1 }],
            facts: [fact(stream, version)],
            documents: []
          }),
        { discard: true }
      )
    }
    const all = Array.from({ length: writers }, (_, index) => index)
    return Effect.runPromise(Effect.forEach(all, write, { concurrency: "unbounded", discard: true }))
  }

  const table = yield* Effect.promise(() =>
    measure({
      name: "append one fact",
      baseline: "store, 1 writer",
      variants: {
        "write + fdatasync, 1": raw(1),
        "write + fdatasync, 16": raw(16),
        "write + fdatasync, 64": raw(64),
        "store, 1 writer": store(1),
        "store, 16 writers": store(16),
        "store, 64 writers": store(64)
      },
      itemsPerCall: facts,
      rounds: 15
    })
  )
  fs.closeSync(file)
  console.log(toMarkdown(table))
  const rate = (variant: string) =>
    1_000 / (table.rows.find((row) => row.variant === variant)?.medianMillis ?? Number.NaN)
  for (const { variant } of table.rows) console.log(`${variant}: ${Math.round(rate(variant))} facts/s`)
  for (const writers of [1, 16, 64]) {
    const own = rate(writers === 1 ? "store, 1 writer" : `store, ${writers} writers`)
    const share = own / rate(`write + fdatasync, ${writers}`)
    const times = own / rate("store, 1 writer")
    console.log(`${writers} writers: ${times.toFixed(1)} × one writer, ${share.toFixed(2)} of the bare loop`)
  }
})

await Effect.runPromise(Effect.scoped(main))
