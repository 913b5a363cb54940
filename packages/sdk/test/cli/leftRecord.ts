/** Records as a stopped service, or one that was killed, leaves them behind. */
import { Engine } from "@patchmoi/core/engine/Engine"
import { type AttemptId, LeaseToken, makeAttemptId, type RunId } from "@patchmoi/core/Ids"
import { Runs } from "@patchmoi/core/run/Runs"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import { layerLocal } from "../../src/compose.ts"
import type { StoreKind } from "../../src/record/storeKinds.ts"

/** The record of a test, and the workspace whose flows it runs. */
export interface LeftRecord {
  readonly workspace: string
  readonly dataDir: string
  readonly kind: StoreKind
}

/** Queues the runs of events, runs none of them, and closes the record. Gives the runs of each event. */
export const leaveQueued = (
  record: LeftRecord,
  events: ReadonlyArray<{ readonly id: string; readonly type: string }>
): Promise<ReadonlyArray<ReadonlyArray<RunId>>> =>
  inRecord(
    record,
    Effect.flatMap(Engine, (engine) =>
      Effect.forEach(events, (event) => Effect.map(engine.dispatch(event), ({ runIds }) => runIds))
    )
  )

/** Claims a queued run for a worker that is gone when this returns; its lease holds until then, where there is one. */
export const leaveRunning = (record: LeftRecord, runId: RunId, leasedUntil?: number): Promise<AttemptId> =>
  inRecord(
    record,
    Effect.gen(function* () {
      const store = yield* Store
      const leaseToken = LeaseToken.make("token of a worker that is gone")
      yield* store.transact((unit) =>
        unit.execute(Runs, runId, { _tag: "StartAttempt", workerId: "gone", leaseToken, now: 0 })
      )
      const attemptId = makeAttemptId(runId, 1)
      if (leasedUntil !== undefined) {
        const lease = { token: leaseToken, workerId: "gone", expiresAt: leasedUntil }
        yield* store.driver.leases.put(attemptId, lease)
      }
      return attemptId
    })
  )

// --- internal ---

const inRecord = <A, E>(
  { workspace, dataDir, kind }: LeftRecord,
  work: Effect.Effect<A, E, Engine | Store>
): Promise<A> =>
  Effect.runPromise(
    Effect.provide(
      work,
      layerLocal({
        workspaceRoot: workspace,
        state: { kind, dataDir, access: "write" },
        environment: { mode: "inherit", values: {}, secrets: [] },
        engine: { runs: false }
      })
    )
  )
