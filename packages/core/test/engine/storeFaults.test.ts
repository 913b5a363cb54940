import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import { Events } from "../../src/event/Events.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { StoreError } from "../../src/store/Log.ts"
import * as Store from "../../src/store/Store.ts"
import { until, untilLater } from "../../src/testing/ClockSteps.ts"
import * as DriverFaulty from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType)

/** A body with an engine whose store has fault knobs, and the ids of the events that were executed. */
const withFaults = <A, E, R>(
  body: (
    faults: DriverFaulty.FaultKnobs,
    executed: ReadonlyArray<string>
  ) => Effect.Effect<A, E, R | Engine | Store.Store>
) =>
  Effect.gen(function* () {
    const executed: Array<string> = []
    const { driver, faults } = DriverFaulty.make(yield* DriverMemory.make)
    const store = Layer.succeed(Store.Store, Store.make(driver))
    const engine = Layer.provideMerge(
      engineOver([flow], { "step.ts": noting(executed, taking(1_000)) }),
      store
    )
    return yield* Effect.provide(body(faults, executed), engine)
  })

describe("a store that fails commits", () => {
  it.effect("fails the dispatch that it refuses, and the same event is accepted later", () =>
    withFaults((faults, executed) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const store = yield* Store.Store
        yield* faults.failBefore(1)
        expect(yield* Effect.flip(engine.dispatch(event("e1")))).toMatchObject({ _tag: "StoreError" })
        expect(Option.isNone(yield* store.load(Events, "e1"))).toBe(true)
        expect((yield* engine.dispatch(event("e1"))).status).toBe("accepted")
        yield* faults.failAfter(0)
        yield* TestClock.adjust("2 seconds")
        expect(executed).toEqual(["e1"])
      })
    )
  )

  it.effect("executes an event once that two dispatch at the same time, whoever wins the commit", () =>
    withFaults((faults, executed) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        // Both units have claimed the run when they meet.
        yield* faults.delay("1 second")
        const both = yield* Effect.fork(
          Effect.all([engine.dispatch(event("e1")), engine.dispatch(event("e1"))], { concurrency: 2 })
        )
        yield* untilLater(500, Fiber.poll(both), Option.isSome)
        const outcomes = yield* Fiber.join(both)
        expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["accepted", "duplicate"])
        yield* faults.delay("0 seconds")
        yield* TestClock.adjust("30 seconds")
        expect(executed).toEqual(["e1"])
      })
    )
  )

  it.effect("answers duplicate where it wrote the event although it said no, and the runs are there", () =>
    withFaults((faults, executed) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        yield* faults.failAfter(1)
        expect(yield* Effect.flip(engine.dispatch(event("e1")))).toMatchObject({ _tag: "StoreError" })
        const again = yield* engine.dispatch(event("e1"))
        expect(again).toMatchObject({ status: "duplicate", matched: 1 })
        yield* TestClock.adjust("2 seconds")
        yield* engine.awaitRuns(again.runIds)
        expect(executed).toEqual(["e1"])
      })
    )
  )

  for (const knob of ["failBefore", "failAfter", "conflict"] as const) {
    it.effect(`(${knob}) at the claim: the run is claimed again and executed once`, () =>
      withFaults((faults, executed) =>
        Effect.gen(function* () {
          const engine = yield* Engine
          const runId = yield* dispatchOne(event("e1"))
          yield* faults[knob](1)
          const waiting = yield* Effect.fork(engine.awaitRuns([runId]))
          yield* TestClock.adjust("2 minutes")
          const [run] = yield* Fiber.join(waiting)
          expect(run?.processStatus).toBe("completed")
          expect(executed).toEqual(["e1"])
        })
      )
    )

    it.effect(`(${knob}) at the end: the end is written later, once, and the step does not run again`, () =>
      withFaults((faults, executed) =>
        Effect.gen(function* () {
          const engine = yield* Engine
          const runId = yield* dispatchOne(event("e1"))
          yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
          const count = knob === "failBefore" ? 40 : 1
          yield* faults[knob](count)
          const waiting = yield* Effect.fork(engine.awaitRuns([runId]))
          yield* TestClock.adjust("2 minutes")
          const [run] = yield* Fiber.join(waiting)
          expect(run?.attempts.map(({ status }) => status)).toEqual(["completed"])
          expect(executed).toEqual(["e1"])
        })
      )
    )
  }
})

it.effect("a lease that cannot be renewed once is renewed the next time, and the attempt goes on", () => {
  const executed: Array<string> = []
  let refusals = 0
  const unreliable = (driver: Driver): Driver => ({
    ...driver,
    leases: {
      ...driver.leases,
      renew: (attemptId, token, expiresAt, now) =>
        refusals++ === 0
          ? new StoreError({ operation: "write a lease", reason: "once" })
          : driver.leases.renew(attemptId, token, expiresAt, now)
    }
  })
  return Effect.gen(function* () {
    const engine = yield* Engine
    const runId = yield* dispatchOne(event("e1"))
    const waiting = yield* Effect.fork(engine.awaitRuns([runId]))
    yield* TestClock.adjust("2 minutes")
    const [run] = yield* Fiber.join(waiting)
    expect(run?.attempts).toHaveLength(1)
    expect(refusals).toBeGreaterThan(2)
  }).pipe(
    Effect.provide(
      Layer.provideMerge(
        engineOver([flow], { "step.ts": noting(executed, taking(90_000)) }),
        Store.layerDriver(Effect.map(DriverMemory.make, unreliable))
      )
    )
  )
})

it.effect("a slot that is freed a while after the end was committed starts the next run", () => {
  const executed: Array<string> = []
  // The driver takes its time to answer the end, which has woken the scheduler long before the slot is free.
  const slowToForget = (driver: Driver): Driver => ({
    ...driver,
    commit: (commit) => {
      const isEnd = commit.facts.some(({ type }) => type === "RunEnded")
      return isEnd ? Effect.zipLeft(driver.commit(commit), Effect.sleep(50)) : driver.commit(commit)
    }
  })
  return Effect.gen(function* () {
    yield* dispatchOne(event("first"))
    yield* dispatchOne(event("second"))
    yield* TestClock.adjust("1 second")
    yield* TestClock.adjust("50 millis")
    yield* until(
      Effect.sync(() => executed.length),
      (count) => count === 2
    )
    yield* TestClock.adjust("2 seconds")
  }).pipe(
    Effect.provide(
      Layer.provideMerge(
        engineOver([flow], { "step.ts": noting(executed, taking(1_000)) }, { concurrency: 1 }),
        Store.layerDriver(Effect.map(DriverMemory.make, slowToForget))
      )
    )
  )
})

it.effect("an engine that breaks down says so", () => {
  const told: Array<unknown> = []
  const logger = Logger.add(Logger.make(({ message }) => void told.push(message)))
  const breaking = (driver: Driver): Driver => ({
    ...driver,
    list: (query) => (query.index === "retry" ? Effect.dieMessage("a bug") : driver.list(query))
  })
  const store = Store.layerDriver(Effect.map(DriverMemory.make, breaking))
  return Effect.gen(function* () {
    yield* until(
      Effect.sync(() => told.join("\n")),
      (text) => text.includes("The engine broke down")
    )
  }).pipe(Effect.provide(Layer.provideMerge(Layer.provideMerge(engineOver([flow], {}), store), logger)))
})
