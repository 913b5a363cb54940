/** No wake-up is lost: what waits is looked at again also after a look or a commit that failed. */
import { expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { StoreError } from "../../src/store/Log.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, untilLater } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, runOf } from "./support.ts"

const flow = singleStepFlow("step", eventType)
const steps = { "step.ts": answering({ status: "completed" }) }
const refused = new StoreError({ operation: "read the log", reason: "not now" })

/** An engine that runs over one driver, one that only queues over another of the same store, and the store. */
const enginesOver = (change: (driver: Driver) => Driver) =>
  Effect.gen(function* () {
    const driver = yield* DriverMemory.make
    const storeOf = (of: Driver) => Layer.succeed(Store.Store, Store.make(of))
    const running = engineOver([flow], steps, { concurrency: 1 })
    const queueing = engineOver([flow], steps, { runs: false })
    return {
      runs: yield* Layer.build(Layer.provideMerge(running, storeOf(change(driver)))),
      queues: yield* Layer.build(Layer.provideMerge(queueing, storeOf(driver)))
    }
  })

const isCompleted = ({ processStatus }: { readonly processStatus: string }) => processStatus === "completed"

it.effect("a look at the log that failed is made up for: what was queued meanwhile runs", () =>
  Effect.gen(function* () {
    const faults = { head: 0 }
    const { queues } = yield* enginesOver((driver) => ({
      ...driver,
      head: Effect.suspend(() => {
        if (faults.head === 0) return driver.head
        faults.head -= 1
        return Effect.fail(refused)
      })
    }))
    yield* turns(20)
    faults.head = 1
    const runId = yield* Effect.provide(dispatchOne(event("e1")), queues)
    yield* untilLater(500, Effect.provide(runOf(runId), queues), isCompleted)
    expect(faults.head).toBe(0)
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)

it.effect("slots that a failed commit gives back are given away", () =>
  Effect.gen(function* () {
    const held = yield* Deferred.make<never, StoreError>()
    const knobs = { holds: false, isHeld: false }
    const { queues, runs } = yield* enginesOver((driver) => ({
      ...driver,
      commit: (commit) => {
        if (!knobs.holds) return driver.commit(commit)
        knobs.holds = false
        knobs.isHeld = true
        return Deferred.await(held)
      }
    }))
    // The first dispatch counts the queue, so that the next one may claim its run at once.
    const first = yield* Effect.provide(dispatchOne(event("e0")), runs)
    yield* untilLater(10, Effect.provide(runOf(first), queues), isCompleted)
    knobs.holds = true
    const failing = yield* Effect.fork(
      Effect.flip(Effect.flatMap(Engine, (engine) => engine.dispatch(event("e1"))).pipe(Effect.provide(runs)))
    )
    yield* untilLater(
      10,
      Effect.sync(() => knobs),
      ({ isHeld }) => isHeld
    )
    const waiting = yield* Effect.provide(dispatchOne(event("e2")), queues)
    yield* TestClock.adjust("5 seconds")
    expect((yield* Effect.provide(runOf(waiting), queues)).processStatus).toBe("queued")
    yield* Deferred.fail(held, refused)
    expect(yield* Fiber.join(failing)).toMatchObject({ _tag: "StoreError" })
    yield* untilLater(10, Effect.provide(runOf(waiting), queues), isCompleted)
  })
)
