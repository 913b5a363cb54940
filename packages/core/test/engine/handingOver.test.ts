import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import type { MemoryStep } from "../../src/executor/ExecutorMemory.ts"
import type { Flow } from "../../src/flow/Flow.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { turns } from "../../src/testing/ClockSteps.ts"
import * as DriverFaulty from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, taking } from "./support.ts"

/** Queues five runs of a flow, then does something with an engine of one slot that works on them. */
const withQueue = <A, E>(
  flow: Flow,
  step: MemoryStep,
  work: (place: {
    readonly faults: DriverFaulty.FaultKnobs
    readonly finish: Effect.Effect<ReadonlyArray<number>, unknown>
    readonly executed: ReadonlyArray<string>
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const { driver, faults } = DriverFaulty.make(yield* DriverMemory.make)
    const store = Layer.succeed(Store.Store, Store.make(driver))
    const executed: Array<string> = []
    const runIds = yield* Effect.forEach(["e1", "e2", "e3", "e4", "e5"], (id) =>
      dispatchOne(event(id, { repo: "x" }))
    ).pipe(Effect.provide(Layer.provideMerge(engineOver([flow], {}, { runs: false }), store)))
    const before = (yield* faults.commitTimes).length
    const finish = Effect.gen(function* () {
      const engine = yield* Engine
      const runs = yield* engine.awaitRuns(runIds)
      expect(runs.map(({ processStatus }) => processStatus)).toEqual(runIds.map(() => "completed"))
      yield* turns()
      return (yield* faults.commitTimes).slice(before)
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          engineOver([flow], { "step.ts": noting(executed, step) }, { concurrency: 1 }),
          store
        )
      )
    )
    return yield* work({ faults, finish, executed })
  })

const flow = singleStepFlow("step", eventType)
const all = ["e1", "e2", "e3", "e4", "e5"]

describe("an attempt that ends", () => {
  it.effect("hands its slot over in the same commit", () =>
    withQueue(flow, answering(), ({ finish, executed }) =>
      Effect.gen(function* () {
        expect(yield* finish).toHaveLength(1 + all.length)
        expect(executed).toEqual(all)
      })
    )
  )

  it.effect("gives its places back first where it was under limits", () =>
    withQueue(
      singleStepFlow("step", eventType, { concurrencyKey: "/payload/repo", concurrency: 1 }),
      answering(),
      ({ finish, executed }) =>
        Effect.gen(function* () {
          expect(yield* finish).toHaveLength(2 * all.length)
          expect(executed).toEqual(all)
        })
    )
  )

  it.effect("starts what it claimed once, also when its commit was written and failed", () =>
    withQueue(flow, taking(1_000), ({ faults, finish, executed }) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(finish)
        yield* turns()
        expect(executed).toEqual(["e1"])
        yield* faults.failAfter(3)
        for (let second = 0; second < 20; second++) {
          yield* TestClock.adjust("1 second")
          yield* turns()
        }
        yield* Fiber.join(fiber)
        expect(executed).toEqual(all)
      })
    )
  )
})
