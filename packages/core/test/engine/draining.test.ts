import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Engine from "../../src/engine/Engine.ts"
import type { EngineOptions } from "../../src/engine/EngineOptions.ts"
import type * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import type { RunId } from "../../src/Ids.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType, {
  retry: { maxAttempts: 2, backoffMillis: 0, on: ["lost"] }
})

/** An engine that the test itself stops. */
const startEngine = (step: ExecutorMemory.MemoryStep, options: EngineOptions = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(engineOver([flow], { "step.ts": step }, options), scope)
    const dispatch = (id: string) => Effect.provide(dispatchOne(event(id)), context)
    return { dispatch, context, stop: Scope.close(scope, Exit.void) }
  })

it.effect("a stop lets attempts end within the grace, and starts no others", () => {
  const executed: Array<string> = []
  return Effect.gen(function* () {
    const engine = yield* startEngine(noting(executed, taking(4_000)), {
      shutdownGraceMillis: 5_000,
      concurrency: 1
    })
    const first = yield* engine.dispatch("first")
    const second = yield* engine.dispatch("second")
    yield* until(runOf(first), ({ processStatus }) => processStatus === "running")
    const stopping = yield* Effect.fork(engine.stop)
    yield* turns()
    expect((yield* runOf(first)).processStatus).toBe("running")
    yield* TestClock.adjust(4_000)
    yield* Fiber.join(stopping)
    expect((yield* runOf(first)).processStatus).toBe("completed")
    expect((yield* runOf(second)).processStatus).toBe("queued")
    expect(executed).toEqual(["first"])
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect(
  "after the grace attempts end as lost, the stop returns, and the next engine runs them again",
  () => {
    const executed: Array<string> = []
    const interrupted: Array<string> = []
    const hang = noting(executed, () =>
      Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("step")))
    )
    return Effect.gen(function* () {
      const engine = yield* startEngine(hang, { shutdownGraceMillis: 5_000 })
      const runId = yield* engine.dispatch("e1")
      yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
      const stopping = yield* Effect.fork(engine.stop)
      yield* TestClock.adjust(4_999)
      expect(interrupted).toEqual([])
      yield* TestClock.adjust(1)
      yield* Fiber.join(stopping)
      expect(interrupted).toEqual(["step"])
      expect((yield* runOf(runId)).attempts.map(({ status }) => status)).toEqual(["lost"])
      const next = yield* startEngine(noting(executed, taking(0)))
      yield* Effect.flatMap(Engine.Engine, ({ awaitRuns }) => awaitRuns([runId])).pipe(
        Effect.provide(next.context)
      )
      expect((yield* runOf(runId)).processStatus).toBe("completed")
      expect(executed).toEqual(["e1", "e1"])
      yield* next.stop
    }).pipe(Effect.provide(Store.layerMemory))
  }
)

it.effect("a stop without attempts under way returns at once", () =>
  Effect.gen(function* () {
    const engine = yield* startEngine(taking(0))
    yield* engine.stop
  }).pipe(Effect.provide(Store.layerMemory))
)

it.effect(
  "an immediate stop ends attempts as lost at once, cuts a drain short, claims no more, and loses nothing",
  () => {
    const executed: Array<string> = []
    return Effect.gen(function* () {
      const engine = yield* startEngine(
        noting(executed, () => Effect.never),
        { shutdownGraceMillis: 60_000, concurrency: 2 }
      )
      const { stopNow, drain } = yield* Effect.provide(Engine.Engine, engine.context)
      const runIds = yield* Effect.forEach(["e1", "e2", "e3"], engine.dispatch)
      yield* until(
        Effect.sync(() => executed.length),
        (count) => count === 2
      )
      const draining = yield* Effect.fork(drain)
      yield* turns()
      expect(yield* Effect.forEach(runIds, statusOf)).toEqual(["running", "running", "queued"])
      yield* stopNow
      yield* Fiber.join(draining)
      yield* stopNow
      expect(yield* Effect.forEach(runIds, statusOf)).toEqual(["queued", "queued", "queued"])
      const late = yield* engine.dispatch("e4")
      yield* turns()
      expect(yield* statusOf(late)).toBe("queued")
      yield* engine.stop
      const next = yield* startEngine(noting(executed, taking(0)))
      const { awaitRuns } = yield* Effect.provide(Engine.Engine, next.context)
      const runs = yield* awaitRuns([...runIds, late])
      expect(runs.map(({ processStatus }) => processStatus)).toEqual(runs.map(() => "completed"))
      yield* next.stop
    }).pipe(Effect.provide(Store.layerMemory))
  }
)

const statusOf = (runId: RunId) => Effect.map(runOf(runId), ({ processStatus }) => processStatus)
