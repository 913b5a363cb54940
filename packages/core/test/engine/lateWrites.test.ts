/**
 * The zombie matrix: a worker that does not hold its attempt any more wants to write. Each kind of write meets each way of
 * losing the attempt; it must change nothing, be kept as a fact, and be counted on the run.
 */
import { describe, expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { EngineOptions } from "../../src/engine/EngineOptions.ts"
import type { AttemptOutcome } from "../../src/executor/Executor.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { LeaseToken, makeAttemptId, type RunId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import { toRunView } from "../../src/run/RunView.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, noting, runOf } from "./support.ts"

const flow = singleStepFlow("step", eventType, {
  retry: { maxAttempts: 5, backoffMillis: 3_600_000, on: ["lost"] }
})

/** What the step of the late worker does once it is let go: the executor goes on, whatever its engine told it. */
const late = {
  finish: Effect.succeed(ExecutorMemory.succeeded({ status: "changed", message: "all of it" })),
  fail: Effect.succeed(ExecutorMemory.exited(3))
} as const satisfies Record<string, Effect.Effect<AttemptOutcome>>

/** How the attempt is lost; the lease has run out by the clock in each. */
const losses = {
  expired: () => Effect.void,
  taken: (runId: RunId) => endAs(runId, "again"),
  canceled: (runId: RunId) => endAs(runId, "canceled"),
  ended: (runId: RunId) => endAs(runId, "failed")
}

/** Ends the attempt as recovery does, and goes on as it would: with another attempt, or with the end of the run. */
const endAs = (runId: RunId, then: "again" | "canceled" | "failed") =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const { attempts } = yield* runOf(runId)
    const attempt = attempts.at(-1)
    if (attempt === undefined) return yield* Effect.dieMessage("no attempt")
    yield* store.transact((unit) =>
      Effect.gen(function* () {
        if (then === "canceled") yield* unit.execute(Runs, runId, { _tag: "Cancel" })
        yield* unit.execute(Runs, runId, {
          _tag: "EndAttempt",
          attemptId: attempt.id,
          leaseToken: attempt.leaseToken,
          outcome:
            then === "failed"
              ? ExecutorMemory.exited(1)
              : { exit: { _tag: "Lost", reason: "gone" }, error: "gone" },
          now: 0,
          jitter: 0
        })
        unit.putLease(attempt.id, undefined)
        if (then !== "again") return
        const leaseToken = LeaseToken.make("of the other")
        const now = Number.MAX_SAFE_INTEGER
        yield* unit.execute(Runs, runId, { _tag: "StartAttempt", workerId: "other", leaseToken, now })
        const lease = { token: leaseToken, workerId: "other", expiresAt: now }
        unit.putLease(makeAttemptId(runId, 2), lease)
      })
    )
  })

/** An engine whose step waits for the test, cannot be interrupted, and then does what is asked of it. */
const zombie = (
  step: (print: (text: string) => Effect.Effect<void>) => Effect.Effect<AttemptOutcome>,
  options: EngineOptions = {}
) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const started: Array<string> = []
    const memoryStep: ExecutorMemory.MemoryStep = noting(started, (_, print) =>
      Effect.uninterruptible(
        Effect.zipRight(
          Deferred.await(gate),
          step((text) => print({ stream: "stdout", text }))
        )
      )
    )
    // No heartbeat within the test, so that the late write is the first to come.
    const settings = { workerId: "late", leaseMillis: 60_000, ...options }
    const context = yield* Layer.build(engineOver([flow], { "step.ts": memoryStep }, settings))
    const runId = yield* Effect.provide(dispatchOne(event("e1")), context)
    yield* until(
      Effect.sync(() => started.length),
      (count) => count === 1
    )
    return { runId, go: Deferred.succeed(gate, undefined) }
  })

/** The run without what a late write may change. */
const withoutLateWrites = (runId: RunId) =>
  Effect.map(runOf(runId), ({ lateWrites, updatedAt, ...run }) => run)

/** Lets the lease run out, while time stands still: so neither a heartbeat nor a recovery comes in between. */
const expire = (runId: RunId) =>
  Effect.gen(function* () {
    const { driver } = yield* Store.Store
    const { attempts } = yield* runOf(runId)
    const id = makeAttemptId(runId, attempts.length)
    const lease = yield* driver.leases.get(id)
    if (lease === undefined) return yield* Effect.dieMessage("no lease")
    yield* driver.leases.put(id, { ...lease, expiresAt: 0 })
  })

describe("a late worker", () => {
  for (const [loss, lose] of Object.entries(losses)) {
    for (const [write, outcome] of Object.entries(late)) {
      it.effect(`cannot ${write} when its attempt is ${loss}`, () =>
        Effect.gen(function* () {
          const { runId, go } = yield* zombie(() => outcome)
          yield* expire(runId)
          yield* lose(runId)
          const before = yield* withoutLateWrites(runId)
          yield* go
          const run = yield* until(runOf(runId), ({ lateWrites }) => lateWrites !== undefined)
          expect(run.lateWrites).toMatchObject([
            { attemptId: makeAttemptId(runId, 1), kind: "end", reason: loss }
          ])
          expect(run.lateWrites?.[0]?.summary).toBe(
            write === "finish" ? "changed: all of it" : "The step exited with code 3"
          )
          expect(run.result).toBeUndefined()
          // An attempt that nobody had taken over is given up with it, so that the run goes on at once.
          if (loss === "expired") {
            expect(run).toMatchObject({ processStatus: "queued", attempts: [{ status: "lost" }] })
          } else expect(yield* withoutLateWrites(runId)).toEqual(before)
          expect(toRunView(run, { backend: "memory" }).lateWrites).toHaveLength(1)
        }).pipe(Effect.provide(Store.layerMemory))
      )
    }

    it.effect(`cannot add output when its attempt is ${loss}; a flood of it is told once`, () =>
      Effect.gen(function* () {
        const printing = (print: (text: string) => Effect.Effect<void>) =>
          Effect.zipRight(
            Effect.forEach(
              Array.from({ length: 500 }, (_, n) => `late ${n}`),
              print
            ),
            late.finish
          )
        const { runId, go } = yield* zombie(printing)
        yield* expire(runId)
        yield* lose(runId)
        yield* go
        const run = yield* until(runOf(runId), ({ lateWrites }) => lateWrites !== undefined)
        yield* turns()
        expect(run.lateWrites?.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([`output ${loss}`])
        const { driver } = yield* Store.Store
        expect(yield* driver.outputs.read(makeAttemptId(runId, 1), 0, 10)).toEqual([])
        const facts = yield* driver.readStream(`run/${runId}`, 0, 100)
        expect(facts.filter(({ type }) => type === "LateWriteRefused")).toHaveLength(1)
      }).pipe(Effect.provide(Store.layerMemory))
    )

    it.effect(`cannot renew its lease when its attempt is ${loss}, and stops`, () =>
      Effect.gen(function* () {
        const { runId, go } = yield* zombie(() => late.finish, { leaseMillis: 30_000 })
        yield* expire(runId)
        yield* lose(runId)
        const store = yield* Store.Store
        yield* TestClock.adjust("10 seconds")
        const run = yield* until(runOf(runId), ({ lateWrites }) => lateWrites !== undefined)
        expect(run.lateWrites).toMatchObject([{ kind: "heartbeat", reason: loss }])
        const lease = yield* store.driver.leases.get(makeAttemptId(runId, 1))
        expect(lease?.expiresAt ?? 0).toBe(0)
        yield* go
      }).pipe(Effect.provide(Store.layerMemory))
    )
  }
})

it.effect("a worker that writes in time is told of nowhere", () =>
  Effect.gen(function* () {
    const { runId, go } = yield* zombie((print) => Effect.zipRight(print("in time"), late.finish))
    yield* go
    const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "completed")
    expect(run.lateWrites).toBeUndefined()
    const { driver } = yield* Store.Store
    expect(yield* driver.outputs.read(makeAttemptId(runId, 1), 0, 10)).toHaveLength(1)
    expect(yield* driver.leases.get(makeAttemptId(runId, 1))).toBeUndefined()
  }).pipe(Effect.provide(Store.layerMemory))
)
