import { describe, expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { RunId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import { Store } from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, event, eventType, memoryEngine, noting, runOf } from "./support.ts"

const retrying = singleStepFlow("step", eventType, {
  retry: { maxAttempts: 3, backoffMillis: 60_000, on: ["failed", "lost"] }
})
const running = (runId: RunId) => until(runOf(runId), ({ processStatus }) => processStatus === "running")
const factsOf = (runId: RunId) =>
  Effect.flatMap(Store, (store) => store.history(Runs, runId)).pipe(
    Effect.map((history) => history.map(({ fact }) => fact._tag))
  )

describe("cancel", () => {
  it.effect("of a queued run ends it before it ever runs", () => {
    const executed: Array<string> = []
    return Effect.gen(function* () {
      const engine = yield* Engine
      yield* running(yield* dispatchOne(event("holder")))
      const queued = yield* dispatchOne(event("queued"))
      expect(yield* engine.cancel(queued, { by: "operator", reason: "not now" })).toMatchObject({
        processStatus: "canceled",
        attempts: []
      })
      yield* turns()
      expect(executed).toEqual(["holder"])
      expect(yield* factsOf(queued)).toEqual(["RunQueued", "RunCancelRequested", "RunEnded"])
    }).pipe(
      Effect.provide(
        memoryEngine([retrying], { "step.ts": noting(executed, () => Effect.never) }, { concurrency: 1 })
      )
    )
  })

  it.effect("of a running run interrupts its step, and no retry follows", () => {
    const started: Array<string> = []
    const interrupted: Array<string> = []
    const step = noting(started, () =>
      Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("step")))
    )
    return Effect.gen(function* () {
      const engine = yield* Engine
      const runId = yield* dispatchOne(event("e1"))
      yield* until(
        Effect.sync(() => started.length),
        (count) => count === 1
      )
      expect((yield* engine.cancel(runId)).processStatus).toBe("running")
      const [run] = yield* engine.awaitRuns([runId])
      expect(run).toMatchObject({ processStatus: "canceled", exit: { _tag: "Canceled" } })
      expect(run?.attempts.map(({ status }) => status)).toEqual(["canceled"])
      expect(interrupted).toEqual(["step"])
    }).pipe(Effect.provide(memoryEngine([retrying], { "step.ts": step })))
  })

  it.effect("interrupts the step also when the engine was made where nothing is interrupted", () => {
    const started: Array<string> = []
    return Effect.gen(function* () {
      const layer = memoryEngine([retrying], { "step.ts": noting(started, () => Effect.never) })
      const services = yield* Effect.uninterruptible(Layer.build(layer))
      yield* Effect.gen(function* () {
        const engine = yield* Engine
        const runId = yield* dispatchOne(event("e1"))
        yield* until(
          Effect.sync(() => started.length),
          (count) => count === 1
        )
        yield* engine.cancel(runId)
        const [run] = yield* engine.awaitRuns([runId])
        expect(run?.processStatus).toBe("canceled")
      }).pipe(Effect.provide(services))
    })
  })

  it.effect("of a run that waits for its retry ends it, and the retry never comes", () => {
    const executed: Array<string> = []
    const failing = noting(executed, () => Effect.succeed(ExecutorMemory.exited(1)))
    return Effect.gen(function* () {
      const engine = yield* Engine
      const runId = yield* dispatchOne(event("e1"))
      yield* until(runOf(runId), ({ retryAt }) => retryAt !== undefined)
      expect((yield* engine.cancel(runId)).processStatus).toBe("canceled")
      yield* TestClock.adjust("2 minutes")
      expect(executed).toHaveLength(1)
    }).pipe(Effect.provide(memoryEngine([retrying], { "step.ts": failing })))
  })

  it.effect("of a run that ended is refused, of a canceled one is not, and of none is unknown", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const runId = yield* dispatchOne(event("e1"))
      yield* engine.awaitRuns([runId])
      const error = yield* Effect.flip(engine.cancel(runId))
      expect(error).toMatchObject({ _tag: "RunAlreadyEnded", processStatus: "completed" })
      const unknown = RunId.make("run_none")
      expect(yield* Effect.flip(engine.cancel(unknown))).toMatchObject({ _tag: "UnknownRun" })
      expect(yield* Effect.flip(engine.awaitRuns([unknown]))).toMatchObject({ _tag: "UnknownRun" })
    }).pipe(Effect.provide(memoryEngine([retrying], { "step.ts": answering() })))
  )

  // The step ends and the cancel arrives in every order that turns allow. Whichever comes first decides; never both.
  it.effect("racing with the end leaves one end, and what it says is what happened", () => {
    const gates = new Map<string, Deferred.Deferred<void>>()
    const gated: ExecutorMemory.MemoryStep = ({ event: { id } }) => {
      const gate = gates.get(id)
      const opened = gate === undefined ? Effect.void : Deferred.await(gate)
      return Effect.as(opened, ExecutorMemory.succeeded({ status: "changed" }))
    }
    return Effect.gen(function* () {
      const engine = yield* Engine
      const seen = new Set<string>()
      for (let lead = -12; lead <= 12; lead++) {
        const gate = yield* Deferred.make<void>()
        gates.set(`e${lead}`, gate)
        const runId = yield* dispatchOne(event(`e${lead}`))
        yield* running(runId)
        const wait = (count: number) => (count > 0 ? turns(count) : Effect.void)
        const [canceled] = yield* Effect.all(
          [
            Effect.either(Effect.zipRight(wait(lead), engine.cancel(runId))),
            Effect.zipRight(wait(-lead), Deferred.succeed(gate, undefined))
          ],
          { concurrency: "unbounded" }
        )
        const [run] = yield* engine.awaitRuns([runId])
        const ends = (yield* factsOf(runId)).filter((fact) => fact === "RunEnded")
        expect(ends).toHaveLength(1)
        seen.add(`${run?.processStatus}`)
        if (canceled._tag === "Left") {
          expect(canceled.left._tag).toBe("RunAlreadyEnded")
          expect(run?.processStatus).toBe("completed")
        }
        if (run?.processStatus === "completed") expect(run.result).toEqual({ status: "changed" })
      }
      expect([...seen].sort()).toEqual(["canceled", "completed"])
    }).pipe(Effect.provide(memoryEngine([retrying], { "step.ts": gated })))
  })
})
