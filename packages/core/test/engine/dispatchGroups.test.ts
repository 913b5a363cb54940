import { describe, expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { DispatchOutcome } from "../../src/engine/Dispatcher.ts"
import { type CommitGroup, type DispatchWork, makeDispatchGroups } from "../../src/engine/DispatchGroups.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { EventId } from "../../src/Ids.ts"
import { nextTurn } from "../../src/internal/nextTurn.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { StoreError, VersionConflict } from "../../src/store/Log.ts"
import * as Store from "../../src/store/Store.ts"
import type { Unit } from "../../src/store/UnitOfWork.ts"
import { turns } from "../../src/testing/ClockSteps.ts"
import * as DriverFaulty from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { engineOver, event, eventType } from "./support.ts"

const outcome = (id: string): DispatchOutcome => ({
  status: "accepted",
  eventId: EventId.make(id),
  runIds: [],
  matched: 0
})

const accepts =
  (id: string): DispatchWork<never> =>
  () =>
    Either.right(outcome(id))

const refuses: DispatchWork<string> = () => Either.left("refused")

const breaks: DispatchWork<never> = () => {
  throw new Error("broken")
}

const noUnit = {} as Unit

/** Groups over a commit that waits for the test the first time, and then fails as often as it is told to. */
const makeGroups = (...failures: ReadonlyArray<StoreError | VersionConflict>) =>
  Effect.gen(function* () {
    const go = yield* Deferred.make<void>()
    const left = [...failures]
    const sizes: Array<number> = []
    const commit: CommitGroup = (works) =>
      Effect.gen(function* () {
        sizes.push(works.length)
        yield* Deferred.await(go)
        const failure = works.length > 1 ? left.shift() : undefined
        if (failure !== undefined) return yield* failure
        for (const work of works) work(noUnit)
      })
    const join = yield* makeDispatchGroups(commit)
    const start = (works: ReadonlyArray<DispatchWork<string>>) =>
      Effect.forEach(works, (work) => Effect.fork(join(work)))
    /** Starts the works one after the other, lets the first group go, and gives how each of them ended. */
    const all = Effect.fnUntraced(function* (...works: ReadonlyArray<DispatchWork<string>>) {
      const fibers = yield* start(works)
      yield* turns()
      yield* Deferred.succeed(go, undefined)
      return yield* Effect.forEach(fibers, Fiber.await)
    })
    return { all, start, join, go, sizes }
  })

describe("dispatches that come together", () => {
  it.effect("are one unit of work; each is answered for itself", () =>
    Effect.gen(function* () {
      const { all, sizes } = yield* makeGroups()
      const [one, two, three, four] = yield* all(accepts("1"), accepts("2"), refuses, accepts("4"))
      expect(sizes).toEqual([4])
      expect(one).toMatchObject({ _tag: "Success", value: { eventId: "1" } })
      expect(two).toMatchObject({ _tag: "Success", value: { eventId: "2" } })
      expect(three).toMatchObject({ _tag: "Failure", cause: { _tag: "Fail", error: "refused" } })
      expect(four).toMatchObject({ _tag: "Success", value: { eventId: "4" } })
    })
  )

  it.effect("are the next one when they come while one is committed", () =>
    Effect.gen(function* () {
      const { all, start, sizes } = yield* makeGroups()
      const first = yield* start([accepts("1")])
      yield* turns()
      yield* all(accepts("2"), accepts("3"))
      yield* Effect.forEach(first, Fiber.join)
      expect(sizes).toEqual([1, 2])
    })
  )

  it.effect("are waited for while each turn of the event loop brings more, for some turns", () =>
    Effect.gen(function* () {
      const { all, start, go, sizes } = yield* makeGroups()
      yield* Deferred.succeed(go, undefined)
      const fibers = yield* Effect.forEach(["1", "2", "3", "4", "5", "6"], (id) =>
        Effect.zipLeft(start([accepts(id)]), nextTurn)
      )
      yield* Effect.forEach(fibers.flat(), Fiber.join)
      expect(sizes).toEqual([5, 1])
      yield* all(accepts("7"), accepts("8"))
      expect(sizes).toEqual([5, 1, 2])
    })
  )

  it.effect("take nobody with them when one breaks down", () =>
    Effect.gen(function* () {
      const { all, sizes } = yield* makeGroups()
      const ends = yield* all(accepts("1"), accepts("2"), breaks, accepts("4"))
      expect(sizes).toEqual([4, 1, 1, 1, 1])
      expect(ends.map(({ _tag }) => _tag)).toEqual(["Success", "Success", "Failure", "Success"])
      expect(ends[2]).toMatchObject({ cause: { _tag: "Die", defect: { message: "broken" } } })
    })
  )

  it.effect("run alone where they lose together, and never again where they may have been written", () =>
    Effect.gen(function* () {
      const conflict = new VersionConflict({ stream: "event/2", expected: 0, actual: 1 })
      const lost = yield* makeGroups(conflict)
      const ends = yield* lost.all(accepts("1"), accepts("2"), accepts("3"))
      expect(lost.sizes).toEqual([3, 1, 1, 1])
      expect(ends.map(({ _tag }) => _tag)).toEqual(["Success", "Success", "Success"])
      const unknown = yield* makeGroups(new StoreError({ operation: "write", reason: "no answer" }))
      const failed = yield* unknown.all(accepts("1"), accepts("2"), accepts("3"))
      expect(unknown.sizes).toEqual([3])
      expect(failed.map(({ _tag }) => _tag)).toEqual(["Failure", "Failure", "Failure"])
      expect(failed[2]).toMatchObject({ cause: { error: { _tag: "StoreError" } } })
    })
  )

  it.effect("go on when a caller goes away, and more come after them", () =>
    Effect.gen(function* () {
      const { join, go, sizes } = yield* makeGroups()
      let isDone = false
      const noting: DispatchWork<never> = (unit) => {
        isDone = true
        return accepts("1")(unit)
      }
      const fiber = yield* Effect.fork(join(noting))
      yield* turns()
      yield* Fiber.interrupt(fiber)
      expect(isDone).toBe(false)
      yield* Deferred.succeed(go, undefined)
      expect(yield* join(accepts("2"))).toMatchObject({ eventId: "2" })
      expect(isDone).toBe(true)
      expect(yield* join(accepts("3"))).toMatchObject({ eventId: "3" })
      expect(sizes).toEqual([1, 1, 1])
    })
  )

  it.effect("are bounded by the queue one by one, and are one commit", () => {
    const flow = singleStepFlow("step", eventType)
    return Effect.gen(function* () {
      const { driver, faults } = DriverFaulty.make(yield* DriverMemory.make)
      yield* faults.delay("1 second")
      yield* Effect.gen(function* () {
        const engine = yield* Engine
        const ids = Array.from({ length: 8 }, (_, n) => `e${n}`)
        const fibers = yield* Effect.forEach(ids, (id) =>
          Effect.fork(Effect.either(engine.dispatch(event(id))))
        )
        yield* turns()
        yield* TestClock.adjust("2 seconds")
        const answers = yield* Effect.forEach(fibers, Fiber.join)
        expect(answers.filter(Either.isRight)).toHaveLength(5)
        expect(answers.slice(5).every(Either.isLeft)).toBe(true)
        expect(answers.at(-1)).toMatchObject({ left: { _tag: "QueueFull", queued: 5, queueMax: 5 } })
        expect((yield* faults.commitTimes).length).toBe(1)
      }).pipe(
        Effect.provide(
          Layer.provideMerge(
            engineOver([flow], {}, { runs: false, queueMax: 5 }),
            Layer.succeed(Store.Store, Store.make(driver))
          )
        )
      )
    })
  })
})
