/**
 * How long it takes to open a SQLite store, read its head and list a page, with 1,000 and with 1,000,000 facts.
 * Run: `bun bench/sqliteOpen.ts [facts]`; making the large store takes about a minute.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as Effect from "effect/Effect"
import { encodeSortKey } from "../packages/core/src/store/SortKey.ts"
import { make } from "../packages/store-sqlite/src/SqliteStore.ts"
import { measure, toMarkdown } from "./support.ts"

const largeFacts = Number(process.argv[2] ?? 1_000_000)
const smallFacts = 1_000

/** Facts of one commit while the store is filled; each has its document. */
const batch = 500

const directory = fs.mkdtempSync(`${process.env["BENCH_DIRECTORY"] ?? os.tmpdir()}/sqlite-open-`)
const fileOf = (facts: number): string => `${directory}/${facts}.db`

const fill = (facts: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const driver = yield* make({ filename: fileOf(facts), synchronous: "normal" })
      for (let first = 0; first < facts; first += batch) {
        const keys = Array.from({ length: batch }, (_, index) => `key-${first + index}`)
        yield* driver.commit({
          expected: [],
          facts: keys.map((key) => ({
            stream: `run/${key}`,
            version: 1,
            at: 1_760_000_000_000,
            type: "RunQueued",
            data: JSON.stringify({ key, text: "x".repeat(150) })
          })),
          documents: keys.map((key) => ({
            view: "run",
            key,
            stream: `run/${key}`,
            version: 1,
            value: JSON.stringify({ key, status: "queued" }),
            indexes: { all: "", byStatus: encodeSortKey(["queued"]) }
          }))
        })
      }
    })
  )

const openAndLook = (facts: number) => () =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* make({ filename: fileOf(facts) })
        const page = { view: "run", index: "all", prefix: "", order: "descending", limit: 50 } as const
        if ((yield* driver.head) !== facts || (yield* driver.list(page)).length !== 50) {
          throw new Error("the store is not as it was filled")
        }
      })
    )
  )

try {
  for (const facts of [smallFacts, largeFacts]) await Effect.runPromise(fill(facts))
  const table = await measure({
    name: "open, head, first page",
    baseline: `${smallFacts} facts`,
    variants: Object.fromEntries(
      [smallFacts, largeFacts].map((facts) => [`${facts} facts`, openAndLook(facts)])
    )
  })
  console.log(toMarkdown(table))
  const [small, large] = table.rows.map(({ medianMillis }) => medianMillis)
  console.log(`difference: ${((large ?? Number.NaN) - (small ?? Number.NaN)).toFixed(2)} ms`)
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}
