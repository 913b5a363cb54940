/** The contract of commits and units of work. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { make as makeStore } from "../store/Store.ts"
import { it } from "./effectTest.ts"
import { accounts, commitOf, credited, encoded, type MakeDriver, opened } from "./StoreContractLedger.ts"

/** Writers that commit at the same time. */
const writers = 64

/** More rows than any test here writes. */
const rowsMax = 10_000

/**
 * Holds a driver to this: a commit is all or nothing, positions and versions have no gap, of commits on one version one
 * wins; and a unit of work that lost runs again, also when it only read what changed.
 */
export const commitContract = (make: MakeDriver): void =>
  describe("commits", () => {
    it.live("an empty store has no fact, no document and no history", () =>
      Effect.gen(function* () {
        const driver = yield* make
        expect(yield* driver.head).toBe(0)
        expect(yield* driver.readAfter(0, 10)).toEqual([])
        expect(yield* driver.readStream("account/none", 0, 10)).toEqual([])
        expect(yield* driver.load("account", "none", "account/none")).toEqual({
          key: "none",
          version: 0,
          created: 0,
          value: undefined
        })
      })
    )

    it.live("a commit gives the position of its last fact, and every fact has its place", () =>
      Effect.gen(function* () {
        const driver = yield* make
        const commit = {
          expected: [
            { stream: "account/a", version: 0 },
            { stream: "account/b", version: 0 }
          ],
          facts: [encoded("account/a", 1), encoded("account/b", 1), encoded("account/a", 2)],
          documents: []
        }
        expect(yield* driver.commit(commit)).toBe(3)
        expect(yield* driver.head).toBe(3)
        expect(
          (yield* driver.readAfter(1, 10)).map(({ position, stream, version }) => [position, stream, version])
        ).toEqual([
          [2, "account/b", 1],
          [3, "account/a", 2]
        ])
        expect(yield* driver.readAfter(1, 1)).toHaveLength(1)
        expect((yield* driver.readStream("account/a", 1, 10)).map(({ position }) => position)).toEqual([3])
        expect(yield* driver.load("account", "a", "account/a")).toMatchObject({ version: 2, created: 1 })
        expect(yield* driver.load("account", "b", "account/b")).toMatchObject({ version: 1, created: 2 })
      })
    )

    it.live("a commit of nothing is taken and leaves nothing behind: it asks whether anything would be", () =>
      Effect.gen(function* () {
        const driver = yield* make
        const nothing = { expected: [], facts: [], documents: [] }
        expect(yield* driver.commit(nothing)).toBe(0)
        yield* driver.commit(commitOf("account/a", 1))
        expect(yield* driver.commit(nothing)).toBe(1)
        expect(yield* driver.readAfter(0, rowsMax)).toHaveLength(1)
      })
    )

    it.live("one stale expectation and nothing of the commit is there", () =>
      Effect.gen(function* () {
        const driver = yield* make
        yield* driver.commit(commitOf("account/a", 1))
        const refused = yield* Effect.flip(
          driver.commit({
            expected: [
              { stream: "account/b", version: 0 },
              { stream: "account/a", version: 0 }
            ],
            facts: [encoded("account/b", 1)],
            documents: [
              {
                view: "account",
                key: "b",
                stream: "account/b",
                version: 1,
                value: "{}",
                indexes: { all: "" }
              }
            ]
          })
        )
        expect(refused).toMatchObject({
          _tag: "VersionConflict",
          stream: "account/a",
          expected: 0,
          actual: 1
        })
        expect(yield* driver.head).toBe(1)
        expect((yield* driver.load("account", "b", "account/b")).version).toBe(0)
        const query = { view: "account", index: "all", prefix: "", order: "ascending", limit: 10 } as const
        expect(yield* driver.list(query)).toEqual([])
      })
    )

    it.live("64 writers at once: no gap in positions or versions, and a conflict fails alone", () =>
      Effect.gen(function* () {
        const driver = yield* make
        yield* driver.commit(commitOf("account/shared", 1))
        const write = (writer: number) =>
          Effect.gen(function* () {
            const stale = yield* Effect.fork(Effect.either(driver.commit(commitOf("account/shared", 1))))
            for (let version = 1; version <= 5; version++) {
              yield* driver.commit(commitOf(`account/own-${writer}`, version))
            }
            return yield* stale
          })
        const stale = yield* Effect.forEach(
          Array.from({ length: writers }, (_, index) => index),
          write,
          {
            concurrency: "unbounded"
          }
        )
        expect(stale.filter(Either.isLeft)).toHaveLength(writers)
        const rows = yield* driver.readAfter(0, rowsMax)
        expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1))
        expect(rows).toHaveLength(1 + writers * 5)
        for (let writer = 0; writer < writers; writer++) {
          const own = yield* driver.readStream(`account/own-${writer}`, 0, 10)
          expect(own.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5])
        }
      })
    )

    it.live("of commits on one version exactly one wins", () =>
      Effect.gen(function* () {
        const driver = yield* make
        const results = yield* Effect.all(
          Array.from({ length: writers }, () => Effect.either(driver.commit(commitOf("account/a", 1)))),
          { concurrency: "unbounded" }
        )
        expect(results.filter(Either.isRight)).toHaveLength(1)
        expect(yield* driver.head).toBe(1)
      })
    )

    unitContract(make)
  })

// --- internal ---

const unitContract = (make: MakeDriver): void => {
  it.live("a stream that a unit only read has not changed when it commits", () =>
    Effect.gen(function* () {
      const store = makeStore(yield* make)
      yield* store.transact((unit) => unit.execute(accounts, "limit", [opened("limit")]))
      let runs = 0
      yield* store.transact((unit) =>
        Effect.gen(function* () {
          runs += 1
          const limit = yield* unit.load(accounts, "limit")
          if (runs === 1) {
            yield* store.transact((other) => other.execute(accounts, "limit", [credited(7)]))
          }
          yield* unit.execute(accounts, "copy", [opened("copy"), credited(limit?.balance ?? 0)])
        })
      )
      expect(runs).toBe(2)
      expect(Option.getOrThrow(yield* store.load(accounts, "copy")).balance).toBe(7)
    })
  )

  it.live("a unit sees what it appended, and what it rejects leaves nothing", () =>
    Effect.gen(function* () {
      const store = makeStore(yield* make)
      const balance = yield* store.transact((unit) =>
        Effect.gen(function* () {
          yield* unit.execute(accounts, "a", [opened("a"), credited(3)])
          yield* unit.execute(accounts, "a", [credited(4)])
          return (yield* unit.load(accounts, "a"))?.balance
        })
      )
      expect(balance).toBe(7)
      const rejected = yield* Effect.flip(
        store.transact((unit) =>
          Effect.zipRight(
            unit.execute(accounts, "a", [credited(100)]),
            unit.execute(accounts, "never-opened", [credited(1)])
          )
        )
      )
      expect(rejected._tag).toBe("NotOpened")
      expect(Option.getOrThrow(yield* store.load(accounts, "a")).balance).toBe(7)
      expect(yield* store.driver.head).toBe(3)
      yield* store.transact((unit) => unit.load(accounts, "a"))
      expect(yield* store.driver.head).toBe(3)
    })
  )

  it.live("64 units on one account run again until each has counted once", () =>
    Effect.gen(function* () {
      const store = makeStore(yield* make)
      yield* store.transact((unit) => unit.execute(accounts, "a", [opened("a")]))
      yield* Effect.all(
        Array.from({ length: writers }, () =>
          store.transact((unit) => unit.execute(accounts, "a", [credited(1)]))
        ),
        { concurrency: "unbounded", discard: true }
      )
      expect(Option.getOrThrow(yield* store.load(accounts, "a")).balance).toBe(writers)
      expect(yield* store.driver.head).toBe(writers + 1)
    })
  )
}
