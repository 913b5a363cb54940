/** The contract of lists: every index, both orders, pages that neither repeat nor skip. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { encodeSortKey } from "../store/SortKey.ts"
import { make as makeStore, pageSizeDefault, pageSizeMax } from "../store/Store.ts"
import { it } from "./effectTest.ts"
import { accounts, type MakeDriver, opened, statusChanged } from "./StoreContractLedger.ts"

type Accounts = ReturnType<typeof makeStore>

const statuses = ["open", "closed", "opener"]

/**
 * Holds a driver to this: every index lists in both orders whatever the characters of its keys, pages neither repeat nor
 * skip while others write, a foreign cursor is `CursorInvalid`, and a count is that of the list.
 */
export const listContract = (make: MakeDriver): void =>
  describe("lists", () => {
    it.live("every index lists in both orders", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, 6)
        const owners = (options: Parameters<Accounts["list"]>[1]) => ownersOf(store, options)
        expect(yield* owners({})).toEqual(["5", "4", "3", "2", "1", "0"])
        expect(yield* owners({ order: "ascending" })).toEqual(["0", "1", "2", "3", "4", "5"])
        expect(yield* owners({ index: "byStatus", prefix: ["open"] })).toEqual(["3", "0"])
        expect(yield* owners({ index: "byStatus", prefix: ["open"], order: "ascending" })).toEqual(["0", "3"])
        expect(yield* owners({ index: "byStatus", order: "ascending" })).toEqual([
          "1",
          "4",
          "0",
          "3",
          "2",
          "5"
        ])
        expect(yield* owners({ index: "byRank", order: "ascending" })).toEqual(["4", "1", "3", "2"])
        expect(yield* owners({ index: "byRank", prefix: [1] })).toEqual(["3", "1"])
        expect(yield* owners({ index: "byRank", prefix: [1, "3"] })).toEqual(["3"])
        expect(yield* owners({ index: "no-such-index" })).toEqual([])
      })
    )

    it.live("a document that changes moves in the index and keeps its place of insertion", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, 6)
        yield* store.transact((unit) => unit.execute(accounts, "k1", [statusChanged("open")]))
        yield* store.transact((unit) => unit.execute(accounts, "k0", [statusChanged("closed")]))
        const list = (status: string) => ownersOf(store, { index: "byStatus", prefix: [status] })
        expect(yield* list("open")).toEqual(["3", "1"])
        expect(yield* list("closed")).toEqual(["4", "0"])
      })
    )

    it.live("sort keys of any characters list in both orders", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        const owners = ["\u0000", "", "a", "\uffff", "\uffff\uffff", "z"]
        for (const owner of owners) {
          yield* store.transact((unit) => unit.execute(accounts, `k${owner}`, [opened(owner, owner, 1)]))
        }
        const ascending = ["", "\u0000", "a", "z", "\uffff", "\uffff\uffff"]
        for (const list of [{ index: "byStatus" }, { index: "byRank", prefix: [1] }]) {
          expect(yield* ownersOf(store, { ...list, order: "ascending" })).toEqual(ascending)
          expect(yield* ownersOf(store, { ...list, order: "descending" })).toEqual(ascending.toReversed())
        }
      })
    )

    it.live("pages give each document once while others come in between, in both orders", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, 23)
        for (const order of ["ascending", "descending"] as const) {
          for (const index of ["all", "byStatus"]) {
            const before = yield* ownersOf(store, { order, index, limit: 500 })
            const seen: Array<string> = []
            let cursor: string | undefined
            do {
              const page = yield* store.list(accounts, {
                order,
                index,
                limit: 5,
                ...(cursor === undefined ? {} : { cursor })
              })
              seen.push(...page.items.map(({ owner }) => owner))
              cursor = page.cursor
              yield* openAccounts(store, 1, `late ${order} ${index} ${seen.length}`)
            } while (cursor !== undefined && seen.length < 1_000)
            expect(new Set(seen).size).toBe(seen.length)
            expect(seen.filter((owner) => before.includes(owner))).toEqual(before)
          }
        }
      })
    )

    it.live("`where` leaves out and pages go on behind what was left out", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, 30)
        const where = ({ owner }: { readonly owner: string }) => Number(owner) % 10 === 0
        const first = yield* store.list(accounts, { where, limit: 2 })
        expect(first.items.map(({ owner }) => owner)).toEqual(["20", "10"])
        const rest = yield* store.list(accounts, { where, limit: 2, cursor: first.cursor ?? "" })
        expect(rest.items.map(({ owner }) => owner)).toEqual(["0"])
        expect(rest.cursor).toBeUndefined()
      })
    )

    it.live("a cursor of another list, and one that is none, is CursorInvalid", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, 4)
        const { cursor = "" } = yield* store.list(accounts, { limit: 1 })
        for (const options of [
          { cursor, index: "byStatus" },
          { cursor, index: "byStatus", prefix: ["open"] },
          { cursor: "" },
          { cursor: "not a cursor" },
          { cursor: cursor.slice(2) },
          { cursor: "x".repeat(20_000) }
        ]) {
          expect((yield* Effect.flip(store.list(accounts, options)))._tag).toBe("CursorInvalid")
        }
      })
    )

    it.live("a count is that of the list under the prefix, and never above its bound", () =>
      Effect.gen(function* () {
        const driver = yield* make
        yield* openAccounts(makeStore(driver), 31)
        const counted = (index: string, prefix: string, max: number) =>
          driver.count({ view: "account", index, prefix }, max)
        expect(yield* counted("all", "", 1_000)).toBe(31)
        expect(yield* counted("all", "", 30)).toBe(30)
        expect(yield* counted("all", "", 0)).toBe(0)
        for (const status of statuses) {
          const prefix = encodeSortKey([status])
          const listed = yield* driver.list({
            view: "account",
            index: "byStatus",
            prefix,
            order: "ascending",
            limit: 100
          })
          expect(yield* counted("byStatus", prefix, 1_000)).toBe(listed.length)
          expect(yield* counted("byStatus", prefix, 3)).toBe(3)
        }
        expect(yield* counted("byStatus", encodeSortKey(["none"]), 10)).toBe(0)
        expect(yield* counted("no index", "", 10)).toBe(0)
        expect(yield* driver.count({ view: "no view", index: "all", prefix: "" }, 10)).toBe(0)
      })
    )

    it.live("limits are clamped", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* openAccounts(store, pageSizeMax + 1)
        const lengths = yield* Effect.forEach(
          [undefined, 0, -1, Number.NaN, 1, 2.9, pageSizeMax, pageSizeMax + 1, Number.POSITIVE_INFINITY],
          (limit) =>
            Effect.map(
              store.list(accounts, limit === undefined ? {} : { limit }),
              ({ items }) => items.length
            )
        )
        const [d, m] = [pageSizeDefault, pageSizeMax]
        expect(lengths).toEqual([d, d, d, d, 1, 2, m, m, m])
      })
    )
  })

// --- internal ---

/** Opens accounts `k0`, `k1` … with owners `0`, `1` …, three statuses and three ranks in turn, in one unit. */
const openAccounts = (store: Accounts, count: number, owner?: string) =>
  store.transact((unit) =>
    Effect.forEach(
      Array.from({ length: count }, (_, index) => index),
      (index) =>
        unit.execute(accounts, owner ?? `k${index}`, [
          opened(owner ?? String(index), statuses[index % 3] ?? "", [0, 1, 3, 1, -2][index % 5] ?? 0)
        ]),
      { discard: true }
    )
  )

const ownersOf = (store: Accounts, options: Parameters<Accounts["list"]>[1]) =>
  Effect.map(
    store.list(accounts, {
      ...(options?.index === undefined ? {} : { index: options.index }),
      ...(options?.prefix === undefined ? {} : { prefix: options.prefix }),
      ...(options?.order === undefined ? {} : { order: options.order }),
      ...(options?.limit === undefined ? {} : { limit: options.limit })
    }),
    ({ items }) => items.map(({ owner }) => owner)
  )
