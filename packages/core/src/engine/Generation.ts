/** One generation of an event: the runs that it starts, its maintenance attempt, and the record of its dispatch. */
import * as Effect from "effect/Effect"
import { Dispatches } from "../dispatch/Dispatches.ts"
import type { RemoteBackend } from "../dispatch/RemoteBackend.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { CatalogSnapshot } from "../flow/Flow.ts"
import { DispatchId, type MaintenanceAttemptId, makeRunId, type RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { MaintenanceAttempts, makeMaintenanceAttemptId } from "../maintenance/MaintenanceAttempts.ts"
import type { MaintenanceOperation } from "../maintenance/MaintenanceFact.ts"
import { upstreamOf } from "../maintenance/upstreamOf.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import { concurrencyGroupOf, match, type StepMatch, unmatchedReason } from "./Match.ts"

/** The events of this source are upstream movements: each dispatch of one opens a maintenance attempt. */
export const signalSource = "patch"

/** What one generation of an event consists of, before anything of it is written. */
export interface Generation {
  readonly number: number
  readonly operation: MaintenanceOperation
  readonly matches: ReadonlyArray<StepMatch>
  readonly runIds: ReadonlyArray<RunId>
  readonly maintenanceAttemptId?: MaintenanceAttemptId
  readonly unmatchedReason?: string
  /** The backend that runs it, when that is another one: the flows here do not. */
  readonly backend?: RemoteBackend
}

/** The generation of a known event that is dispatched again: nothing. */
export const emptyGeneration: Generation = { number: 0, operation: "dispatch", matches: [], runIds: [] }

/** Matches the event against the flows and says what another generation of it consists of. */
export const planGeneration = (
  snapshot: CatalogSnapshot,
  event: FlowEvent,
  number: number,
  operation: MaintenanceOperation,
  now: number,
  taken: ReadonlyArray<string>,
  backend?: RemoteBackend
): Generation => {
  const matches = backend === undefined ? match(snapshot, event) : []
  return withoutUndefined({
    number,
    operation,
    matches,
    runIds: matches.map(({ flow, step }) =>
      makeRunId({ eventId: event.id, flowName: flow.name, stepName: step.name, generation: number })
    ),
    maintenanceAttemptId:
      event.source === signalSource ? makeMaintenanceAttemptId(event.id, operation, now, taken) : undefined,
    unmatchedReason:
      matches.length === 0 && backend === undefined ? unmatchedReason(snapshot, event) : undefined,
    backend
  })
}

/** Queues the runs of a generation, opens its maintenance attempt and records its dispatch. */
export const startGeneration = (
  transaction: Transaction,
  event: FlowEvent,
  generation: Generation,
  depth: number
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const { matches, runIds, maintenanceAttemptId, operation, backend } = generation
    for (const [index, { flow, step }] of matches.entries()) {
      const run = withoutUndefined({
        eventId: event.id,
        eventType: event.type,
        flowName: flow.name,
        flowVersion: flow.version,
        flowRoot: flow.root,
        config: flow.config,
        stepName: step.name,
        generation: generation.number,
        plan: step.plan,
        concurrencyKey: concurrencyGroupOf(step.plan, flow.name, step.name, event),
        depth,
        maintenanceAttemptId
      })
      const runId = runIds[index]
      if (runId !== undefined) yield* noRejection(transaction.execute(Runs, runId, { _tag: "Queue", run }))
    }
    const dispatchId = DispatchId.make(`${event.id}:${operation}:${generation.number}`)
    const dispatch = { eventId: event.id, eventType: event.type, operation }
    if (backend !== undefined) {
      const { url: workspaceBackendUrl, secretEnv } = backend
      yield* transaction.execute(Dispatches, dispatchId, {
        _tag: "Queue",
        dispatch: {
          ...dispatch,
          transport: "workspace-http",
          workspaceBackendUrl,
          ...withoutUndefined({ secretEnv, maintenanceAttemptId })
        }
      })
    }
    if (maintenanceAttemptId === undefined) return
    yield* transaction.execute(MaintenanceAttempts, maintenanceAttemptId, {
      _tag: "Open",
      eventId: event.id,
      eventType: event.type,
      operation,
      upstream: upstreamOf(event.payload),
      runIds,
      ...withoutUndefined({
        unmatchedReason: generation.unmatchedReason,
        workspaceBackendUrl: backend?.url
      })
    })
    if (backend !== undefined) return
    yield* transaction.execute(Dispatches, dispatchId, {
      _tag: "Record",
      dispatch: {
        ...dispatch,
        target: "local",
        transport: "local",
        status: "dispatched",
        runIds,
        matched: runIds.length
      }
    })
  })

/** For the commands that an aggregate never refuses. */
export const noRejection = <A, E>(effect: Effect.Effect<A, E | StoreError>): Effect.Effect<A, StoreError> =>
  Effect.catchAll(effect, (error) => (isStoreError(error) ? Effect.fail(error) : Effect.die(error)))

// --- internal ---

const isStoreError = (error: unknown): error is StoreError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "StoreError"
