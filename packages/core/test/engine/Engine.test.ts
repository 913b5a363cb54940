import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Engine } from "../../src/engine/Engine.ts"
import { Events } from "../../src/event/Events.ts"
import { EventId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import { toRunView } from "../../src/run/RunView.ts"
import { Store } from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, event, eventType, memoryEngine, noting } from "./support.ts"

const flow = singleStepFlow("answer", eventType)

/** Dispatches and waits until the runs have ended. */
const dispatchAndAwait = (input: unknown) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const outcome = yield* engine.dispatch(input)
    return yield* engine.awaitRuns(outcome.runIds)
  })

describe("dispatch", () => {
  it.effect("an event runs every step that it matches, and the record is there", () =>
    Effect.gen(function* () {
      const [run] = yield* dispatchAndAwait(event("e1"))
      expect(run?.processStatus).toBe("completed")
      const store = yield* Store
      const kept = Option.getOrThrow(yield* store.load(Events, "e1"))
      expect(kept.runIds).toEqual(run === undefined ? [] : [run.id])
      expect(run && toRunView(run, { backend: "memory" })).toMatchObject({
        flowName: "answer",
        stepName: "step",
        status: "completed",
        effectiveStatus: "completed",
        resultStatus: "completed",
        needsAttention: false,
        attemptCount: 1,
        exit: { _tag: "ExitCode", code: 0 }
      })
    }).pipe(Effect.provide(memoryEngine([flow], { "answer.ts": answering() })))
  )

  it.effect("a known id runs nothing again; other content is told and leaves one fact", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      const first = yield* engine.dispatch(event("e1", { a: 1, b: 2 }))
      const again = yield* engine.dispatch({ ...event("e1", { b: 2, a: 1 }), occurredAt: "2026-01-01" })
      expect(again).toEqual({
        status: "duplicate",
        eventId: EventId.make("e1"),
        runIds: first.runIds,
        matched: 1,
        idempotent: true
      })
      const differing = yield* engine.dispatch(event("e1", { a: 2 }))
      yield* engine.dispatch(event("e1", { a: 2 }))
      expect(differing).toMatchObject({ status: "duplicate", payloadDiffers: true, runIds: first.runIds })
      const history = yield* store.history(Events, "e1")
      expect(history.map(({ fact }) => fact._tag)).toEqual(["EventAccepted", "EventDuplicateDiffered"])
      expect((yield* store.list(Runs)).items).toHaveLength(1)
    }).pipe(Effect.provide(memoryEngine([flow], { "answer.ts": answering() })))
  )

  it.effect("64 dispatches of one id at once execute once", () => {
    const executed: Array<string> = []
    return Effect.gen(function* () {
      const engine = yield* Engine
      const outcomes = yield* Effect.all(
        Array.from({ length: 64 }, () => engine.dispatch(event("same"))),
        { concurrency: "unbounded" }
      )
      expect(outcomes.filter(({ status }) => status === "accepted")).toHaveLength(1)
      yield* engine.awaitRuns(outcomes[0]?.runIds ?? [])
      expect(executed).toEqual(["same"])
    }).pipe(Effect.provide(memoryEngine([flow], { "answer.ts": noting(executed) })))
  })

  it.effect("what is not an event is refused with its field, and nothing is recorded", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      const bad: ReadonlyArray<readonly [unknown, string]> = [
        [null, ""],
        [[], ""],
        [{ type: "t" }, "id"],
        [{ id: "", type: "t" }, "id"],
        [{ id: 7, type: "t" }, "id"],
        [{ id: "x".repeat(600), type: "t" }, "id"],
        [{ id: "a\u0000b", type: "t" }, "id"],
        [{ id: "a", type: " " }, "type"],
        [{ id: "a", type: "t", source: 1 }, "source"],
        [{ id: "a", type: "t", payload: { deep: [1n] } }, "payload/deep/0"],
        [{ id: "a", type: "t", payload: "x".repeat(1_048_577) }, "payload"]
      ]
      for (const [input, field] of bad) {
        const error = yield* Effect.flip(engine.dispatch(input))
        expect(error).toMatchObject({ _tag: "InvalidEvent", field })
      }
      expect(yield* store.driver.head).toBe(0)
    }).pipe(Effect.provide(memoryEngine([], {})))
  )

  it.effect(
    "odd but good events are kept as they are: null, arrays, text, a receivedAt of null, extra fields",
    () =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const store = yield* Store
        for (const [id, payload] of [
          ["null", null],
          ["array", [1]],
          ["text", "x"],
          ["zero", 0]
        ] as const) {
          yield* engine.dispatch({ id, type: "t", payload, receivedAt: null, trace: { a: 1 } })
          const { event: kept } = Option.getOrThrow(yield* store.load(Events, id))
          expect(kept.payload).toEqual(payload)
          expect(kept.extra).toEqual({ trace: { a: 1 } })
          expect(kept.receivedAt).toBe("1970-01-01T00:00:00.000Z")
        }
      }).pipe(Effect.provide(memoryEngine([], {})))
  )
})

describe("replay", () => {
  it.effect("adds exactly one generation and keeps what was", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const first = yield* engine.dispatch(event("e1"))
      const second = yield* engine.replay(EventId.make("e1"))
      expect(second.runIds).toHaveLength(1)
      expect(second.runIds).not.toEqual(first.runIds)
      const [run] = yield* engine.awaitRuns(second.runIds)
      expect(run?.generation).toBe(1)
      expect(yield* Effect.flip(engine.replay(EventId.make("none")))).toMatchObject({ _tag: "UnknownEvent" })
    }).pipe(Effect.provide(memoryEngine([flow], { "answer.ts": answering() })))
  )
})

describe("explain", () => {
  it.effect("says for every step whether an event would start it, and records nothing", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      const { steps, broken } = yield* engine.explain(event("e1", {}, "other"))
      expect(steps).toEqual([
        {
          flowName: "answer",
          stepName: "step",
          matched: false,
          reason: `event type other does not match ${eventType}`,
          issues: []
        }
      ])
      expect(broken).toEqual([])
      expect(yield* Effect.flip(engine.explain({ id: "e1" }))).toMatchObject({ _tag: "InvalidEvent" })
      expect(yield* store.driver.head).toBe(0)
    }).pipe(Effect.provide(memoryEngine([flow], {})))
  )
})
