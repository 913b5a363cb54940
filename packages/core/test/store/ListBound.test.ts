/**
 * A filter that few documents fit, over 50,000: one page looks at a bounded number of them, in few reads, and the pages
 * together find everything once. What is looked at is counted, not timed.
 */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import { streamOf } from "../../src/store/Aggregate.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { encodeSortKey } from "../../src/store/SortKey.ts"
import { type ListOptions, looksMax, make as makeStore } from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { accounts, type LedgerDocument } from "../../src/testing/StoreContractLedger.ts"

const documentCount = 50_000
const batchSize = 5_000

/** How many driver reads one page may take: the look grows from the limit to 500 documents. */
const readsMax = looksMax / 500 + 5

const fill = (driver: Driver) =>
  Effect.gen(function* () {
    for (let from = 0; from < documentCount; from += batchSize) {
      const keys = Array.from({ length: batchSize }, (_, index) => String(from + index))
      yield* driver.commit({
        expected: [],
        facts: keys.map((key) => ({
          stream: streamOf(accounts, key),
          version: 1,
          type: "Opened",
          at: 0,
          data: "{}"
        })),
        documents: keys.map((key) => ({
          view: accounts.name,
          key,
          stream: streamOf(accounts, key),
          version: 1,
          value: JSON.stringify({ owner: key, status: "open", rank: 0, balance: 0, notes: [], changedAt: 0 }),
          indexes: { all: "", byStatus: encodeSortKey(["open"]) }
        }))
      })
    }
  })

/** Every page of a list, with what was looked at for each. */
const pagesOf = (options: ListOptions<LedgerDocument>) =>
  Effect.gen(function* () {
    const driver = yield* DriverMemory.make
    yield* fill(driver)
    const counts = { looks: 0, reads: 0 }
    const store = makeStore({
      ...driver,
      list: (query) =>
        Effect.tap(driver.list(query), (page) => {
          counts.reads += 1
          counts.looks += page.length
        })
    })
    const pages: Array<{
      readonly owners: ReadonlyArray<string>
      readonly looks: number
      readonly reads: number
    }> = []
    let cursor: string | undefined
    do {
      counts.looks = 0
      counts.reads = 0
      const page = yield* store.list(accounts, { ...options, ...(cursor === undefined ? {} : { cursor }) })
      pages.push({ owners: page.items.map(({ owner }) => owner), ...counts })
      cursor = page.cursor
    } while (cursor !== undefined)
    return pages
  })

for (const limit of [1, 50, 500]) {
  it.effect(`pages of ${limit} find the oldest few under a bound on each page`, () =>
    Effect.gen(function* () {
      const pages = yield* pagesOf({ limit, where: ({ owner }) => Number(owner) < 3 })
      expect(pages.flatMap(({ owners }) => owners)).toEqual(["2", "1", "0"])
      expect(Math.max(...pages.map(({ looks }) => looks))).toBeLessThanOrEqual(looksMax)
      expect(Math.max(...pages.map(({ reads }) => reads))).toBeLessThanOrEqual(readsMax)
      expect(pages.length).toBeLessThanOrEqual(documentCount / looksMax + 3)
    })
  )
}

it.effect("a filter that nothing fits comes to an end, in either order and in another index", () =>
  Effect.gen(function* () {
    for (const order of ["ascending", "descending"] as const) {
      const pages = yield* pagesOf({ index: "byStatus", prefix: ["open"], order, where: () => false })
      expect(pages.every(({ owners }) => owners.length === 0)).toBe(true)
      expect(pages.reduce((sum, { looks }) => sum + looks, 0)).toBe(documentCount)
      expect(pages.length).toBeGreaterThanOrEqual(documentCount / looksMax)
    }
  })
)

it.effect("a filter that everything fits reads no more than it gives", () =>
  Effect.gen(function* () {
    const [first] = yield* pagesOf({ limit: 500, where: () => true })
    expect(first).toMatchObject({ looks: 500, reads: 1 })
  })
)
