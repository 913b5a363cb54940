/** One generation of an event: the runs that it starts, its maintenance attempt, and the record of its dispatch. */
import * as Either from "effect/Either"
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
import type { Unit } from "../store/UnitOfWork.ts"
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
  unit: Unit,
  event: FlowEvent,
  generation: Generation,
  depth: number
): void => {
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
    if (runId !== undefined) neverRefused(unit.execute(Runs, runId, { _tag: "Queue", run }))
  }
  const dispatchId = DispatchId.make(`${event.id}:${operation}:${generation.number}`, true)
  const dispatch = { eventId: event.id, eventType: event.type, operation }
  if (backend !== undefined) {
    const { url: workspaceBackendUrl, secretEnv } = backend
    const queued = {
      ...dispatch,
      transport: "workspace-http" as const,
      workspaceBackendUrl,
      ...withoutUndefined({ secretEnv, maintenanceAttemptId })
    }
    neverRefused(unit.execute(Dispatches, dispatchId, { _tag: "Queue", dispatch: queued }))
  }
  if (maintenanceAttemptId === undefined) return
  neverRefused(
    unit.execute(MaintenanceAttempts, maintenanceAttemptId, {
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
  )
  if (backend !== undefined) return
  const recorded = {
    ...dispatch,
    target: "local" as const,
    transport: "local" as const,
    status: "dispatched" as const,
    runIds,
    matched: runIds.length
  }
  neverRefused(unit.execute(Dispatches, dispatchId, { _tag: "Record", dispatch: recorded }))
}

/** For the commands that an aggregate never refuses. */
export const neverRefused = <A, E>(decided: Either.Either<A, E>): A =>
  Either.getOrThrowWith(decided, (rejection) => rejection)
