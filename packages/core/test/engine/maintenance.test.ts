import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { Dispatches } from "../../src/dispatch/Dispatches.ts"
import { Engine } from "../../src/engine/Engine.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { EventId } from "../../src/Ids.ts"
import { MaintenanceAttempts } from "../../src/maintenance/MaintenanceAttempts.ts"
import { Store } from "../../src/store/Store.ts"
import { until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, event, eventType, memoryEngine } from "./support.ts"

const flow = singleStepFlow("maintain", eventType)

describe("maintenance attempts", () => {
  const signal = { ...event("patch:s:e:upstream.release", { repo: "o/r", tag: "v1" }), source: "patch" }

  it.effect("open with a signal's event and conclude from its runs, with candidate refs", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const engine = yield* Engine
      yield* engine.awaitRuns([yield* dispatchOne(signal)])
      const [attempt] = (yield* store.list(MaintenanceAttempts, { index: "byEvent", prefix: [signal.id] }))
        .items
      expect(attempt).toMatchObject({
        status: "changed",
        upstreamRepo: "o/r",
        upstreamTag: "v1",
        candidateRefs: [{ kind: "ref", ref: "refs/heads/candidate/v1" }]
      })
      expect((yield* store.list(Dispatches)).items).toHaveLength(1)
    }).pipe(
      Effect.provide(
        memoryEngine([flow], {
          "maintain.ts": answering({
            status: "changed",
            artifacts: { candidateRefs: ["refs/heads/candidate/v1"] }
          })
        })
      )
    )
  )

  it.effect("one that matches nothing is skipped, with the reason", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      yield* engine.dispatch(signal)
      const [attempt] = (yield* store.list(MaintenanceAttempts)).items
      expect(attempt).toMatchObject({ status: "skipped" })
      expect(attempt?.message).toContain("none of 0 flows")
    }).pipe(Effect.provide(memoryEngine([], {})))
  )

  it.effect("a replay closes the attempt that it replaces", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      yield* engine.dispatch(signal)
      yield* engine.replay(EventId.make(signal.id))
      const { items } = yield* store.list(MaintenanceAttempts, { order: "ascending" })
      expect(items[0]).toMatchObject({ status: "skipped", replacedBy: items[1]?.id })
      expect(items[1]).toMatchObject({ status: "started", operation: "replay" })
    }).pipe(Effect.provide(memoryEngine([flow], { "maintain.ts": () => Effect.never })))
  )

  it.effect("each replay is one attempt and one dispatch record more; the last one stays open", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      yield* engine.dispatch(signal)
      for (let replay = 0; replay < 3; replay++) yield* engine.replay(EventId.make(signal.id))
      const { items } = yield* store.list(MaintenanceAttempts, { order: "ascending" })
      expect(items.map(({ status }) => status)).toEqual(["skipped", "skipped", "skipped", "started"])
      expect(items.map(({ replacedBy }) => replacedBy)).toEqual([
        ...items.slice(1).map(({ id }) => id),
        undefined
      ])
      const dispatches = (yield* store.list(Dispatches, { order: "ascending" })).items
      expect(dispatches.map(({ id }) => `${id}`.slice(signal.id.length))).toEqual([
        ":dispatch:0",
        ":replay:1",
        ":replay:2",
        ":replay:3"
      ])
    }).pipe(Effect.provide(memoryEngine([flow], { "maintain.ts": () => Effect.never })))
  )

  it.effect("a canceled run concludes its attempt as failed, and an event of another source opens none", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      yield* engine.dispatch({ ...signal, id: "other", source: "hand" })
      expect((yield* store.list(MaintenanceAttempts)).items).toEqual([])
      const runId = yield* dispatchOne(signal)
      yield* engine.cancel(runId)
      const attempts = Effect.map(store.list(MaintenanceAttempts), ({ items }) => items)
      const [attempt] = yield* until(attempts, (items) => items.every(({ status }) => status !== "started"))
      expect(attempt).toMatchObject({ status: "failed", workspaceRunStatuses: { [runId]: "canceled" } })
    }).pipe(Effect.provide(memoryEngine([flow], { "maintain.ts": () => Effect.never })))
  )

  it.effect("a result that asks for a person concludes the attempt so, with its message", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      yield* engine.awaitRuns([yield* dispatchOne(signal)])
      const [attempt] = (yield* store.list(MaintenanceAttempts)).items
      expect(attempt).toMatchObject({
        status: "needs_intervention",
        message: "patch/2 conflicts",
        error: "patch/2 conflicts"
      })
    }).pipe(
      Effect.provide(
        memoryEngine([flow], {
          "maintain.ts": () =>
            Effect.succeed({
              ...ExecutorMemory.exited(1),
              error: "patch/2 conflicts",
              result: { status: "needs_intervention", message: "patch/2 conflicts" }
            })
        })
      )
    )
  )
})
