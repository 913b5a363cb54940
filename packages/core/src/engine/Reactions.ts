/**
 * What follows from a fact of a run, in the same commit: the one place to look for "what happens when …".
 * A reaction is pure; the dispatcher carries out what it asks for.
 */
import * as Either from "effect/Either"
import { type CascadeCommand, makeCascadeId } from "../cascade/Cascades.ts"
import { cascadeArtifactOf } from "../cascade/cascadeArtifact.ts"
import type { CausedBy } from "../event/EventFact.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { MaintenanceAttemptId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { LimitCommand } from "../limit/Limits.ts"
import { candidateRefsOf } from "../maintenance/candidateRefs.ts"
import type { MaintenanceCommand } from "../maintenance/MaintenanceAttempts.ts"
import type { PatchStackCommand } from "../patchStack/PatchStacks.ts"
import { forecastArtifactOf, verdictsArtifactOf } from "../patchStack/patchStackArtifacts.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import type { RunFact } from "../run/RunFact.ts"
import { effectiveStatusOf } from "../run/RunView.ts"
import { followUpsOf } from "./FollowUps.ts"

/** What a reaction asks for. */
export type FollowUp =
  | {
      readonly _tag: "CommandMaintenance"
      readonly maintenanceAttemptId: MaintenanceAttemptId
      readonly command: MaintenanceCommand
    }
  | {
      readonly _tag: "CommandCascade"
      readonly cascadeId: string
      readonly commands: ReadonlyArray<CascadeCommand>
    }
  | {
      readonly _tag: "CommandPatchStack"
      readonly repositoryId: string
      readonly command: PatchStackCommand
    }
  | { readonly _tag: "CommandLimit"; readonly limitId: string; readonly command: LimitCommand }
  | {
      readonly _tag: "AcceptEvent"
      readonly event: FlowEvent
      readonly depth: number
      readonly causedBy: CausedBy
    }

/** From a fact and the run after it to what follows. `now` is the time of the commit. */
export type Reaction = (fact: RunFact, run: RunDocument, now: number) => ReadonlyArray<FollowUp>

/** A run that was claimed takes its places, and one whose attempt ended gives them back. */
const holdLimits: Reaction = (fact, run) => {
  if (fact._tag !== "AttemptStarted" && fact._tag !== "AttemptEnded") return []
  const attempt = run.attempts.find(({ id }) => id === fact.attemptId)
  const command = { _tag: fact._tag === "AttemptStarted" ? "Take" : "Free", runId: run.id } as const
  return (attempt?.limits ?? []).map((limitId) => ({ _tag: "CommandLimit", limitId, command }))
}

/** A run that was decided and runs again is open again for its maintenance attempt. */
const reopenMaintenance: Reaction = (fact, run) =>
  fact._tag !== "ApprovalDecided" || run.maintenanceAttemptId === undefined
    ? []
    : [
        {
          _tag: "CommandMaintenance",
          maintenanceAttemptId: run.maintenanceAttemptId,
          command: { _tag: "ReopenRun", runId: run.id }
        }
      ]

/** A run that ended tells its maintenance attempt. */
const concludeMaintenance: Reaction = (fact, run) => {
  if (fact._tag !== "RunEnded" || run.maintenanceAttemptId === undefined) return []
  const status = effectiveStatusOf(run)
  const wantsExplanation = ["failed", "blocked", "needs_intervention"].includes(status)
  const command = withoutUndefined({
    _tag: "RecordRunEnd",
    runId: run.id,
    status,
    candidateRefs: candidateRefsOf(run.result?.artifacts),
    message: run.result?.message,
    error: run.error ?? (wantsExplanation ? run.result?.message : undefined)
  })
  return [{ _tag: "CommandMaintenance", maintenanceAttemptId: run.maintenanceAttemptId, command }]
}

/** A run that wrote a version into other repositories keeps the record of it; its process could not. */
const recordCascade: Reaction = (fact, run) => {
  if (fact._tag !== "RunEnded") return []
  const cascade = cascadeArtifactOf(fact.result?.artifacts)
  if (cascade === undefined) return []
  const { file, finished, name, targets, tries, version } = cascade
  // A run that was approved and ran again has done another one.
  const cascadeId = makeCascadeId(name, version, `${run.id}:${run.attempts.length}`)
  const commands: ReadonlyArray<CascadeCommand> = [
    { _tag: "Plan", name, version, file, targets, runId: run.id },
    { _tag: "RecordTries", tries },
    ...(finished ? [{ _tag: "Finish" } as const] : [])
  ]
  return [{ _tag: "CommandCascade", cascadeId, commands }]
}

/** A run that found out something about a patch stack keeps the ledger of it; its process could not. */
const recordPatchStack: Reaction = (fact, run) => {
  if (fact._tag !== "RunEnded") return []
  const followUps: Array<FollowUp> = []
  const found = verdictsArtifactOf(fact.result?.artifacts)
  if (found !== undefined) {
    const { repository: repositoryId, ...verdicts } = found
    const command = { _tag: "RecordVerdicts", ...verdicts, runId: run.id } as const
    followUps.push({ _tag: "CommandPatchStack", repositoryId, command })
  }
  const made = forecastArtifactOf(fact.result?.artifacts)
  if (made !== undefined) {
    const { repository: repositoryId, ...forecast } = made
    const command = { _tag: "RecordForecast", ...forecast, runId: run.id } as const
    followUps.push({ _tag: "CommandPatchStack", repositoryId, command })
  }
  return followUps
}

/** A run that completed dispatches the events that its result asks for. */
const dispatchNext: Reaction = (fact, run, now) => {
  if (fact._tag !== "RunEnded" || fact.processStatus !== "completed") return []
  const events = Either.getOrElse(followUpsOf(run, fact.result, now), () => [])
  const causedBy = { eventId: run.eventId, runId: run.id }
  return events.map((event) => ({ _tag: "AcceptEvent", event, depth: run.depth + 1, causedBy }))
}

/** Every reaction, in the order in which they are carried out. */
export const reactions: ReadonlyArray<Reaction> = [
  holdLimits,
  reopenMaintenance,
  concludeMaintenance,
  recordCascade,
  recordPatchStack,
  dispatchNext
]
