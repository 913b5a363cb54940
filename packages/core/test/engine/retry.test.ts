import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import { ExecutorError } from "../../src/executor/Executor.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import type { RetryPolicy } from "../../src/flow/Flow.ts"
import { needsAttention, toRunView } from "../../src/run/RunView.ts"
import { until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, event, eventType, memoryEngine, runOf } from "./support.ts"

const engineWith = (retry: Partial<RetryPolicy>, step: ExecutorMemory.MemoryStep) =>
  memoryEngine(
    [
      singleStepFlow("step", eventType, {
        timeoutMillis: 100,
        retry: { maxAttempts: 2, backoffMillis: 1_000, on: [], ...retry }
      })
    ],
    { "step.ts": step }
  )

const failing: ExecutorMemory.MemoryStep = () => Effect.succeed(ExecutorMemory.exited(1))
const hanging: ExecutorMemory.MemoryStep = () => Effect.never
const broken: ExecutorMemory.MemoryStep = () =>
  Effect.fail(new ExecutorError({ runner: "bun", reason: "no pipes left" }))
const dying: ExecutorMemory.MemoryStep = () => Effect.dieMessage("a bug in the executor")
const throwing: ExecutorMemory.MemoryStep = () => {
  throw new Error("a bug before the effect")
}

/** Runs until it ends, at most five seconds later. */
const toItsEnd = Effect.gen(function* () {
  const engine = yield* Engine
  const runId = yield* dispatchOne(event("e1"))
  const waiting = yield* Effect.fork(engine.awaitRuns([runId]))
  yield* TestClock.adjust("5 seconds")
  yield* Fiber.join(waiting)
  return yield* runOf(runId)
})

describe("what is retried is what the policy names", () => {
  const table = [
    ["failed", failing, "failed", "ExitCode"],
    ["timeout", hanging, "timeout", "Timeout"],
    ["lost", broken, "lost", "Lost"],
    ["lost", dying, "lost", "Lost"],
    ["lost", throwing, "lost", "Lost"]
  ] as const
  const reasons = ["failed", "timeout", "lost"] as const
  for (const [index, [reason, step, status, exit]] of table.entries()) {
    it.effect(`${reason} (${index + 1}): twice when named, and then it needs attention`, () =>
      Effect.gen(function* () {
        const run = yield* toItsEnd
        expect(run.attempts.map((attempt) => attempt.status)).toEqual([status, status])
        expect(run).toMatchObject({ processStatus: "failed", retriesUsedUp: true, exit: { _tag: exit } })
        expect(needsAttention(run)).toBe(true)
      }).pipe(Effect.provide(engineWith({ on: [reason] }, step)))
    )

    it.effect(`${reason} (${index + 1}): once when only the others are`, () =>
      Effect.gen(function* () {
        const run = yield* toItsEnd
        expect(run.attempts.map((attempt) => attempt.status)).toEqual([status])
        expect(run).toMatchObject({ processStatus: "failed", retriesUsedUp: false })
        expect(run.error?.length).toBeGreaterThan(0)
      }).pipe(Effect.provide(engineWith({ on: reasons.filter((other) => other !== reason) }, step)))
    )
  }
})

it.effect("waits double, spread by at most a half, and the run says until when", () =>
  Effect.gen(function* () {
    const runId = yield* dispatchOne(event("e1"))
    let endedAt = 0
    for (const wait of [1_000, 2_000, 4_000, 8_000]) {
      const { retryAt = 0, ...run } = yield* until(runOf(runId), (run) => run.retryAt !== undefined)
      expect(retryAt - endedAt).toBeGreaterThanOrEqual(wait)
      expect(retryAt - endedAt).toBeLessThanOrEqual(wait * 1.5)
      const at = new Date(retryAt).toISOString()
      expect(toRunView({ ...run, retryAt }, { backend: "memory" }).waitingOn).toEqual({ _tag: "Retry", at })
      yield* TestClock.setTime(retryAt - 1)
      expect((yield* runOf(runId)).processStatus).toBe("queued")
      yield* TestClock.setTime(retryAt)
      const attempts = wait / 1_000
      yield* until(runOf(runId), (run) => run.attempts.length > Math.log2(attempts) + 1)
      endedAt = retryAt
    }
  }).pipe(Effect.provide(engineWith({ maxAttempts: 5, on: ["failed"] }, failing)))
)

it.effect(
  "an attempt that succeeds after others failed completes the run, and nothing is left of the failure",
  () => {
    let attempts = 0
    return Effect.gen(function* () {
      const run = yield* toItsEnd
      expect(run).toMatchObject({
        processStatus: "completed",
        result: { status: "changed" },
        retriesUsedUp: false
      })
      expect(run.attempts.map(({ status }) => status)).toEqual(["failed", "failed", "completed"])
      expect(run.error).toBeUndefined()
    }).pipe(
      Effect.provide(
        engineWith({ maxAttempts: 3, on: ["failed"] }, () =>
          Effect.sync(() =>
            ++attempts < 3 ? ExecutorMemory.exited(1) : ExecutorMemory.succeeded({ status: "changed" })
          )
        )
      )
    )
  }
)

it.effect("a result that was printed before the failure is kept, and the status is failed", () =>
  Effect.gen(function* () {
    const run = yield* toItsEnd
    const view = toRunView(run, { backend: "memory" })
    expect(view).toMatchObject({
      processStatus: "failed",
      effectiveStatus: "failed",
      resultStatus: "changed",
      resultPayload: { status: "changed", artifacts: { n: 1 } },
      exit: { _tag: "ExitCode", code: 3 },
      needsAttention: true
    })
  }).pipe(
    Effect.provide(
      engineWith({}, () =>
        Effect.succeed({ ...ExecutorMemory.exited(3), result: { status: "changed", artifacts: { n: 1 } } })
      )
    )
  )
)
