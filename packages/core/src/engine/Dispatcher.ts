/**
 * The units of work of the engine: an event with all that follows from it, and a command to a run with all that
 * follows from that. Each function works inside a transaction of the caller, so that everything is one commit.
 */
import * as Either from "effect/Either"
import { Cascades } from "../cascade/Cascades.ts"
import { backendOf, type RemoteBackend } from "../dispatch/RemoteBackend.ts"
import type { CausedBy } from "../event/EventFact.ts"
import { contentDigestOf, EventForgotten, Events, UnknownEvent } from "../event/Events.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { CatalogSnapshot } from "../flow/Flow.ts"
import type { EventId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { Limits } from "../limit/Limits.ts"
import { MaintenanceAttempts } from "../maintenance/MaintenanceAttempts.ts"
import { PatchStacks } from "../patchStack/PatchStacks.ts"
import type { RunCommand, RunRejection } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import { emptyGeneration, neverRefused, planGeneration, startGeneration } from "./Generation.ts"
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
  readonly admit?: (runs: number) => Either.Either<void, E>
  /** Where in a chain of follow-up events the event stands. Default: it comes from outside. */
  readonly depth?: number
  readonly causedBy?: CausedBy
  /** The backend that runs the event, when that is another one: the dispatch is queued for it, and no flow here runs. */
  readonly backend?: RemoteBackend
}

/** What it does is plain code inside a unit of work; `snapshot` are the flows to match against. */
export interface Dispatcher {
  /** Takes an event in and queues a run for each step that it matches; a known id changes nothing. */
  readonly accept: <E = never>(
    unit: Unit,
    snapshot: CatalogSnapshot,
    event: FlowEvent,
    options?: AcceptOptions<E>
  ) => Either.Either<DispatchOutcome, E>
  /** Gives a known event another generation of runs, matched against the flows as they are now. */
  readonly replay: <E = never>(
    unit: Unit,
    snapshot: CatalogSnapshot,
    eventId: EventId,
    options?: Pick<AcceptOptions<E>, "by" | "admit">
  ) => Either.Either<DispatchOutcome, UnknownEvent | EventForgotten | E>
  /**
   * Commands a run, and carries out what follows from the facts. Only an end whose result asks for further events needs
   * the flows.
   */
  readonly commandRun: (
    unit: Unit,
    runId: RunId,
    command: RunCommand,
    snapshot?: CatalogSnapshot
  ) => Either.Either<RunDocument, RunRejection>
}

/** Makes the dispatcher; `onQueued` is told of runs before their commit, and of those that a known event has. */
export const make = (onQueued: (runIds: ReadonlyArray<RunId>) => void = () => {}): Dispatcher => {
  const accept: Dispatcher["accept"] = (unit, snapshot, event, options = {}) => {
    const contentDigest = contentDigestOf(event)
    const { by, causedBy, depth = 0, backend } = options
    const known = unit.load(Events, event.id)
    const generation =
      known === undefined
        ? planGeneration(snapshot, event, 0, "dispatch", unit.now, [], backend)
        : emptyGeneration
    const { runIds, maintenanceAttemptId } = generation
    const admitted = runIds.length > 0 ? options.admit?.(runIds.length) : undefined
    if (admitted !== undefined && Either.isLeft(admitted)) return Either.left(admitted.left)
    const command = { _tag: "Accept", event, contentDigest, runIds, depth } as const
    const { document } = neverRefused(
      unit.execute(Events, event.id, {
        ...command,
        ...withoutUndefined({ by, causedBy, maintenanceAttemptId })
      })
    )
    if (known !== undefined) {
      const knownIds = document?.runIds ?? []
      onQueued(knownIds)
      return Either.right(duplicateOf(event.id, knownIds, contentDigest !== known.contentDigest))
    }
    onQueued(runIds)
    startGeneration(unit, event, generation, depth)
    return Either.right({ status: "accepted", eventId: event.id, runIds, matched: runIds.length })
  }

  const replay: Dispatcher["replay"] = (unit, snapshot, eventId, options = {}) => {
    const known = unit.load(Events, eventId)
    if (known === undefined) return Either.left(new UnknownEvent({ eventId }))
    const { compactedAt } = known
    if (compactedAt !== undefined) return Either.left(new EventForgotten({ eventId, compactedAt }))
    const taken = known.maintenanceAttemptIds
    const number = known.generation + 1
    const backend = backendOf(unit, eventId)
    const generation = planGeneration(snapshot, known.event, number, "replay", unit.now, taken, backend)
    const { runIds, maintenanceAttemptId } = generation
    const admitted = runIds.length > 0 ? options.admit?.(runIds.length) : undefined
    if (admitted !== undefined && Either.isLeft(admitted)) return Either.left(admitted.left)
    const command = { _tag: "Replay", generation: number, runIds } as const
    const replayed = unit.execute(Events, eventId, {
      ...command,
      ...withoutUndefined({ by: options.by, maintenanceAttemptId })
    })
    if (Either.isLeft(replayed)) return Either.left(replayed.left)
    onQueued(runIds)
    startGeneration(unit, known.event, generation, known.depth)
    const replaced = taken.at(-1)
    if (replaced !== undefined && maintenanceAttemptId !== undefined) {
      neverRefused(unit.execute(MaintenanceAttempts, replaced, { _tag: "Replace", by: maintenanceAttemptId }))
    }
    return Either.right({ status: "accepted", eventId, runIds, matched: runIds.length })
  }

  const carryOut = (unit: Unit, followUp: FollowUp, snapshot: CatalogSnapshot | undefined): void => {
    switch (followUp._tag) {
      case "AcceptEvent": {
        if (snapshot === undefined) throw new Error("A run asks for further events, and no flows were given")
        neverRefused(accept(unit, snapshot, followUp.event, followUp))
        return
      }
      case "CommandCascade":
        for (const command of followUp.commands) {
          neverRefused(unit.execute(Cascades, followUp.cascadeId, command))
        }
        return
      case "CommandPatchStack":
        neverRefused(unit.execute(PatchStacks, followUp.repositoryId, followUp.command))
        return
      case "CommandLimit":
        neverRefused(unit.execute(Limits, followUp.limitId, followUp.command))
        return
      case "CommandMaintenance":
        neverRefused(unit.execute(MaintenanceAttempts, followUp.maintenanceAttemptId, followUp.command))
    }
  }

  const commandRun: Dispatcher["commandRun"] = (unit, runId, command, snapshot) => {
    const executed = unit.execute(Runs, runId, command)
    if (Either.isLeft(executed)) return Either.left(executed.left)
    const { facts, document } = executed.right
    if (document === undefined) throw new Error(`run ${runId} has facts and no document`)
    for (const fact of facts) {
      for (const react of reactions) {
        for (const followUp of react(fact, document, unit.now)) carryOut(unit, followUp, snapshot)
      }
    }
    return Either.right(document)
  }

  return { accept, replay, commandRun }
}

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
