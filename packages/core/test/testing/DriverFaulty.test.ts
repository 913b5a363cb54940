import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { make as makeMemory } from "../../src/store/DriverMemory.ts"
import { make } from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { commitOf } from "../../src/testing/StoreContractLedger.ts"

it.effect("a fault before the commit writes nothing, one after it has written", () =>
  Effect.gen(function* () {
    const { driver, faults } = make(yield* makeMemory)
    yield* faults.failBefore(1)
    expect((yield* Effect.flip(driver.commit(commitOf("account/a", 1))))._tag).toBe("StoreError")
    expect(yield* driver.head).toBe(0)
    yield* faults.failAfter(1)
    expect((yield* Effect.flip(driver.commit(commitOf("account/a", 1))))._tag).toBe("StoreError")
    expect(yield* driver.head).toBe(1)
    expect(yield* driver.commit(commitOf("account/a", 2))).toBe(2)
  })
)

it.effect("a conflict writes nothing, and a delay keeps commits waiting", () =>
  Effect.gen(function* () {
    const { driver, faults } = make(yield* makeMemory)
    yield* faults.conflict(1)
    expect(yield* Effect.flip(driver.commit(commitOf("account/a", 1)))).toMatchObject({
      _tag: "VersionConflict",
      stream: "account/a"
    })
    yield* faults.delay("1 second")
    const late = yield* Effect.fork(driver.commit(commitOf("account/a", 1)))
    yield* TestClock.adjust("999 millis")
    expect(yield* driver.head).toBe(0)
    yield* TestClock.adjust("1 millis")
    expect(yield* Fiber.join(late)).toBe(1)
    expect(yield* faults.commitTimes).toEqual([0, 0])
  })
)
