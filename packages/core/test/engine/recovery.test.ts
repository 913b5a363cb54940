import { describe, expect } from "bun:test"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Engine from "../../src/engine/Engine.ts"
import { Executor, type ProcessIdentity } from "../../src/executor/Executor.ts"
import { layer as layerSteps } from "../../src/executor/ExecutorMemory.ts"
import { layerMemory } from "../../src/flow/FlowCatalog.ts"
import { type EventId, LeaseToken, makeAttemptId, type RunId } from "../../src/Ids.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Store from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType, { retry: { maxAttempts: 2, backoffMillis: 0, on: ["lost"] } })

/** Leaves a run behind as an engine does that was killed: claimed, with or without a lease that still holds. */
const abandonedRun = (leasedUntil?: number) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const runId: RunId = yield* dispatchOne(event("e1")).pipe(
      Effect.provide(engineOver([flow], {}, { runs: false }))
    )
    const leaseToken = LeaseToken.make("token of a dead engine")
    yield* store.transact((transaction) =>
      transaction.execute(Runs, runId, { _tag: "StartAttempt", workerId: "dead", leaseToken, now: 0 })
    )
    if (leasedUntil !== undefined) {
      const lease = { token: leaseToken, workerId: "dead", expiresAt: leasedUntil }
      yield* store.driver.leases.put(makeAttemptId(runId, 1), lease)
    }
    return runId
  })

describe("a run that an engine left running", () => {
  it.effect("without a lease is recovered at start and runs again", () => {
    const executed: Array<EventId | string> = []
    return Effect.gen(function* () {
      const runId = yield* abandonedRun()
      yield* Effect.gen(function* () {
        const [run] = yield* (yield* Engine.Engine).awaitRuns([runId])
        expect(run?.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
        expect(run?.attempts[0]?.error).toContain("worker dead stopped without ending it")
        expect(executed).toEqual(["e1"])
      }).pipe(Effect.provide(engineOver([flow], { "step.ts": noting(executed) })))
    }).pipe(Effect.provide(Store.layerMemory))
  })

  it.effect("under a lease that holds is left alone until the lease runs out", () =>
    Effect.gen(function* () {
      const runId = yield* abandonedRun(45_000)
      yield* Effect.gen(function* () {
        const engine = yield* Engine.Engine
        yield* turns()
        expect((yield* runOf(runId)).attempts).toHaveLength(1)
        yield* TestClock.adjust("30 seconds")
        expect(yield* engine.recover).toEqual([])
        expect((yield* runOf(runId)).attempts).toHaveLength(1)
        yield* TestClock.adjust("30 seconds")
        const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "completed")
        expect(run.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
      }).pipe(Effect.provide(engineOver([flow], { "step.ts": answering() })))
    }).pipe(Effect.provide(Store.layerMemory))
  )

  it.effect("that was lost as often as its policy allows ends, and says so", () =>
    Effect.gen(function* () {
      const runId = yield* abandonedRun()
      const store = yield* Store.Store
      const recovered = Effect.flatMap(Engine.Engine, ({ recover }) => recover).pipe(
        Effect.provide(engineOver([flow], {}, { runs: false }))
      )
      expect(yield* recovered).toEqual([runId])
      const leaseToken = LeaseToken.make("token of another dead engine")
      const { retryAt: now = 0 } = yield* runOf(runId)
      yield* store.transact((transaction) =>
        transaction.execute(Runs, runId, { _tag: "StartAttempt", workerId: "dead too", leaseToken, now })
      )
      expect(yield* recovered).toEqual([runId])
      expect(yield* runOf(runId)).toMatchObject({ processStatus: "failed", retriesUsedUp: true })
    }).pipe(Effect.provide(Store.layerMemory))
  )

  it.effect("and whose cancel was asked for ends as canceled, without another attempt", () =>
    Effect.gen(function* () {
      const runId = yield* abandonedRun()
      const store = yield* Store.Store
      yield* store.transact((transaction) => transaction.execute(Runs, runId, { _tag: "Cancel" }))
      yield* Effect.gen(function* () {
        const [run] = yield* (yield* Engine.Engine).awaitRuns([runId])
        expect(run?.processStatus).toBe("canceled")
        expect(run?.attempts).toHaveLength(1)
      }).pipe(Effect.provide(engineOver([flow], { "step.ts": answering() })))
    }).pipe(Effect.provide(Store.layerMemory))
  )
})

/** An executor that notes whose processes it is asked to end. */
const tellingOrphans = (ended: Array<ProcessIdentity | string>) =>
  Layer.map(layerSteps({ "step.ts": answering() }), (context) =>
    Context.make(Executor, {
      ...Context.get(context, Executor),
      endOrphan: (orphan) => Effect.sync(() => void ended.push(orphan)),
      endUnrecorded: (...whose) => Effect.sync(() => void ended.push(...whose))
    })
  )

it.effect("what an attempt has started that names no process is looked for by its id and its engine", () => {
  const ended: Array<ProcessIdentity | string> = []
  return Effect.gen(function* () {
    const runId = yield* abandonedRun()
    yield* Effect.flatMap(Engine.Engine, ({ awaitRuns }) => awaitRuns([runId])).pipe(
      Effect.provide(Layer.provide(Engine.layer(), Layer.merge(layerMemory([flow]), tellingOrphans(ended))))
    )
    expect(ended).toEqual([makeAttemptId(runId, 1), "dead"])
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("the process that only the lease names is ended, and told with the end of its attempt", () => {
  const process = { pid: 7, startTicks: 9 }
  const ended: Array<ProcessIdentity | string> = []
  return Effect.gen(function* () {
    const runId = yield* abandonedRun()
    const store = yield* Store.Store
    const lease = { token: "token of a dead engine", workerId: "dead", expiresAt: 0, process }
    yield* store.driver.leases.put(makeAttemptId(runId, 1), lease)
    const [run] = yield* Effect.flatMap(Engine.Engine, ({ awaitRuns }) => awaitRuns([runId])).pipe(
      Effect.provide(Layer.provide(Engine.layer(), Layer.merge(layerMemory([flow]), tellingOrphans(ended))))
    )
    expect(ended).toEqual([process])
    expect(run?.attempts).toMatchObject([{ status: "lost", process }, { status: "completed" }])
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("more runs than fit on a page are all recovered", () =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const runIds = yield* Effect.forEach(
      Array.from({ length: 120 }, (_, n) => n),
      (n) => dispatchOne(event(`e${n}`))
    ).pipe(Effect.provide(engineOver([flow], {}, { runs: false })))
    yield* Effect.forEach(runIds, (runId) =>
      store.transact((transaction) =>
        transaction.execute(Runs, runId, {
          _tag: "StartAttempt",
          workerId: "dead",
          leaseToken: LeaseToken.make("t"),
          now: 0
        })
      )
    )
    yield* Effect.gen(function* () {
      const runs = yield* (yield* Engine.Engine).awaitRuns(runIds)
      expect(runs.every(({ processStatus }) => processStatus === "completed")).toBe(true)
    }).pipe(Effect.provide(engineOver([flow], { "step.ts": answering() })))
  }).pipe(Effect.provide(Store.layerMemory))
)

it.effect("a step that takes longer than its lease is not recovered: heartbeats renew it", () => {
  const executed: Array<string> = []
  const steps = { "step.ts": noting(executed, taking(100_000)) }
  return Effect.gen(function* () {
    yield* Effect.gen(function* () {
      const runId = yield* dispatchOne(event("e1"))
      // A second engine over the same store looks for lost attempts all the while.
      const other = yield* Engine.Engine.pipe(
        Effect.provide(engineOver([flow], steps, { workerId: "other" }))
      )
      for (let second = 0; second < 100; second += 10) {
        yield* TestClock.adjust("10 seconds")
        expect(yield* other.recover).toEqual([])
      }
      const run = yield* until(runOf(runId), ({ processStatus }) => processStatus === "completed")
      expect(run.attempts).toHaveLength(1)
      expect(executed).toEqual(["e1"])
      const store = yield* Store.Store
      expect(yield* store.driver.leases.get(makeAttemptId(runId, 1))).toBeUndefined()
    }).pipe(Effect.provide(engineOver([flow], steps, { leaseMillis: 15_000 })))
  }).pipe(Effect.provide(Store.layerMemory))
})
