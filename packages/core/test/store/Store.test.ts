import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { make as makeMemory } from "../../src/store/DriverMemory.ts"
import { conflictRetriesMax, make as makeStore } from "../../src/store/Store.ts"
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
