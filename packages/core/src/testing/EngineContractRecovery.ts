/** The contract of an engine: nothing that was acknowledged is lost with an engine that stops, is killed, or comes too late. */
import { describe, expect } from "bun:test"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { LeaseToken, makeAttemptId, type RunId } from "../Ids.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import {
  ended,
  eventually,
  HeldSteps,
  type MakeStorePlace,
  type OpenStore,
  runOf,
  startEngine
} from "./EngineContractParts.ts"
import { it } from "./effectTest.ts"
import { singleStepFlow } from "./flows.ts"

const flows = [singleStepFlow("f", "t", { retry: { maxAttempts: 2, backoffMillis: 0, on: ["lost"] } })]

/** Queues runs and claims them for a worker that is gone. Its leases hold until then, where it left any. */
const abandoned = (
  store: OpenStore,
  ids: ReadonlyArray<string>,
  leasedUntil?: number
): Effect.Effect<ReadonlyArray<RunId>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const idle = yield* startEngine(store, { flows, options: { runs: false } })
    const leaseToken = LeaseToken.make("token of a worker that is gone")
    return yield* Effect.forEach(ids, (id) =>
      Effect.gen(function* () {
        const runId = yield* idle.queue(id, "t")
        yield* store.transact((unit) =>
          unit.execute(Runs, runId, { _tag: "StartAttempt", workerId: "gone", leaseToken, now: 0 })
        )
        if (leasedUntil !== undefined) {
          const lease = { token: leaseToken, workerId: "gone", expiresAt: leasedUntil }
          yield* store.driver.leases.put(makeAttemptId(runId, 1), lease)
        }
        return runId
      })
    )
  }).pipe(Effect.orDie)

const statuses = ({ attempts }: RunDocument): ReadonlyArray<string> => attempts.map(({ status }) => status)

/**
 * Holds an engine to this: a run outlives engines that stop or are killed, one engine recovers it, and not while a lease
 * holds; a worker that comes too late ends nothing; and what is canceled ends, or never begins.
 */
export const engineRecoveryContract = (place: MakeStorePlace): void =>
  describe("recovery", () => {
    it.live("stopped again and again, and opened again, a service loses no run and uses up no policy", () =>
      Effect.gen(function* () {
        const open = yield* place
        const runIds: Array<RunId> = []
        for (const round of [1, 2, 3]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const held = new HeldSteps()
              const service = yield* startEngine(yield* open, { flows, steps: { "f.ts": held.step() } })
              runIds.push(yield* service.queue(`e${round}`, "t"))
              yield* eventually(
                Effect.sync(() => held.running("all")),
                (count) => count === round
              )
              yield* service.stop
              expect(held.running("all")).toBe(0)
            })
          )
        }
        const store = yield* open
        const left = yield* Effect.forEach(runIds, (runId) => runOf(store, runId))
        expect(left.map(statuses)).toEqual([["lost", "lost", "lost"], ["lost", "lost"], ["lost"]])
        expect(left.every(({ processStatus }) => processStatus === "queued")).toBe(true)
        const held = new HeldSteps()
        yield* held.letAllGo
        const service = yield* startEngine(store, { flows, steps: { "f.ts": held.step() } })
        const runs = yield* ended(service, runIds)
        expect(runs.map(({ processStatus }) => processStatus)).toEqual(runs.map(() => "completed"))
        expect(held.begun.toSorted()).toEqual(["e1", "e2", "e3"])
      })
    )

    it.live("of two engines that start at once, one recovers each run of a worker that was killed", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const ids = Array.from({ length: 10 }, (_, n) => `e${n}`)
        const runIds = yield* abandoned(store, ids)
        const held = new HeldSteps()
        yield* held.letAllGo
        const parts = { flows, steps: { "f.ts": held.step() } }
        const [one] = yield* Effect.all([startEngine(store, parts), startEngine(store, parts)], {
          concurrency: 2
        })
        const runs = yield* ended(one, runIds)
        expect(runs.map(statuses)).toEqual(runs.map(() => ["lost", "completed"]))
        expect(held.begun.toSorted()).toEqual(ids)
      })
    )

    it.live("a run under a lease that holds is taken up when the lease has run out, and not before", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const leasedUntil = (yield* Clock.currentTimeMillis) + 1_200
        const runIds = yield* abandoned(store, ["e1"], leasedUntil)
        const held = new HeldSteps()
        yield* held.letAllGo
        const service = yield* startEngine(store, {
          flows,
          steps: { "f.ts": held.step() },
          options: { leaseMillis: 1_000 }
        })
        const [run] = yield* ended(service, runIds)
        expect(run === undefined ? [] : statuses(run)).toEqual(["lost", "completed"])
        expect(Date.parse(run?.attempts[0]?.completedAt ?? "")).toBeGreaterThanOrEqual(leasedUntil)
      })
    )

    it.live(
      "a worker whose run was taken over ends nothing: what it wanted to write is kept as refused",
      () =>
        Effect.gen(function* () {
          const store = yield* Effect.flatten(place)
          const held = new HeldSteps()
          const parts = { flows, steps: { "f.ts": held.step() } }
          const late = yield* startEngine(store, { ...parts, options: { workerId: "late" } })
          const runId = yield* late.queue("e1", "t")
          yield* eventually(
            Effect.sync(() => held.begun.length),
            (count) => count === 1
          )
          yield* store.driver.leases.remove(makeAttemptId(runId, 1))
          const other = yield* startEngine(store, { ...parts, options: { workerId: "other" } })
          yield* eventually(
            Effect.sync(() => held.begun.length),
            (count) => count === 2
          )
          yield* held.letAllGo
          const [run] = yield* ended(other, [runId])
          expect(run?.processStatus).toBe("completed")
          expect(run?.attempts.map(({ workerId, status }) => [workerId, status])).toEqual([
            ["late", "lost"],
            ["other", "completed"]
          ])
          const { lateWrites } = yield* eventually(
            runOf(store, runId),
            ({ lateWrites }) => lateWrites !== undefined
          )
          expect(lateWrites).toMatchObject([{ kind: "end", summary: "completed" }])
        })
    )

    it.live("a queued run that is canceled never begins, and one under way ends when its step has", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const held = new HeldSteps()
        const service = yield* startEngine(store, {
          flows,
          steps: { "f.ts": held.step() },
          options: { concurrency: 1 }
        })
        const running = yield* service.queue("e1", "t")
        yield* eventually(
          Effect.sync(() => held.running("all")),
          (count) => count === 1
        )
        const queued = yield* service.queue("e2", "t")
        expect((yield* service.engine.cancel(queued)).processStatus).toBe("canceled")
        yield* service.engine.cancel(running, { by: "ada", reason: "enough" })
        const runs = yield* ended(service, [running, queued])
        expect(runs.map(({ processStatus }) => processStatus)).toEqual(["canceled", "canceled"])
        expect(runs[0]).toMatchObject({ cancelRequestedBy: "ada", cancelReason: "enough" })
        expect([held.begun, held.running("all")]).toEqual([["e1"], 0])
      })
    )
  })
