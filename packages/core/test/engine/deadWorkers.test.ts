/**
 * Workers that are known to be dead, by whoever gives out their names: their attempts do not wait for the end of a lease.
 * What is believed in error does no harm, as the fence is the lease token.
 */
import { expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Engine from "../../src/engine/Engine.ts"
import { deadWorkerLookMillis } from "../../src/engine/Recovery.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { LeaseToken, makeAttemptId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, runOf } from "./support.ts"

const flow = singleStepFlow("step", eventType, { retry: { maxAttempts: 3, backoffMillis: 0, on: ["lost"] } })

/** Leaves a run behind that a worker has claimed under a lease of an hour. */
const leasedRun = (eventId: string, workerId: string) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const runId = yield* dispatchOne(event(eventId)).pipe(
      Effect.provide(engineOver([flow], {}, { runs: false }))
    )
    const token = LeaseToken.make(`token of ${workerId}`)
    yield* store.transact((transaction) =>
      transaction.execute(Runs, runId, { _tag: "StartAttempt", workerId, leaseToken: token, now: 0 })
    )
    const lease = { token, workerId, expiresAt: 3_600_000 }
    yield* store.driver.leases.put(makeAttemptId(runId, 1), lease)
    return runId
  })

/** Knows of these workers that they are dead; the set may grow. */
const knowing = (dead: ReadonlySet<string>) => ({
  isWorkerDead: (workerId: string) => Effect.sync(() => dead.has(workerId))
})

it.effect(
  "two engines that start at once run again what a dead worker had, once, and leave a living one alone",
  () => {
    const executed: Array<string> = []
    const dead = new Set(["dead"])
    const open = (workerId: string) =>
      Layer.build(engineOver([flow], { "step.ts": noting(executed) }, { workerId, ...knowing(dead) }))
    return Effect.gen(function* () {
      const ids = Array.from({ length: 12 }, (_, n) => `e${n}`)
      const runIds = yield* Effect.forEach(ids, (id) => leasedRun(id, "dead"))
      const living = yield* leasedRun("living", "alive")
      yield* Effect.all([open("one"), open("two")], { concurrency: 2 })
      const runs = yield* until(Effect.forEach(runIds, runOf), (all) =>
        all.every(({ processStatus }) => processStatus === "completed")
      )
      expect(runs.map(({ attempts }) => attempts.map(({ status }) => status))).toEqual(
        runs.map(() => ["lost", "completed"])
      )
      expect(executed.toSorted()).toEqual(ids.toSorted())
      expect((yield* runOf(living)).attempts).toMatchObject([{ status: "running", workerId: "alive" }])
    }).pipe(Effect.provide(Store.layerMemory))
  }
)

it.effect("a worker that dies while another engine runs is noticed within seconds", () => {
  const executed: Array<string> = []
  const dead = new Set<string>()
  return Effect.gen(function* () {
    const runId = yield* leasedRun("e1", "neighbour")
    yield* Layer.build(engineOver([flow], { "step.ts": noting(executed) }, knowing(dead)))
    yield* TestClock.adjust(deadWorkerLookMillis * 3)
    yield* turns()
    expect(executed).toEqual([])
    dead.add("neighbour")
    yield* TestClock.adjust(deadWorkerLookMillis)
    const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "completed")
    expect(run.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
    expect(executed).toEqual(["e1"])
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("a worker that is believed dead in error ends nothing any more", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const late = () => Effect.as(Deferred.await(gate), ExecutorMemory.succeeded({ status: "changed" }))
    yield* Layer.build(engineOver([flow], { "step.ts": late }, { workerId: "slandered" }))
    const other = yield* Engine.Engine.pipe(
      Effect.provide(
        yield* Layer.build(
          engineOver([flow], { "step.ts": answering() }, { runs: false, ...knowing(new Set(["slandered"])) })
        )
      )
    )
    const { runIds } = yield* other.dispatch(event("e1"))
    const [runId] = runIds
    if (runId === undefined) return yield* Effect.dieMessage("no run")
    yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
    expect(yield* other.recover).toEqual([runId])
    yield* Deferred.succeed(gate, undefined)
    const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "completed")
    expect(run.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
    expect(run.lateWrites).toMatchObject([{ attemptId: run.attempts[0]?.id }])
  }).pipe(Effect.provide(Store.layerMemory))
)
