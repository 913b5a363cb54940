import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import { Executor, type OutputChunk, type StepInvocation } from "../../src/executor/Executor.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { EventId, makeAttemptId, makeRunId } from "../../src/Ids.ts"
import { Store } from "../../src/store/Store.ts"
import { turns } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow, stepPlan } from "../../src/testing/flows.ts"
import { dispatchOne, event, eventType, memoryEngine } from "../engine/support.ts"

const eventId = EventId.make("e1")
const runId = makeRunId({ eventId, flowName: "f", stepName: "s", generation: 0 })
const invocation: StepInvocation = {
  flow: { name: "f", version: 1, root: "/f", step: "s" },
  plan: stepPlan("s.ts", { timeoutMillis: 1_000 }),
  event: { id: eventId, type: "t", receivedAt: "1970-01-01T00:00:00.000Z", payload: {} },
  runId,
  attemptId: makeAttemptId(runId, 1),
  replay: false
}
const execute = (onOutput: (chunk: OutputChunk) => Effect.Effect<void> = () => Effect.void) =>
  Effect.flatMap(Executor, (executor) => executor.execute(invocation, { onOutput }))
const out = (text: string): OutputChunk => ({ stream: "stdout", text })

it.effect("a step is the function under its script, and gets the invocation", () =>
  Effect.gen(function* () {
    const outcome = yield* execute()
    expect(outcome).toEqual({
      exit: { _tag: "ExitCode", code: 0 },
      result: { status: "changed", message: runId }
    })
  }).pipe(
    Effect.provide(
      ExecutorMemory.layer({
        "s.ts": ({ runId }) => Effect.succeed(ExecutorMemory.succeeded({ status: "changed", message: runId }))
      })
    )
  )
)

it.effect("a script that is not there is an outcome, not an error", () =>
  Effect.gen(function* () {
    expect(yield* execute()).toMatchObject({
      exit: { _tag: "NotStarted" },
      error: "There is no step at s.ts"
    })
  }).pipe(Effect.provide(ExecutorMemory.layer({})))
)

it.effect("a step that takes too long is interrupted and timed out to the millisecond", () => {
  const interrupted: Array<string> = []
  return Effect.gen(function* () {
    const executing = yield* Effect.fork(execute())
    yield* TestClock.adjust(999)
    expect(interrupted).toEqual([])
    yield* TestClock.adjust(1)
    expect(yield* Fiber.join(executing)).toMatchObject({ exit: { _tag: "Timeout", timeoutMillis: 1_000 } })
    expect(interrupted).toEqual(["step"])
  }).pipe(
    Effect.provide(
      ExecutorMemory.layer({
        "s.ts": () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("step")))
      })
    )
  )
})

it.effect("interrupting is the cancel: it returns when the step is gone", () => {
  const order: Array<string> = []
  return Effect.gen(function* () {
    const executing = yield* Effect.fork(execute())
    yield* turns()
    yield* Fiber.interrupt(executing)
    order.push("returned")
    expect(order).toEqual(["step ended", "returned"])
  }).pipe(
    Effect.provide(
      ExecutorMemory.layer({
        "s.ts": () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => order.push("step ended")))
      })
    )
  )
})

it.effect("output is taken in order, and a slow reader slows the step", () => {
  const taken: Array<string> = []
  return Effect.gen(function* () {
    const slowly = (chunk: OutputChunk) =>
      Effect.zipRight(
        Effect.sleep(10),
        Effect.sync(() => taken.push(chunk.text))
      )
    const executing = yield* Effect.fork(execute(slowly))
    yield* TestClock.adjust(15)
    expect(taken).toEqual(["one"])
    yield* TestClock.adjust(15)
    yield* Fiber.join(executing)
    expect(taken).toEqual(["one", "two", "three"])
  }).pipe(
    Effect.provide(
      ExecutorMemory.layer({
        "s.ts": (_, print) =>
          Effect.as(
            Effect.forEach(["one", "two", "three"], (text) => print(out(text))),
            ExecutorMemory.exited(1)
          )
      })
    )
  )
})

it.effect(
  "through the engine, output stands in the store while the step runs, with its streams and the gap",
  () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const store = yield* Store
      const id = yield* dispatchOne(event("e1"))
      yield* TestClock.adjust(10)
      const read = store.driver.outputs.read(makeAttemptId(id, 1), 0, 100)
      expect((yield* read).map(({ text, stream, at }) => [text, stream, at])).toEqual([
        ["begin", "stderr", 0]
      ])
      const waiting = yield* Effect.fork(engine.awaitRuns([id]))
      yield* TestClock.adjust(100)
      yield* Fiber.join(waiting)
      const records = yield* read
      expect(records.at(-1)).toMatchObject({ text: "end", stream: "stdout", at: 100, offset: 205, bytes: 3 })
      expect(records.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(64)
    }).pipe(
      Effect.provide(
        memoryEngine([singleStepFlow("s", eventType, { outputBytesMax: 64 })], {
          "s.ts": (_, print) =>
            Effect.gen(function* () {
              yield* print({ stream: "stderr", text: "begin" })
              yield* Effect.sleep(100)
              yield* print(out("x".repeat(200)))
              yield* print(out("end"))
              return ExecutorMemory.succeeded({ status: "completed" })
            })
        })
      )
    )
)
