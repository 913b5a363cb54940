import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { make as makeMemory } from "../../src/store/DriverMemory.ts"
import {
  changesPageLength,
  changesPageMax,
  conflictRetriesMax,
  make as makeStore
} from "../../src/store/Store.ts"
import { make as makeFaulty } from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { accounts, opened } from "../../src/testing/StoreContractLedger.ts"

it.effect("a unit that always loses gives the conflict to its caller, within seconds", () =>
  Effect.gen(function* () {
    const { driver, faults } = makeFaulty(yield* makeMemory)
    const store = makeStore(driver)
    yield* faults.conflict(10_000)
    let runs = 0
    const unit = yield* Effect.fork(
      Effect.flip(
        store.transact((transaction) => {
          runs += 1
          return transaction.execute(accounts, "a", [opened("a")])
        })
      )
    )
    yield* TestClock.adjust("5 seconds")
    expect((yield* Fiber.join(unit))._tag).toBe("VersionConflict")
    expect(runs).toBe(conflictRetriesMax + 1)
    expect(yield* driver.head).toBe(0)
  })
)

it.effect("a unit whose commit failed does not run again: what was written is unknown", () =>
  Effect.gen(function* () {
    const { driver, faults } = makeFaulty(yield* makeMemory)
    const store = makeStore(driver)
    const unit = store.transact((transaction) => transaction.execute(accounts, "a", [opened("a")]))
    yield* faults.failAfter(1)
    expect((yield* Effect.flip(unit))._tag).toBe("StoreError")
    expect(yield* driver.head).toBe(1)
    expect(yield* faults.commitTimes).toHaveLength(1)
  })
)

it.effect("whoever follows the log holds little of it, however large its facts are, and misses nothing", () =>
  Effect.gen(function* () {
    const driver = yield* makeMemory
    const store = makeStore(driver)
    const owners = Array.from({ length: 700 }, (_, index) =>
      "o".repeat(index < 600 ? 10 : changesPageLength / 2)
    )
    yield* Effect.forEach(owners, (owner, index) =>
      store.transact((transaction) => transaction.execute(accounts, `a${index}`, [opened(owner)]))
    )
    const reads: Array<{ readonly rows: number; readonly length: number }> = []
    const watched = makeStore({
      ...driver,
      readAfter: (position, limit) =>
        Effect.tap(driver.readAfter(position, limit), (rows) =>
          Effect.sync(() =>
            reads.push({ rows: rows.length, length: rows.reduce((sum, { data }) => sum + data.length, 0) })
          )
        )
    })
    const seen = yield* Stream.runCollect(Stream.take(watched.changes(0), owners.length))
    expect([...seen].map(({ position }) => position)).toEqual(owners.map((_, index) => index + 1))
    expect(reads[0]?.rows).toBe(1)
    expect(Math.max(...reads.map(({ rows }) => rows))).toBe(changesPageMax)
    // Where small facts end and large ones begin, one read is too large; after it, each is within its bound.
    expect(reads.filter(({ length }) => length > changesPageLength)).toHaveLength(1)
  })
)
