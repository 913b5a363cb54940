import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Engine from "../../src/engine/Engine.ts"
import { makeAttemptId } from "../../src/Ids.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { until, untilLater } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType)

/** A driver whose every operation lets the other fibers take a turn first, as one that reaches a disk does. */
const slow = (driver: Driver): Driver => {
  const later = <A, E>(effect: Effect.Effect<A, E>) => Effect.zipRight(Effect.yieldNow(), effect)
  return {
    ...driver,
    commit: (commit) => later(driver.commit(commit)),
    load: (view, key, stream) => later(driver.load(view, key, stream)),
    list: (query) => later(driver.list(query)),
    head: later(driver.head),
    leases: {
      renew: (attemptId, token, expiresAt, now) =>
        later(driver.leases.renew(attemptId, token, expiresAt, now)),
      take: (attemptId, lease, now) => later(driver.leases.take(attemptId, lease, now)),
      put: (attemptId, lease) => later(driver.leases.put(attemptId, lease)),
      get: (attemptId) => later(driver.leases.get(attemptId)),
      remove: (attemptId) => later(driver.leases.remove(attemptId))
    }
  }
}
const slowStore = Store.layerDriver(Effect.map(DriverMemory.make, slow))

const engineNamed = (workerId: string, executed: Array<string>) =>
  Layer.build(engineOver([flow], { "step.ts": noting(executed, taking(2)) }, { workerId, concurrency: 3 }))

it.effect("two engines over one store execute each run once, while both look for lost attempts", () => {
  const executed: Array<string> = []
  return Effect.gen(function* () {
    const first = yield* engineNamed("one", executed)
    const second = yield* engineNamed("two", executed)
    const ids = Array.from({ length: 16 }, (_, n) => `e${n}`)
    const runIds = yield* Effect.forEach(
      ids,
      (id, index) => Effect.provide(dispatchOne(event(id)), index % 2 === 0 ? first : second),
      { concurrency: 10 }
    )
    const recover = Effect.flatMap(Engine.Engine, ({ recover }) => recover)
    yield* Effect.fork(
      Effect.forever(
        Effect.all([Effect.provide(recover, first), Effect.provide(recover, second), Effect.sleep(1)])
      )
    )
    const runs = yield* untilLater(5, Effect.forEach(runIds, runOf), (all) =>
      all.every(({ processStatus }) => processStatus === "completed")
    )
    expect(runs.every(({ attempts }) => attempts.length === 1)).toBe(true)
    expect(executed.toSorted()).toEqual(ids.toSorted())
    expect(new Set(runs.map(({ attempts }) => attempts[0]?.workerId)).size).toBe(2)
  }).pipe(Effect.provide(slowStore))
})

it.effect("a cancel through one engine ends the run that the other has under way", () => {
  const interrupted: Array<string> = []
  const steps = {
    "step.ts": () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("step")))
  }
  return Effect.gen(function* () {
    yield* Layer.build(engineOver([flow], steps, { workerId: "runs" }))
    const other = yield* Engine.Engine.pipe(
      Effect.provide(yield* Layer.build(engineOver([flow], { "step.ts": answering() }, { runs: false })))
    )
    const { runIds } = yield* other.dispatch(event("e1"))
    const [runId] = runIds
    if (runId === undefined) return yield* Effect.dieMessage("no run")
    yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
    expect(yield* other.cancel(runId, { by: "operator" })).toMatchObject({ cancelRequested: true })
    yield* TestClock.adjust("10 seconds")
    const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "canceled")
    expect(run.exit).toEqual({ _tag: "Canceled" })
    expect(interrupted).toEqual(["step"])
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("an engine whose attempt was recovered by another stops its step and cannot end the run", () => {
  const started: Array<string> = []
  const interrupted: Array<string> = []
  const hang = noting(started, () =>
    Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("step")))
  )
  return Effect.gen(function* () {
    const store = yield* Store.Store
    yield* Layer.build(engineOver([flow], { "step.ts": hang }, { workerId: "cut off" }))
    const other = yield* Engine.Engine.pipe(
      Effect.provide(yield* Layer.build(engineOver([flow], {}, { runs: false, workerId: "other" })))
    )
    const { runIds } = yield* other.dispatch(event("e1"))
    const [runId] = runIds
    if (runId === undefined) return yield* Effect.dieMessage("no run")
    yield* until(
      Effect.sync(() => started.length),
      (count) => count === 1
    )
    // The lease is gone, as when the engine could not renew it in time.
    yield* store.driver.leases.remove(makeAttemptId(runId, 1))
    expect(yield* other.recover).toEqual([runId])
    yield* TestClock.adjust("10 seconds")
    expect(interrupted).toEqual(["step"])
    const run = yield* until(runOf(runId), ({ attempts }) => attempts.length === 2)
    expect(run.attempts.map(({ status }) => status)).toEqual(["lost", "running"])
  }).pipe(Effect.provide(Store.layerMemory))
})
