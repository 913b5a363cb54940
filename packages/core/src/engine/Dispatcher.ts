/**
 * The units of work of the engine: an event with all that follows from it, and a command to a run with all that
 * follows from that. Each function works inside a transaction of the caller, so that everything is one commit.
 */
import * as Effect from "effect/Effect"
import { Dispatches } from "../dispatch/Dispatches.ts"
import type { CausedBy } from "../event/EventFact.ts"
import { contentDigestOf, Events, UnknownEvent } from "../event/Events.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { CatalogSnapshot } from "../flow/Flow.ts"
import { FlowCatalog } from "../flow/FlowCatalog.ts"
import { DispatchId, type EventId, type MaintenanceAttemptId, makeRunId, type RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { MaintenanceAttempts, makeMaintenanceAttemptId } from "../maintenance/MaintenanceAttempts.ts"
import type { MaintenanceOperation, Upstream } from "../maintenance/MaintenanceFact.ts"
import type { RunCommand, RunRejection } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import { concurrencyGroupOf, match, type StepMatch, unmatchedReason } from "./Match.ts"
import { reactions } from "./Reactions.ts"

/** The events of this source are upstream movements: each dispatch of one opens a maintenance attempt. */
export const signalSource = "patch"

/** What became of an event that was dispatched. */
export interface DispatchOutcome {
  readonly status: "accepted" | "duplicate"
  readonly eventId: EventId
  /** All runs of the event; for an accepted one those that it has just been given. */
  readonly runIds: ReadonlyArray<RunId>
  /** How many runs that is. */
  readonly matched: number
  /** True for a duplicate: nothing new runs. */
  readonly idempotent?: true
  /** True for a duplicate whose type or payload is another than that of the event that stays. */
  readonly payloadDiffers?: true
}

export interface Dispatcher {
  /** Takes an event in and queues a run for each step that it matches; a known id changes nothing. */
  readonly accept: (
    transaction: Transaction,
    event: FlowEvent,
    options?: { readonly depth: number; readonly causedBy: CausedBy }
  ) => Effect.Effect<DispatchOutcome, StoreError>
  /** Gives a known event another generation of runs, matched against the flows as they are now. */
  readonly replay: (
    transaction: Transaction,
    eventId: EventId
  ) => Effect.Effect<DispatchOutcome, StoreError | UnknownEvent>
  /** Commands a run, and carries out what follows from the facts. */
  readonly commandRun: (
    transaction: Transaction,
    runId: RunId,
    command: RunCommand
  ) => Effect.Effect<RunDocument, StoreError | RunRejection>
}

/** Makes the dispatcher over the flows of the catalog. */
export const make: Effect.Effect<Dispatcher, never, FlowCatalog> = Effect.gen(function* () {
  const catalog = yield* FlowCatalog

  const accept: Dispatcher["accept"] = (transaction, event, options) =>
    Effect.gen(function* () {
      const contentDigest = contentDigestOf(event)
      const known = yield* transaction.load(Events, event.id)
      const generation =
        known === undefined
          ? planGeneration(yield* catalog.snapshot, event, 0, "dispatch", transaction.now, [])
          : emptyGeneration
      const { document } = yield* noRejection(
        transaction.execute(Events, event.id, {
          _tag: "Accept",
          event,
          contentDigest,
          runIds: generation.runIds,
          depth: options?.depth ?? 0,
          ...withoutUndefined({
            causedBy: options?.causedBy,
            maintenanceAttemptId: generation.maintenanceAttemptId
          })
        })
      )
      if (known !== undefined) {
        const runIds = document?.runIds ?? []
        const differs = contentDigest !== known.contentDigest
        return {
          status: "duplicate",
          eventId: event.id,
          runIds,
          matched: runIds.length,
          idempotent: true,
          ...(differs ? { payloadDiffers: true } : {})
        } satisfies DispatchOutcome
      }
      yield* startGeneration(transaction, event, generation, options?.depth ?? 0)
      return {
        status: "accepted",
        eventId: event.id,
        runIds: generation.runIds,
        matched: generation.runIds.length
      }
    })

  const replay: Dispatcher["replay"] = (transaction, eventId) =>
    Effect.gen(function* () {
      const known = yield* transaction.load(Events, eventId)
      if (known === undefined) return yield* new UnknownEvent({ eventId })
      const snapshot = yield* catalog.snapshot
      const taken = known.maintenanceAttemptIds
      const number = known.generation + 1
      const generation = planGeneration(snapshot, known.event, number, "replay", transaction.now, taken)
      yield* transaction.execute(Events, eventId, {
        _tag: "Replay",
        generation: number,
        runIds: generation.runIds,
        ...withoutUndefined({ maintenanceAttemptId: generation.maintenanceAttemptId })
      })
      yield* startGeneration(transaction, known.event, generation, known.depth)
      const replaced = taken.at(-1)
      if (replaced !== undefined && generation.maintenanceAttemptId !== undefined) {
        const by = generation.maintenanceAttemptId
        yield* transaction.execute(MaintenanceAttempts, replaced, { _tag: "Replace", by })
      }
      return { status: "accepted", eventId, runIds: generation.runIds, matched: generation.runIds.length }
    })

  const commandRun: Dispatcher["commandRun"] = (transaction, runId, command) =>
    Effect.gen(function* () {
      const { facts, document } = yield* transaction.execute(Runs, runId, command)
      if (document === undefined) return yield* Effect.dieMessage(`run ${runId} has facts and no document`)
      const followUps = facts.flatMap((fact) =>
        reactions.flatMap((react) => react(fact, document, transaction.now))
      )
      for (const followUp of followUps) {
        yield* followUp._tag === "AcceptEvent"
          ? accept(transaction, followUp.event, followUp)
          : transaction.execute(MaintenanceAttempts, followUp.maintenanceAttemptId, followUp.command)
      }
      return document
    })

  return { accept, replay, commandRun }
})

// --- internal ---

/** What one generation of an event consists of, before anything of it is written. */
interface Generation {
  readonly number: number
  readonly operation: MaintenanceOperation
  readonly matches: ReadonlyArray<StepMatch>
  readonly runIds: ReadonlyArray<RunId>
  readonly maintenanceAttemptId?: MaintenanceAttemptId
  readonly unmatchedReason?: string
}

const emptyGeneration: Generation = { number: 0, operation: "dispatch", matches: [], runIds: [] }

const planGeneration = (
  snapshot: CatalogSnapshot,
  event: FlowEvent,
  number: number,
  operation: MaintenanceOperation,
  now: number,
  taken: ReadonlyArray<string>
): Generation => {
  const matches = match(snapshot, event)
  return withoutUndefined({
    number,
    operation,
    matches,
    runIds: matches.map(({ flow, step }) =>
      makeRunId({ eventId: event.id, flowName: flow.name, stepName: step.name, generation: number })
    ),
    maintenanceAttemptId:
      event.source === signalSource ? makeMaintenanceAttemptId(event.id, operation, now, taken) : undefined,
    unmatchedReason: matches.length === 0 ? unmatchedReason(snapshot, event) : undefined
  })
}

/** Queues the runs of a generation, opens its maintenance attempt and records its dispatch. */
const startGeneration = (
  transaction: Transaction,
  event: FlowEvent,
  generation: Generation,
  depth: number
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const { matches, runIds, maintenanceAttemptId, operation } = generation
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
    if (maintenanceAttemptId === undefined) return
    yield* transaction.execute(MaintenanceAttempts, maintenanceAttemptId, {
      _tag: "Open",
      eventId: event.id,
      eventType: event.type,
      operation,
      upstream: upstreamOf(event.payload),
      runIds,
      ...withoutUndefined({ unmatchedReason: generation.unmatchedReason })
    })
    const dispatchId = DispatchId.make(`${event.id}:${operation}:${generation.number}`)
    yield* transaction.execute(Dispatches, dispatchId, {
      _tag: "Record",
      dispatch: {
        eventId: event.id,
        eventType: event.type,
        operation,
        target: "local",
        transport: "local",
        status: "dispatched",
        runIds,
        matched: runIds.length
      }
    })
  })

/** The upstream movement as the payload names it: `repo`, `ref`, `sha`, `tag`. */
const upstreamOf = (payload: unknown): Upstream => {
  const fields: Record<string, unknown> =
    typeof payload === "object" && payload !== null ? { ...payload } : {}
  const text = (name: string): string | undefined => {
    const value = fields[name]
    return typeof value === "string" && value !== "" ? value : undefined
  }
  return withoutUndefined({
    upstreamRepo: text("repo"),
    upstreamRef: text("ref"),
    upstreamSha: text("sha"),
    upstreamTag: text("tag")
  })
}

/** For the commands that an aggregate never refuses. */
const noRejection = <A, E>(effect: Effect.Effect<A, E | StoreError>): Effect.Effect<A, StoreError> =>
  Effect.catchAll(effect, (error) => (isStoreError(error) ? Effect.fail(error) : Effect.die(error)))

const isStoreError = (error: unknown): error is StoreError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "StoreError"
