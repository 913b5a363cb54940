/** Limits and recovery where several engines share a store, and turns between keys where one engine serves many. */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Engine from "../../src/engine/Engine.ts"
import type { EngineOptions } from "../../src/engine/EngineOptions.ts"
import type * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import type { Flow } from "../../src/flow/Flow.ts"
import { LeaseToken } from "../../src/Ids.ts"
import { Limits } from "../../src/limit/Limits.ts"
import { Runs } from "../../src/run/Runs.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { untilLater } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

/** A driver whose every operation lets the other engine take a turn first, so that their claims meet. */
const slow = (driver: Driver): Driver => {
  const later = <A, E>(effect: Effect.Effect<A, E>) => Effect.zipRight(Effect.yieldNow(), effect)
  return {
    ...driver,
    commit: (commit) => later(driver.commit(commit)),
    load: (view, key, stream) => later(driver.load(view, key, stream)),
    list: (query) => later(driver.list(query))
  }
}
const slowStore = Store.layerDriver(Effect.map(DriverMemory.make, slow))

const keyed = (overrides: Parameters<typeof singleStepFlow>[2] = {}): Flow =>
  singleStepFlow("step", eventType, { concurrencyKey: "/payload/repo", ...overrides })

/** A step that counts how many of its kind are under way at once. */
const counting =
  (counts: { now: number; most: number }, millis: number): ExecutorMemory.MemoryStep =>
  (invocation, print) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        counts.now += 1
        counts.most = Math.max(counts.most, counts.now)
      }),
      () => taking(millis)(invocation, print),
      () => Effect.sync(() => (counts.now -= 1))
    )

for (const [name, flow, options, most] of [
  ["a concurrency key of one place", keyed(), {}, 1],
  ["a concurrency key of three places", keyed({ concurrency: 3 }), {}, 3],
  ["a flow", singleStepFlow("step", eventType), { concurrencyPerFlow: 2 }, 2]
] as const satisfies ReadonlyArray<readonly [string, Flow, EngineOptions, number]>) {
  it.effect(`two engines that share a store do not exceed the limit of ${name} together`, () => {
    const counts = { now: 0, most: 0 }
    const steps = { "step.ts": counting(counts, 5) }
    return Effect.gen(function* () {
      const store = yield* Store.Store
      const engines = yield* Effect.forEach(["one", "two"], (workerId) =>
        Layer.build(engineOver([flow], steps, { workerId, concurrency: 4, ...options }))
      )
      const [first] = engines
      if (first === undefined) return yield* Effect.dieMessage("no engine")
      const runIds = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => `e${n}`),
        (id) => Effect.provide(dispatchOne(event(id, { repo: "x" })), first)
      )
      const runs = yield* untilLater(5, Effect.forEach(runIds, runOf), (all) =>
        all.every(({ processStatus }) => processStatus === "completed")
      )
      expect(counts.most).toBe(most)
      expect(runs.every(({ attempts }) => attempts.length === 1)).toBe(true)
      const { items } = yield* store.list(Limits)
      expect(items).toEqual([{ holders: [] }])
    }).pipe(Effect.provide(slowStore))
  })
}

it.effect(
  "runs of other keys take turns with a key that has hundreds waiting, and priority goes first",
  () => {
    const order: Array<string> = []
    const flow = keyed({ concurrency: 10 })
    const high = singleStepFlow("high", "high", { priority: 5 })
    const steps = { "step.ts": noting(order, taking(10)), "high.ts": noting(order, taking(10)) }
    return Effect.gen(function* () {
      // Everything waits before anything runs.
      yield* Effect.gen(function* () {
        for (let n = 0; n < 300; n++) yield* dispatchOne(event(`a${n}`, { repo: "a" }))
        for (let n = 0; n < 3; n++) yield* dispatchOne(event(`b${n}`, { repo: "b" }))
        yield* dispatchOne(event("c0", { repo: "c" }))
        yield* dispatchOne(event("first", {}, "high"))
      }).pipe(Effect.provide(engineOver([flow, high], steps, { runs: false })))
      yield* Layer.build(engineOver([flow, high], steps, { concurrency: 2 }))
      yield* untilLater(
        10,
        Effect.sync(() => order.length),
        (count) => count >= 12
      )
      const started = order.slice(0, 12)
      expect(started[0]).toBe("first")
      for (const id of ["b0", "b1", "b2", "c0"]) expect(started).toContain(id)
      expect(started.filter((id) => id.startsWith("a"))).toEqual(["a0", "a1", "a2", "a3", "a4", "a5", "a6"])
    }).pipe(Effect.provide(Store.layerMemory))
  }
)

it.effect("two engines that start at once recover each run once", () => {
  const flow = singleStepFlow("step", eventType, {
    retry: { maxAttempts: 2, backoffMillis: 0, on: ["lost"] }
  })
  const executed: Array<string> = []
  const steps = { "step.ts": noting(executed, answering()) }
  return Effect.gen(function* () {
    const store = yield* Store.Store
    const runIds = yield* Effect.forEach(
      Array.from({ length: 20 }, (_, n) => `e${n}`),
      (id) => dispatchOne(event(id))
    ).pipe(Effect.provide(engineOver([flow], {}, { runs: false })))
    yield* Effect.forEach(runIds, (runId) =>
      store.transact((unit) =>
        unit.execute(Runs, runId, {
          _tag: "StartAttempt",
          workerId: "dead",
          leaseToken: LeaseToken.make(`of ${runId}`),
          now: 0
        })
      )
    )
    // Both recover before either is there: time has to move for the one that loses a race and tries again.
    yield* Effect.forkScoped(
      Effect.forEach(
        ["one", "two"],
        (workerId) => Layer.build(engineOver([flow], steps, { workerId, concurrency: 3 })),
        { concurrency: "unbounded" }
      )
    )
    const runs = yield* untilLater(5, Effect.forEach(runIds, runOf), (all) =>
      all.every(({ processStatus }) => processStatus === "completed")
    )
    for (const run of runs) {
      expect(run.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
      const facts = yield* store.driver.readStream(`run/${run.id}`, 0, 100)
      expect(facts.filter(({ type }) => type === "AttemptEnded")).toHaveLength(2)
    }
    expect(executed).toHaveLength(20)
  }).pipe(Effect.provide(slowStore))
})

it.effect(
  "an engine that claims only its own runs leaves those of others queued, follow-ups are its own",
  () => {
    const executed: Array<string> = []
    const flow = singleStepFlow("step", eventType)
    const steps = {
      "step.ts": noting(executed, (invocation, print) =>
        answering(
          invocation.event.id === "mine"
            ? { status: "changed", next: [{ id: "follow-up", type: eventType }] }
            : { status: "completed" }
        )(invocation, print)
      )
    }
    return Effect.gen(function* () {
      const left = yield* dispatchOne(event("left")).pipe(
        Effect.provide(engineOver([flow], steps, { runs: false }))
      )
      const own = yield* Layer.build(engineOver([flow], steps, { claims: "own" }))
      const engine = yield* Effect.provide(Engine.Engine, own)
      const { runIds } = yield* engine.dispatch(event("mine"))
      yield* engine.awaitRuns(runIds)
      const followUp = yield* engine.dispatch(event("follow-up"))
      expect(followUp.status).toBe("duplicate")
      yield* engine.awaitRuns(followUp.runIds)
      yield* TestClock.adjust("2 minutes")
      expect(executed).toEqual(["mine", "follow-up"])
      expect((yield* runOf(left)).processStatus).toBe("queued")
    }).pipe(Effect.provide(Store.layerMemory))
  }
)
