/** Restarts of a service: what its stops do to a run that takes longer than the service lives. */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import type { RunId } from "../../src/Ids.ts"
import { stopsMax } from "../../src/run/retry.ts"
import * as Store from "../../src/store/Store.ts"
import { until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, noting, runOf, taking } from "./support.ts"

const flow = singleStepFlow("step", eventType, {
  retry: { maxAttempts: 2, backoffMillis: 60_000, on: ["lost"] }
})

/** A service that lives for so long, in which the run starts at once, and is then stopped without a grace. */
const serviceFor = (millis: number, runId: RunId, executed: Array<string>) =>
  Effect.gen(function* () {
    const before = (yield* runOf(runId)).attempts.length
    yield* until(runOf(runId), ({ attempts }) => attempts.length > before)
    yield* TestClock.adjust(millis)
  }).pipe(Effect.provide(engineOver([flow], { "step.ts": noting(executed, taking(10_000)) })))

const queuedRun = dispatchOne(event("e1")).pipe(Effect.provide(engineOver([flow], {}, { runs: false })))

it.effect("five graceful stops, and the run still completes: they do not use up its policy", () => {
  const executed: Array<string> = []
  return Effect.gen(function* () {
    const runId = yield* queuedRun
    for (let stop = 0; stop < 5; stop++) yield* serviceFor(9_000, runId, executed)
    const cut = yield* runOf(runId)
    expect(cut.processStatus).toBe("queued")
    expect(cut.attempts.map(({ exit }) => exit)).toEqual(
      Array.from({ length: 5 }, () => ({
        _tag: "Lost" as const,
        reason: "the engine stopped before the step had ended",
        by: "stop" as const
      }))
    )
    yield* serviceFor(10_000, runId, executed)
    expect(yield* runOf(runId)).toMatchObject({ processStatus: "completed", retriesUsedUp: false })
    expect(executed).toHaveLength(6)
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("a run whose step stops its service every time ends after a bounded number of attempts", () => {
  const executed: Array<string> = []
  return Effect.gen(function* () {
    const runId = yield* queuedRun
    let services = 0
    while ((yield* runOf(runId)).processStatus === "queued" && services < 2 * stopsMax) {
      services += 1
      // The waits of the stops that count: each service finds the retry due.
      yield* TestClock.adjust("1 hour")
      yield* serviceFor(0, runId, executed)
    }
    const run = yield* runOf(runId)
    expect(run).toMatchObject({ processStatus: "failed", retriesUsedUp: true })
    expect(run.attempts).toHaveLength(stopsMax + 2)
  }).pipe(Effect.provide(Store.layerMemory))
})

it.effect("a worker that was killed counts, as before, also between stops", () => {
  const executed: Array<string> = []
  return Effect.gen(function* () {
    const runId = yield* queuedRun
    yield* serviceFor(9_000, runId, executed)
    for (const killed of [1, 2]) {
      yield* TestClock.adjust("1 hour")
      yield* Effect.gen(function* () {
        const { attempts } = yield* until(runOf(runId), ({ processStatus }) => processStatus === "running")
        const { driver } = yield* Store.Store
        expect(attempts).toHaveLength(1 + killed)
        // Whoever looks for it finds no lease, as behind a worker that was killed.
        yield* Effect.forEach(attempts, ({ id }) => driver.leases.remove(id), { discard: true })
        yield* recoveredElsewhere
      }).pipe(Effect.provide(engineOver([flow], { "step.ts": () => Effect.never })))
    }
    expect(yield* runOf(runId)).toMatchObject({ processStatus: "failed", retriesUsedUp: true })
  }).pipe(Effect.provide(Store.layerMemory))
})

/** Recovery by another engine: this one leaves alone what it has under way itself. */
const recoveredElsewhere = Effect.flatMap(Engine, (other) => other.recover).pipe(
  Effect.provide(engineOver([flow], {}, { runs: false, workerId: "other" }))
)
