import { describe, expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import { Dispatches } from "../../src/dispatch/Dispatches.ts"
import * as Engine from "../../src/engine/Engine.ts"
import type { EngineOptions } from "../../src/engine/EngineOptions.ts"
import { Events } from "../../src/event/Events.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import type { Flow } from "../../src/flow/Flow.ts"
import * as FlowCatalog from "../../src/flow/FlowCatalog.ts"
import { EventId } from "../../src/Ids.ts"
import { MaintenanceAttempts } from "../../src/maintenance/MaintenanceAttempts.ts"
import { Runs } from "../../src/run/Runs.ts"
import { toRunView } from "../../src/run/RunView.ts"
import * as Store from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"

const { succeeded, exited } = ExecutorMemory
const completed: ExecutorMemory.MemoryStep = () => Effect.succeed(succeeded({ status: "completed" }))

/** An engine in memory over these flows and steps. */
const memoryEngine = (
  flows: ReadonlyArray<Flow>,
  steps: Readonly<Record<string, ExecutorMemory.MemoryStep>>,
  options: EngineOptions = {}
) =>
  Engine.layer(options).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Store.layerMemory, FlowCatalog.layerMemory(flows), ExecutorMemory.layer(steps))
    )
  )

const event = (id: string, payload: unknown = {}, type = "thing.happened") => ({ id, type, payload })

/** Dispatches and waits until the runs have ended. */
const dispatchAndAwait = (input: unknown) =>
  Effect.gen(function* () {
    const engine = yield* Engine.Engine
    const outcome = yield* engine.dispatch(input)
    return yield* engine.awaitRuns(outcome.runIds)
  })

describe("dispatch", () => {
  it.effect("an event runs every step that it matches, and the record is there", () =>
    Effect.gen(function* () {
      const [run] = yield* dispatchAndAwait(event("e1"))
      expect(run?.processStatus).toBe("completed")
      const store = yield* Store.Store
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
    }).pipe(
      Effect.provide(memoryEngine([singleStepFlow("answer", "thing.happened")], { "answer.ts": completed }))
    )
  )

  it.effect("a known id runs nothing again; other content is told and leaves one fact", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const store = yield* Store.Store
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
    }).pipe(
      Effect.provide(memoryEngine([singleStepFlow("answer", "thing.happened")], { "answer.ts": completed }))
    )
  )

  it.effect("64 dispatches of one id at once execute once", () => {
    const executions = Ref.unsafeMake(0)
    return Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const outcomes = yield* Effect.all(
        Array.from({ length: 64 }, () => engine.dispatch(event("same"))),
        { concurrency: "unbounded" }
      )
      expect(outcomes.filter(({ status }) => status === "accepted")).toHaveLength(1)
      yield* engine.awaitRuns(outcomes[0]?.runIds ?? [])
      expect(yield* Ref.get(executions)).toBe(1)
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("answer", "thing.happened")], {
          "answer.ts": () =>
            Effect.as(
              Ref.update(executions, (n) => n + 1),
              succeeded({ status: "completed" })
            )
        })
      )
    )
  })

  it.effect("what is not an event is refused with its field, and nothing is recorded", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const store = yield* Store.Store
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
        const engine = yield* Engine.Engine
        const store = yield* Store.Store
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
      const engine = yield* Engine.Engine
      const first = yield* engine.dispatch(event("e1"))
      const second = yield* engine.replay(EventId.make("e1"))
      expect(second.runIds).toHaveLength(1)
      expect(second.runIds).not.toEqual(first.runIds)
      const [run] = yield* engine.awaitRuns(second.runIds)
      expect(run?.generation).toBe(1)
      expect(yield* Effect.flip(engine.replay(EventId.make("none")))).toMatchObject({ _tag: "UnknownEvent" })
    }).pipe(
      Effect.provide(memoryEngine([singleStepFlow("answer", "thing.happened")], { "answer.ts": completed }))
    )
  )
})

describe("attempts", () => {
  it.effect(
    "a failure is retried by its policy, after its wait, and then tells that retries are used up",
    () =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        const store = yield* Store.Store
        const { runIds } = yield* engine.dispatch(event("e1"))
        const waiting = yield* Effect.fork(engine.awaitRuns(runIds))
        yield* Effect.repeat(Effect.yieldNow(), { until: () => true })
        yield* TestClock.adjust("1 second")
        const between = Option.getOrThrow(yield* store.load(Runs, runIds[0] ?? ""))
        expect(toRunView(between, { backend: "memory" }).waitingOn?._tag).toBe("Retry")
        yield* TestClock.adjust("1 minute")
        const [run] = yield* Fiber.join(waiting)
        expect(run?.attempts.map(({ status }) => status)).toEqual(["failed", "failed", "failed"])
        expect(run).toMatchObject({ processStatus: "failed", retriesUsedUp: true })
      }).pipe(
        Effect.provide(
          memoryEngine(
            [
              singleStepFlow("fails", "thing.happened", {
                retry: { maxAttempts: 3, backoffMillis: 2_000, on: ["failed"] }
              })
            ],
            { "fails.ts": () => Effect.succeed(exited(1)) }
          )
        )
      )
  )

  it.effect("a step that does not end is timed out", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const { runIds } = yield* engine.dispatch(event("e1"))
      const waiting = yield* Effect.fork(engine.awaitRuns(runIds))
      yield* TestClock.adjust("1 second")
      const [run] = yield* Fiber.join(waiting)
      expect(run).toMatchObject({ processStatus: "failed", exit: { _tag: "Timeout", timeoutMillis: 500 } })
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("hangs", "thing.happened", { timeoutMillis: 500 })], {
          "hangs.ts": () => Effect.never
        })
      )
    )
  )

  it.effect("cancel ends a queued run at once and interrupts a running one", () => {
    const interrupted = Ref.unsafeMake(false)
    const started = Effect.runSync(Deferred.make<void>())
    return Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const running = yield* engine.dispatch(event("e1"))
      const queued = yield* engine.dispatch(event("e2"))
      yield* Deferred.await(started)
      const [queuedId = running.runIds[0]] = queued.runIds
      const [runningId = queuedId] = running.runIds
      if (queuedId === undefined || runningId === undefined) throw new Error("no runs")
      expect(yield* engine.cancel(queuedId)).toMatchObject({ processStatus: "canceled" })
      yield* engine.cancel(runningId, { by: "operator", reason: "not now" })
      const [run] = yield* engine.awaitRuns([runningId])
      expect(run).toMatchObject({ processStatus: "canceled", exit: { _tag: "Canceled" } })
      expect(yield* Ref.get(interrupted)).toBe(true)
      expect(yield* engine.cancel(runningId)).toMatchObject({ processStatus: "canceled" })
    }).pipe(
      Effect.provide(
        memoryEngine(
          [singleStepFlow("hangs", "thing.happened")],
          {
            "hangs.ts": () =>
              Effect.zipRight(Deferred.succeed(started, undefined), Effect.never).pipe(
                Effect.onInterrupt(() => Ref.set(interrupted, true))
              )
          },
          { concurrency: 1 }
        )
      )
    )
  })

  it.effect("runs that share a concurrency key never overlap, and do not hold back the others", () => {
    const underWay = Ref.unsafeMake(0)
    const most = Ref.unsafeMake(0)
    return Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const outcomes = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        engine.dispatch(event(`same${n}`, { repo: "one" }))
      )
      const other = yield* engine.dispatch(event("other", { repo: "two" }))
      const waiting = yield* Effect.fork(engine.awaitRuns(other.runIds))
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(waiting)).toHaveLength(1)
      yield* TestClock.adjust("10 seconds")
      yield* engine.awaitRuns(outcomes.flatMap(({ runIds }) => runIds))
      expect(yield* Ref.get(most)).toBe(2)
    }).pipe(
      Effect.provide(
        memoryEngine(
          [singleStepFlow("keyed", "thing.happened", { concurrencyKey: "/payload/repo" })],
          {
            "keyed.ts": () =>
              Effect.gen(function* () {
                const now = yield* Ref.updateAndGet(underWay, (n) => n + 1)
                yield* Ref.update(most, (n) => Math.max(n, now))
                yield* Effect.sleep("1 second")
                yield* Ref.update(underWay, (n) => n - 1)
                return succeeded({ status: "completed" })
              })
          },
          { concurrency: 8 }
        )
      )
    )
  })
})

describe("recovery and shutdown", () => {
  it.effect("an engine that stops ends its attempts as lost, and the next engine runs them again", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const runs = Ref.unsafeMake(0)
      const flows = FlowCatalog.layerMemory([
        singleStepFlow("once", "thing.happened", {
          retry: { maxAttempts: 3, backoffMillis: 0, on: ["lost"] }
        })
      ])
      const executor = ExecutorMemory.layer({
        "once.ts": () =>
          Effect.flatMap(
            Ref.updateAndGet(runs, (n) => n + 1),
            (n) => (n === 1 ? Effect.never : Effect.succeed(succeeded({ status: "changed" })))
          )
      })
      const engine = Layer.provide(
        Engine.layer({ shutdownGraceMillis: 0 }),
        Layer.mergeAll(Layer.succeed(Store.Store, store), flows, executor)
      )
      const runIds = yield* Effect.gen(function* () {
        const first = yield* Engine.Engine
        const outcome = yield* first.dispatch(event("e1"))
        yield* Effect.yieldNow().pipe(
          Effect.repeat({ until: () => Effect.map(Ref.get(runs), (n) => n === 1) })
        )
        return outcome.runIds
      }).pipe(Effect.provide(engine))
      const [ended] = yield* Effect.gen(function* () {
        const second = yield* Engine.Engine
        return yield* second.awaitRuns(runIds)
      }).pipe(Effect.provide(engine))
      expect(ended?.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
    }).pipe(Effect.provide(Store.layerMemory))
  )
})

describe("follow-up events", () => {
  it.effect("are dispatched with the end of the run, with ids of their own, and conclude by themselves", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const [run] = yield* dispatchAndAwait(event("e1"))
      const followUp = Option.getOrThrow(yield* store.load(Events, `next:${run?.id}:0`))
      expect(followUp).toMatchObject({ depth: 1, causedBy: { eventId: "e1", runId: run?.id } })
      const rows = yield* store.driver.readAfter(0, 100)
      const ended = rows.find(({ type }) => type === "RunEnded")
      const accepted = rows.find(({ type, stream }) => type === "EventAccepted" && stream.includes("next:"))
      expect(accepted?.position).toBeGreaterThan(ended?.position ?? Number.POSITIVE_INFINITY)
      expect(accepted?.at).toBe(ended?.at ?? Number.NaN)
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("asks", "thing.happened")], {
          "asks.ts": () =>
            Effect.succeed(
              succeeded({ status: "changed", next: [{ type: "thing.changed", payload: { n: 1 } }] })
            )
        })
      )
    )
  )

  it.effect("a chain deeper than 32 is refused with a clear error", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const store = yield* Store.Store
      yield* engine.dispatch(event("e1"))
      const failed = yield* store
        .list(Runs, { index: "byStatus", prefix: ["failed"] })
        .pipe(Effect.repeat({ until: ({ items }) => items.length > 0 }))
      expect(failed.items[0]?.error).toContain("33 deep, and at most 32")
      expect((yield* store.list(Runs, { limit: 500 })).items).toHaveLength(33)
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("echoes", "thing.happened")], {
          "echoes.ts": () =>
            Effect.succeed(succeeded({ status: "completed", next: [{ type: "thing.happened" }] }))
        })
      )
    )
  )
})

describe("maintenance attempts", () => {
  const signal = { ...event("patch:s:e:upstream.release", { repo: "o/r", tag: "v1" }), source: "patch" }

  it.effect("open with a signal's event and conclude from its runs, with candidate refs", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      yield* dispatchAndAwait(signal)
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
        memoryEngine([singleStepFlow("maintain", "thing.happened")], {
          "maintain.ts": () =>
            Effect.succeed(
              succeeded({ status: "changed", artifacts: { candidateRefs: ["refs/heads/candidate/v1"] } })
            )
        })
      )
    )
  )

  it.effect("one that matches nothing is skipped, with the reason", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const store = yield* Store.Store
      yield* engine.dispatch(signal)
      const [attempt] = (yield* store.list(MaintenanceAttempts)).items
      expect(attempt).toMatchObject({ status: "skipped" })
      expect(attempt?.message).toContain("none of 0 flows")
    }).pipe(Effect.provide(memoryEngine([], {})))
  )

  it.effect("a replay closes the attempt that it replaces", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.Engine
      const store = yield* Store.Store
      yield* engine.dispatch(signal)
      yield* engine.replay(EventId.make(signal.id))
      const { items } = yield* store.list(MaintenanceAttempts, { order: "ascending" })
      expect(items[0]).toMatchObject({ status: "skipped", replacedBy: items[1]?.id })
      expect(items[1]).toMatchObject({ status: "started", operation: "replay" })
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("maintain", "thing.happened")], { "maintain.ts": () => Effect.never })
      )
    )
  )
})
