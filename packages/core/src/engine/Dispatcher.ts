/**
 * The units of work of the engine: an event with all that follows from it, and a command to a run with all that
 * follows from that. Each function works inside a transaction of the caller, so that everything is one commit.
 */
import * as Effect from "effect/Effect"
import { backendOf, type RemoteBackend } from "../dispatch/RemoteBackend.ts"
import type { CausedBy } from "../event/EventFact.ts"
import { contentDigestOf, EventForgotten, Events, UnknownEvent } from "../event/Events.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import { FlowCatalog } from "../flow/FlowCatalog.ts"
import type { EventId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { Limits } from "../limit/Limits.ts"
import { MaintenanceAttempts } from "../maintenance/MaintenanceAttempts.ts"
import type { RunCommand, RunRejection } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import { emptyGeneration, noRejection, planGeneration, startGeneration } from "./Generation.ts"
import { type FollowUp, reactions } from "./Reactions.ts"

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

/** Who dispatches, and whether the runs may be queued. */
export interface AcceptOptions<E = never> {
  /** Who dispatches; kept with the fact. */
  readonly by?: string
  /** Asked before runs are queued, with their number; not for a duplicate, and not for an event that matches nothing. */
  readonly admit?: (runs: number, now: number) => Effect.Effect<void, E>
  /** Where in a chain of follow-up events the event stands. Default: it comes from outside. */
  readonly depth?: number
  readonly causedBy?: CausedBy
  /** The backend that runs the event, when that is another one: the dispatch is queued for it, and no flow here runs. */
  readonly backend?: RemoteBackend
}

export interface Dispatcher {
  /** Takes an event in and queues a run for each step that it matches; a known id changes nothing. */
  readonly accept: <E = never>(
    transaction: Transaction,
    event: FlowEvent,
    options?: AcceptOptions<E>
  ) => Effect.Effect<DispatchOutcome, StoreError | E>
  /** Gives a known event another generation of runs, matched against the flows as they are now. */
  readonly replay: <E = never>(
    transaction: Transaction,
    eventId: EventId,
    options?: Pick<AcceptOptions<E>, "by" | "admit">
  ) => Effect.Effect<DispatchOutcome, StoreError | UnknownEvent | EventForgotten | E>
  /** Commands a run, and carries out what follows from the facts. */
  readonly commandRun: (
    transaction: Transaction,
    runId: RunId,
    command: RunCommand
  ) => Effect.Effect<RunDocument, StoreError | RunRejection>
}

/** Makes the dispatcher over the flows of the catalog; `onQueued` is told of runs before their commit. */
export const make = (onQueued: (runIds: ReadonlyArray<RunId>) => void = () => {}) =>
  Effect.map(FlowCatalog, (catalog): Dispatcher => {
    const accept: Dispatcher["accept"] = (transaction, event, options = {}) =>
      Effect.gen(function* () {
        const contentDigest = contentDigestOf(event)
        const { by, causedBy, depth = 0, backend } = options
        const known = yield* transaction.load(Events, event.id)
        const generation =
          known === undefined
            ? planGeneration(yield* catalog.snapshot, event, 0, "dispatch", transaction.now, [], backend)
            : emptyGeneration
        const { runIds, maintenanceAttemptId } = generation
        if (runIds.length > 0) yield* options.admit?.(runIds.length, transaction.now) ?? Effect.void
        const command = { _tag: "Accept", event, contentDigest, runIds, depth } as const
        const { document } = yield* noRejection(
          transaction.execute(Events, event.id, {
            ...command,
            ...withoutUndefined({ by, causedBy, maintenanceAttemptId })
          })
        )
        if (known !== undefined) {
          return duplicateOf(event.id, document?.runIds ?? [], contentDigest !== known.contentDigest)
        }
        onQueued(runIds)
        yield* startGeneration(transaction, event, generation, depth)
        return { status: "accepted", eventId: event.id, runIds, matched: runIds.length }
      })

    const replay: Dispatcher["replay"] = (transaction, eventId, options = {}) =>
      Effect.gen(function* () {
        const known = yield* transaction.load(Events, eventId)
        if (known === undefined) return yield* new UnknownEvent({ eventId })
        const { compactedAt } = known
        if (compactedAt !== undefined) return yield* new EventForgotten({ eventId, compactedAt })
        const snapshot = yield* catalog.snapshot
        const taken = known.maintenanceAttemptIds
        const number = known.generation + 1
        const backend = yield* backendOf(transaction, eventId)
        const { now } = transaction
        const generation = planGeneration(snapshot, known.event, number, "replay", now, taken, backend)
        const { runIds, maintenanceAttemptId } = generation
        if (runIds.length > 0) yield* options.admit?.(runIds.length, transaction.now) ?? Effect.void
        yield* transaction.execute(Events, eventId, {
          _tag: "Replay",
          generation: number,
          runIds,
          ...withoutUndefined({ by: options.by, maintenanceAttemptId })
        })
        onQueued(runIds)
        yield* startGeneration(transaction, known.event, generation, known.depth)
        const replaced = taken.at(-1)
        if (replaced !== undefined && maintenanceAttemptId !== undefined) {
          yield* transaction.execute(MaintenanceAttempts, replaced, {
            _tag: "Replace",
            by: maintenanceAttemptId
          })
        }
        return { status: "accepted", eventId, runIds, matched: runIds.length }
      })

    const carryOut = (transaction: Transaction, followUp: FollowUp): Effect.Effect<unknown, StoreError> => {
      switch (followUp._tag) {
        case "AcceptEvent":
          return accept(transaction, followUp.event, followUp)
        case "CommandLimit":
          return transaction.execute(Limits, followUp.limitId, followUp.command)
        case "CommandMaintenance":
          return transaction.execute(MaintenanceAttempts, followUp.maintenanceAttemptId, followUp.command)
      }
    }

    const commandRun: Dispatcher["commandRun"] = (transaction, runId, command) =>
      Effect.gen(function* () {
        const { facts, document } = yield* transaction.execute(Runs, runId, command)
        if (document === undefined) return yield* Effect.dieMessage(`run ${runId} has facts and no document`)
        for (const fact of facts) {
          for (const react of reactions) {
            for (const followUp of react(fact, document, transaction.now)) {
              yield* carryOut(transaction, followUp)
            }
          }
        }
        return document
      })

    return { accept, replay, commandRun }
  })

// --- internal ---

const duplicateOf = (
  eventId: EventId,
  runIds: ReadonlyArray<RunId>,
  payloadDiffers: boolean
): DispatchOutcome => ({
  status: "duplicate",
  eventId,
  runIds,
  matched: runIds.length,
  idempotent: true,
  ...(payloadDiffers ? { payloadDiffers } : {})
})
