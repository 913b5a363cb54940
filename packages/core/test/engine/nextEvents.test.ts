import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import { followUpsMax } from "../../src/engine/FollowUps.ts"
import { Events } from "../../src/event/Events.ts"
import type { MemoryStep } from "../../src/executor/ExecutorMemory.ts"
import { makeFollowUpEventId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { until } from "../../src/testing/ClockSteps.ts"
import * as DriverFaulty from "../../src/testing/DriverFaulty.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, memoryEngine, runOf } from "./support.ts"

const flow = singleStepFlow("asks", eventType)
const engineAsking = (next: ReadonlyArray<unknown>) =>
  memoryEngine([flow], { "asks.ts": answering({ status: "changed", next }) })

const toItsEnd = Effect.gen(function* () {
  const engine = yield* Engine
  const runId = yield* dispatchOne(event("e1"))
  yield* engine.awaitRuns([runId])
  return yield* runOf(runId)
})
const eventIds = Effect.gen(function* () {
  const { items } = yield* (yield* Store.Store).list(Events, { order: "ascending", limit: 500 })
  return items.map((document) => String(document.event.id))
})

describe("the events that a result asks for", () => {
  it.effect("are dispatched in the commit that ends the run, under ids of their own or made ones", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const run = yield* toItsEnd
      const made = makeFollowUpEventId(run.id, 1)
      expect(yield* eventIds).toEqual(["e1", "own", made])
      const rows = yield* store.driver.readAfter(0, 100)
      const ended = rows.findIndex(({ type }) => type === "RunEnded")
      expect(rows.slice(ended).map(({ type }) => type)).toEqual([
        "RunEnded",
        "EventAccepted",
        "EventAccepted"
      ])
      expect(rows[ended + 2]?.stream).toBe(`event/${made}`)
      const { items } = yield* store.list(Events, { index: "byType", prefix: ["b"] })
      expect(items[0]).toMatchObject({ depth: 1, causedBy: { eventId: "e1", runId: run.id } })
    }).pipe(Effect.provide(engineAsking([{ type: "a", id: "own" }, { type: "b" }])))
  )

  it.effect("of a known id are duplicates: of the event itself, or of another in the list", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const run = yield* toItsEnd
      expect(run.processStatus).toBe("completed")
      expect(yield* eventIds).toEqual(["e1", "twice"])
      const facts = (yield* store.history(Events, "twice")).map(({ fact }) => fact._tag)
      expect(facts).toEqual(["EventAccepted", "EventDuplicateDiffered"])
      expect((yield* store.list(Runs)).items).toHaveLength(1)
    }).pipe(
      Effect.provide(
        engineAsking([
          { type: eventType, id: "e1", payload: {} },
          { type: "a", id: "twice" },
          { type: "a", id: "twice" },
          { type: "a", id: "twice", payload: { other: 1 } }
        ])
      )
    )
  )

  const refused: ReadonlyArray<readonly [string, ReadonlyArray<unknown>, string]> = [
    ["that are no events", [{ type: "a" }, { id: "b" }], 'next[1]: Not a flow event: field "type"'],
    ["beyond the limit", Array.from({ length: followUpsMax + 1 }, () => ({ type: "a" })), "at most 100"]
  ]
  for (const [name, next, message] of refused) {
    it.effect(`${name} fail the run without a retry, keep its result, and dispatch none`, () =>
      Effect.gen(function* () {
        const run = yield* toItsEnd
        expect(run).toMatchObject({ processStatus: "failed", result: { status: "changed" } })
        expect(run.error).toContain(message)
        expect(run.attempts).toHaveLength(1)
        expect(yield* eventIds).toEqual(["e1"])
      }).pipe(Effect.provide(engineAsking(next)))
    )
  }

  it.effect("run in a chain of 32 at most; the step that asks for one more fails and says why", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      yield* dispatchOne(event("e1"))
      const failed = yield* until(
        store.list(Runs, { index: "byStatus", prefix: ["failed"] }),
        ({ items }) => items.length > 0
      )
      expect(failed.items[0]?.error).toContain("33 deep, and at most 32")
      expect(yield* eventIds).toHaveLength(33)
    }).pipe(Effect.provide(engineAsking([{ type: eventType }])))
  )

  for (const knob of ["failBefore", "failAfter"] as const) {
    it.effect(`(${knob}) are dispatched once when the commit that ends the run fails`, () =>
      Effect.gen(function* () {
        const { driver, faults } = DriverFaulty.make(yield* DriverMemory.make)
        const asking = answering({ status: "changed", next: [{ type: "a" }] })
        const slow: MemoryStep = (invocation, print) =>
          Effect.zipRight(Effect.sleep(100), asking(invocation, print))
        const engine = engineOver([flow], { "asks.ts": slow })
        yield* Effect.gen(function* () {
          const runId = yield* dispatchOne(event("e1"))
          yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
          yield* faults[knob](1)
          const waiting = yield* Effect.fork(Effect.flatMap(Engine, ({ awaitRuns }) => awaitRuns([runId])))
          yield* TestClock.adjust("5 seconds")
          yield* Fiber.join(waiting)
          expect(yield* eventIds).toEqual(["e1", `next:${runId}:0`])
        }).pipe(Effect.provide(Layer.provideMerge(engine, Layer.succeed(Store.Store, Store.make(driver)))))
      })
    )
  }
})
