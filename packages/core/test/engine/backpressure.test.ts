import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Backpressure from "../../src/engine/Backpressure.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { withDefaults } from "../../src/engine/EngineOptions.ts"
import { Events } from "../../src/event/Events.ts"
import { normalizeEvent } from "../../src/event/normalizeEvent.ts"
import { EventId, RunId } from "../../src/Ids.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { StoreError } from "../../src/store/Log.ts"
import * as Store from "../../src/store/Store.ts"
import { until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, memoryEngine, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType)
const full = { queueMax: 3, concurrency: 1 }

it.effect("a full queue refuses what would queue more, and nothing else", () =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store.Store
    for (const id of ["e1", "e2", "e3"]) yield* dispatchOne(event(id))
    const refused = yield* Effect.flip(engine.dispatch(event("e4")))
    expect(refused).toMatchObject({ _tag: "QueueFull", queued: 3, queueMax: 3, retryAfterMillis: 1_000 })
    expect((yield* Effect.flip(engine.replay(EventId.make("e1"))))._tag).toBe("QueueFull")
    expect((yield* store.load(Events, "e4"))._tag).toBe("None")
    expect(yield* engine.dispatch(event("e1"))).toMatchObject({ status: "duplicate", matched: 1 })
    expect(yield* engine.dispatch(event("other", {}, "nobody.asks"))).toMatchObject({ matched: 0 })
    // A signal comes in with what its source remembers, and is not refused.
    const signal = yield* normalizeEvent(event("signal"), 0)
    expect(yield* store.transact((unit) => engine.accept(unit, signal))).toMatchObject({ matched: 1 })
  }).pipe(Effect.provide(memoryEngine([flow], {}, { ...full, runs: false })))
)

it.effect(
  "the bound is of what waits: what is under way does not count, and what is claimed makes room",
  () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const first = yield* dispatchOne(event("e1"))
      yield* until(runOf(first), ({ processStatus }) => processStatus === "running")
      for (const id of ["e2", "e3", "e4"]) yield* dispatchOne(event(id))
      expect((yield* Effect.flip(engine.dispatch(event("e5"))))._tag).toBe("QueueFull")
      yield* TestClock.adjust("1 second")
      yield* until(runOf(first), ({ processStatus }) => processStatus === "completed")
      yield* until(Effect.either(engine.dispatch(event("e5"))), ({ _tag }) => _tag === "Right")
      expect((yield* Effect.flip(engine.dispatch(event("e6"))))._tag).toBe("QueueFull")
    }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": taking(1_000) }, full)))
)

it.effect("the queue is counted once a second at most, whatever is dispatched", () => {
  let counts = 0
  const counting = (driver: Driver): Driver => ({
    ...driver,
    count: (query, max) =>
      Effect.suspend(() => {
        counts += 1
        return driver.count(query, max)
      })
  })
  const store = Store.layerDriver(Effect.map(DriverMemory.make, counting))
  return Effect.gen(function* () {
    const engine = yield* Engine
    for (let n = 0; n < 200; n++) yield* engine.dispatch(event(`e${n}`))
    expect(counts).toBe(1)
    yield* TestClock.adjust("1 second")
    yield* engine.dispatch(event("late"))
    expect(counts).toBe(2)
  }).pipe(Effect.provide(Layer.provideMerge(engineOver([flow], {}, { runs: false }), store)))
})

it.effect("a count that failed is no count: the next dispatch counts again", () => {
  let fails = false
  const failing = (driver: Driver): Driver => ({
    ...driver,
    count: (query, max) =>
      Effect.suspend(() => {
        if (!fails) return driver.count(query, max)
        fails = false
        return new StoreError({ operation: "count documents", reason: "a fault was injected" })
      })
  })
  return Effect.gen(function* () {
    const store = Layer.succeed(Store.Store, Store.make(failing(yield* DriverMemory.make)))
    const anew = Layer.provideMerge(engineOver([flow], {}, { ...full, runs: false }), store)
    yield* Effect.forEach(["e1", "e2", "e3"], (id) => dispatchOne(event(id))).pipe(Effect.provide(anew))
    fails = true
    yield* Effect.gen(function* () {
      const engine = yield* Engine
      expect((yield* Effect.flip(engine.dispatch(event("e4"))))._tag).toBe("StoreError")
      expect((yield* Effect.flip(engine.dispatch(event("e4"))))._tag).toBe("QueueFull")
    }).pipe(Effect.provide(anew))
  })
})

it.effect("a claim that a count has seen already makes no room a second time", () =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const waiting = yield* Effect.forEach(["e1", "e2", "e3"], (id) => dispatchOne(event(id)))
    const { admit, beginUnit, claiming, recount } = yield* Backpressure.make(withDefaults(full, "engine"))
    yield* recount
    const counted = Effect.zipRight(TestClock.adjust("1 second"), recount)
    yield* claiming(Effect.zipRight(engine.cancel(waiting[0] ?? RunId.make("none")), counted), () => 1)
    beginUnit()
    expect([admit(1)._tag, admit(1)._tag]).toEqual(["Right", "Left"])
    yield* claiming(engine.cancel(waiting[1] ?? RunId.make("none")), () => 1)
    beginUnit()
    expect([admit(1)._tag, admit(1)._tag, admit(1)._tag]).toEqual(["Right", "Right", "Left"])
  }).pipe(Effect.provide(memoryEngine([flow], {}, { runs: false })))
)

it.effect("a clock that is set back by an hour does not keep an old count of the queue", () =>
  Effect.gen(function* () {
    const engine = yield* Engine
    yield* TestClock.adjust("2 hours")
    const runIds = yield* Effect.forEach(["e1", "e2", "e3"], (id) => dispatchOne(event(id)))
    yield* TestClock.setTime(3_600_000)
    for (const runId of runIds) yield* engine.cancel(runId)
    expect(yield* engine.dispatch(event("e4"))).toMatchObject({ status: "accepted" })
  }).pipe(Effect.provide(memoryEngine([flow], {}, { ...full, runs: false })))
)

it.effect("who dispatches and who replays stand in the facts and with the event", () =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store.Store
    yield* engine.dispatch(event("e1"), { by: "token:ci" })
    yield* engine.dispatch(event("e1", { other: true }), { by: "token:other" })
    yield* engine.replay(EventId.make("e1"), { by: "ada" })
    const facts = (yield* store.history(Events, "e1")).map(({ fact }) => fact)
    expect(facts).toMatchObject([
      { _tag: "EventAccepted", by: "token:ci" },
      { _tag: "EventDuplicateDiffered", by: "token:other" },
      { _tag: "EventReplayed", by: "ada" }
    ])
    expect(yield* store.load(Events, "e1")).toMatchObject({ value: { dispatchedBy: "token:ci" } })
  }).pipe(Effect.provide(memoryEngine([flow], {}, { runs: false })))
)
