/** No run may be without a wake source: what each run that has not ended waits for, and a search for histories that leave one stuck. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as Engine from "../../src/engine/Engine.ts"
import type * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { exited } from "../../src/executor/ExecutorMemory.ts"
import { type EventId, LeaseToken, makeAttemptId, type RunId } from "../../src/Ids.ts"
import { Limits } from "../../src/limit/Limits.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import {
  answering,
  dispatchOne,
  engineOver,
  event,
  eventType,
  memoryEngine,
  runOf,
  taking
} from "./support.ts"

const flow = singleStepFlow("step", eventType, {
  concurrencyKey: "/payload/key",
  retry: { maxAttempts: 2, backoffMillis: 60_000, on: ["lost", "failed"] }
})
const asks = { status: "blocked", artifacts: { approval: { prompt: "Go on?" } } } as const

/** What a step does is what its event says. */
const steps: Readonly<Record<string, ExecutorMemory.MemoryStep>> = {
  "step.ts": (invocation, print) => {
    const { does } = invocation.event.payload as { readonly does: string }
    if (does === "hang") return Effect.never
    if (does === "fail") return Effect.succeed(exited(1))
    if (does === "ask" && invocation.approval === undefined) return answering(asks)(invocation, print)
    return does === "take time" ? taking(20_000)(invocation, print) : answering()(invocation, print)
  }
}

const report = (all = true) => Effect.flatMap(Engine.Engine, ({ stuckRuns }) => stuckRuns({ all }))

describe("a run that has not ended", () => {
  it.effect("waits for a slot, its worker, a time, or an approval; the report says which", () =>
    Effect.gen(function* () {
      const ask = (id: string, does: string, key = id) => dispatchOne(event(id, { does, key }))
      const held = yield* ask("held", "hang")
      const slot = yield* ask("slot", "hang", "held")
      const time = yield* ask("time", "fail")
      const approval = yield* ask("approval", "ask")
      const done = yield* ask("done", "nothing")
      yield* until(runOf(done), ({ processStatus }) => processStatus === "completed")
      yield* until(runOf(time), ({ retryAt }) => retryAt !== undefined)
      const { counts, runs } = yield* report()
      expect(counts).toEqual({ Slot: 1, Lease: 1, Time: 1, Approval: 1, Stuck: 0 })
      const wakes = new Map(runs.map(({ runId, wake }) => [runId, wake]))
      const until30 = "1970-01-01T00:00:30.000Z"
      expect(wakes.get(held)).toEqual({ _tag: "Lease", workerId: "w", until: until30 })
      expect(wakes.get(slot)).toEqual({ _tag: "Slot" })
      expect(wakes.get(time)?._tag).toBe("Time")
      expect(wakes.get(approval)).toEqual({ _tag: "Approval", prompt: "Go on?" })
      expect(wakes.has(done)).toBe(false)
      expect((yield* report(false)).runs).toEqual([])
    }).pipe(Effect.provide(memoryEngine([flow], steps, { workerId: "w" })))
  )

  it.effect("is stuck without a lease that holds, and behind a limit whose holder is not under way", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const ids = ["no lease", "run out", "foreign", "limited"]
      const runIds = yield* Effect.forEach(ids, (id) => dispatchOne(event(id, { does: "", key: id })))
      const [noLease, runOut, foreign, limited] = runIds
      if (!noLease || !runOut || !foreign || !limited) return yield* Effect.dieMessage("four runs")
      for (const runId of [noLease, runOut, foreign]) {
        yield* store.transact((unit) =>
          unit.execute(Runs, runId, {
            _tag: "StartAttempt",
            workerId: "dead",
            leaseToken: LeaseToken.make("t"),
            now: 0
          })
        )
      }
      const lease = { token: "t", workerId: "dead", expiresAt: 0 }
      yield* store.driver.leases.put(makeAttemptId(runOut, 1), lease)
      yield* store.driver.leases.put(makeAttemptId(foreign, 1), { ...lease, token: "x", expiresAt: 9 })
      yield* store.transact((unit) =>
        unit.execute(Limits, 'key /payload/key="limited"', { _tag: "Take", runId: "gone" as RunId })
      )
      const { counts, runs } = yield* report(false)
      expect(counts.Stuck).toBe(4)
      const reasons = new Map(
        runs.map(({ runId, wake }) => [runId, wake._tag === "Stuck" ? wake.reason : ""])
      )
      expect(reasons.get(noLease)).toContain("worker dead has no lease")
      expect(reasons.get(runOut)).toContain("ran out at 1970-01-01")
      expect(reasons.get(foreign)).toContain("not that of its attempt")
      expect(reasons.get(limited)).toContain("held by run gone")
    }).pipe(Effect.provide(memoryEngine([flow], steps, { runs: false })))
  )
})

type Action =
  | { readonly _tag: "dispatch"; readonly does: string; readonly key: string }
  | { readonly _tag: "cancel" | "decide" | "replay" | "forget lease"; readonly index: number }
  | { readonly _tag: "wait"; readonly seconds: number }
  | { readonly _tag: "stop now" | "start again" }

const index = FastCheck.nat({ max: 5 })
const actions = FastCheck.array(
  FastCheck.oneof(
    FastCheck.record({
      _tag: FastCheck.constant("dispatch" as const),
      does: FastCheck.constantFrom("hang", "fail", "ask", "take time", "nothing"),
      key: FastCheck.constantFrom("a", "b")
    }),
    FastCheck.record({
      _tag: FastCheck.constantFrom(
        "cancel" as const,
        "decide" as const,
        "replay" as const,
        "forget lease" as const
      ),
      index
    }),
    FastCheck.record({
      _tag: FastCheck.constant("wait" as const),
      seconds: FastCheck.constantFrom(1, 15, 40, 90)
    }),
    FastCheck.record({
      _tag: FastCheck.constantFrom("stop now" as const, "start again" as const)
    })
  ) satisfies FastCheck.Arbitrary<Action>,
  { maxLength: 16 }
)

/** An engine that is started and stopped while its store stays, and what is stuck at the end. */
const history = (sequence: ReadonlyArray<Action>) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const runIds: Array<RunId> = []
    const eventIds: Array<EventId> = []
    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(engineOver([flow], steps, { concurrency: 3 }), scope)
      const engine = yield* Effect.provide(Engine.Engine, context)
      return { engine, close: Scope.close(scope, Exit.void) }
    })
    let current = yield* start
    for (const [step, action] of sequence.entries()) {
      const runId = "index" in action ? runIds[action.index] : undefined
      switch (action._tag) {
        case "dispatch": {
          const outcome = yield* current.engine.dispatch(event(`e${step}`, action))
          runIds.push(...outcome.runIds)
          eventIds.push(outcome.eventId)
          break
        }
        case "cancel":
          if (runId !== undefined) yield* Effect.either(current.engine.cancel(runId))
          break
        case "decide":
          if (runId !== undefined)
            yield* Effect.either(current.engine.decide(runId, { decision: "approved" }))
          break
        case "replay": {
          const eventId = eventIds[action.index]
          if (eventId !== undefined) runIds.push(...(yield* current.engine.replay(eventId)).runIds)
          break
        }
        case "forget lease":
          if (runId !== undefined) {
            const run = yield* runOf(runId)
            yield* store.driver.leases.remove(makeAttemptId(runId, run.attempts.length))
          }
          break
        case "wait":
          yield* TestClock.adjust(`${action.seconds} seconds`)
          break
        case "stop now":
          yield* current.engine.stopNow
          break
        default:
          yield* current.close
          current = yield* start
      }
      yield* turns(20)
    }
    yield* current.close
    current = yield* start
    // Two leases' time: what is lost is found by then.
    yield* TestClock.adjust("61 seconds")
    yield* turns(50)
    const { counts, runs } = yield* current.engine.stuckRuns()
    yield* current.engine.stopNow
    yield* current.close
    return { stuck: counts.Stuck, runs }
  })

it.live(
  "no history of dispatches, cancels, decisions, replays, lost leases and stops leaves a run stuck",
  () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(actions, async (sequence) => {
          const found = await Effect.runPromise(
            history(sequence).pipe(
              Effect.provide(Store.layerMemory),
              Effect.scoped,
              Effect.provide(TestContext.TestContext)
            )
          )
          expect(found).toEqual({ stuck: 0, runs: [] })
        }),
        { numRuns: 60 }
      )
    )
)
