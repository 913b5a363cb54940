/**
 * The aggregate of maintenance attempts.
 *
 * 1. An attempt is concluded exactly when all its runs have ended; one without runs is `skipped` at once.
 * 2. The conclusion is the first of these that a run has: needs_intervention, blocked, failed, changed; else
 *    `skipped` when every run was, else `completed`.
 * 3. A run that ended with a question and was decided runs again: the attempt is open until it has ended once more.
 * 4. One that another backend runs is open until that has accepted the event; then its runs are those of that backend.
 * 5. A replaced attempt is closed: what its runs still do is recorded and changes its status no more.
 */
import * as Either from "effect/Either"
import { MaintenanceAttemptId, type RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import type { MaintenanceDocument, MaintenanceStatus } from "./MaintenanceDocument.ts"
import { type CandidateRef, MaintenanceFact, type MaintenanceOpened } from "./MaintenanceFact.ts"

type Opening = Omit<typeof MaintenanceOpened.Type, "_tag">

/**
 * What can be asked of a maintenance attempt; nothing is refused. `Open` counts once, and the others do nothing before it.
 * `RecordRuns` and `RecordNotDispatched` do nothing unless the attempt waits for another backend to accept its event.
 */
export type MaintenanceCommand =
  | ({ readonly _tag: "Open" } & Opening)
  | {
      readonly _tag: "RecordRunEnd"
      readonly runId: RunId
      /** The effective status of the run. */
      readonly status: string
      readonly candidateRefs: ReadonlyArray<CandidateRef>
      readonly message?: string
      readonly error?: string
    }
  | { readonly _tag: "ReopenRun"; readonly runId: RunId }
  | { readonly _tag: "RecordRuns"; readonly runIds: ReadonlyArray<RunId> }
  | { readonly _tag: "RecordNotDispatched"; readonly error: string }
  | { readonly _tag: "Replace"; readonly by: MaintenanceAttemptId }

const decide = (
  command: MaintenanceCommand,
  attempt: MaintenanceDocument | undefined
): Either.Either<ReadonlyArray<MaintenanceFact>> => {
  if (command._tag === "Open") {
    const { _tag, ...opening } = command
    return Either.right(attempt === undefined ? [{ _tag: "MaintenanceOpened", ...opening }] : [])
  }
  if (attempt === undefined) return Either.right([])
  if (command._tag === "Replace") {
    return Either.right(
      attempt.replacedBy === undefined ? [{ _tag: "MaintenanceReplaced", by: command.by }] : []
    )
  }
  if (command._tag === "ReopenRun") {
    const { runId } = command
    return Either.right(
      Object.hasOwn(attempt.workspaceRunStatuses, runId) ? [{ _tag: "MaintenanceRunReopened", runId }] : []
    )
  }
  if (command._tag === "RecordRuns") {
    const { runIds } = command
    return Either.right(attempt.awaitsBackend === true ? [{ _tag: "MaintenanceRunsKnown", runIds }] : [])
  }
  if (command._tag === "RecordNotDispatched") {
    const { error } = command
    const waits = attempt.awaitsBackend === true && attempt.status === "started"
    return Either.right(waits ? [{ _tag: "MaintenanceNotDispatched", error }] : [])
  }
  const { _tag, ...end } = command
  return Either.right(
    Object.hasOwn(attempt.workspaceRunStatuses, command.runId)
      ? []
      : [{ _tag: "MaintenanceRunEnded", ...end }]
  )
}

const evolve = (
  attempt: MaintenanceDocument | undefined,
  fact: MaintenanceFact,
  { key, at }: Aggregate.FactPlace
): MaintenanceDocument | undefined => {
  const now = toIso(at)
  if (fact._tag === "MaintenanceOpened") return attempt ?? opened(fact, MaintenanceAttemptId.make(key), now)
  if (attempt === undefined) return undefined
  if (fact._tag === "MaintenanceReplaced") {
    const closing = { ...attempt, replacedBy: fact.by, updatedAt: now }
    if (attempt.status !== "started") return closing
    return { ...closing, status: "skipped", message: `Replaced by ${fact.by}`, completedAt: now }
  }
  if (fact._tag === "MaintenanceRunsKnown") return withRuns(attempt, fact.runIds, now)
  if (fact._tag === "MaintenanceNotDispatched") {
    return attempt.status !== "started"
      ? attempt
      : { ...attempt, status: "failed", error: fact.error, updatedAt: now, completedAt: now }
  }
  if (fact._tag === "MaintenanceRunReopened") return reopened(attempt, fact.runId, now)
  return conclude(
    withoutUndefined({
      ...attempt,
      workspaceRunStatuses: { ...attempt.workspaceRunStatuses, [fact.runId]: fact.status },
      candidateRefs: mergeCandidateRefs(attempt.candidateRefs, fact.candidateRefs),
      message: fact.message ?? attempt.message,
      error: fact.error ?? attempt.error,
      updatedAt: now
    }),
    now
  )
}

/** Maintenance attempts, by their id. Listed by event and by status. */
export const MaintenanceAttempts = Aggregate.make({
  name: "maintenance",
  fact: MaintenanceFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    byEvent: (attempt: MaintenanceDocument) => [attempt.eventId],
    byStatus: (attempt: MaintenanceDocument) => [attempt.status],
    /** By backend, while the runs of another backend are followed. */
    followed: ({ status, awaitsBackend, workspaceBackendUrl }: MaintenanceDocument) =>
      status === "started" && awaitsBackend === undefined && workspaceBackendUrl !== undefined
        ? [workspaceBackendUrl]
        : undefined
  }
})

/** The id of a new attempt: `<eventId>:<operation>:<createdAt>`, with a count where an event has one of that time already. */
export const makeMaintenanceAttemptId = (
  eventId: string,
  operation: string,
  now: number,
  taken: ReadonlyArray<string>
): MaintenanceAttemptId => {
  const base = `${eventId}:${operation}:${toIso(now)}`
  const same = taken.filter((id) => id === base || id.startsWith(`${base}-`)).length
  return MaintenanceAttemptId.make(same === 0 ? base : `${base}-${same + 1}`)
}

/** The conclusion that follows from the effective statuses of all runs. */
export const conclusionOf = (statuses: ReadonlyArray<string>): MaintenanceStatus => {
  if (statuses.includes("needs_intervention")) return "needs_intervention"
  if (statuses.includes("blocked")) return "blocked"
  if (statuses.includes("failed") || statuses.includes("canceled")) return "failed"
  if (statuses.includes("changed")) return "changed"
  return statuses.every((status) => status === "skipped") ? "skipped" : "completed"
}

/** Both lists, each ref once: two are the same when kind, repository, remote, ref and commit are. */
export const mergeCandidateRefs = (
  before: ReadonlyArray<CandidateRef>,
  added: ReadonlyArray<CandidateRef>
): ReadonlyArray<CandidateRef> => [
  ...new Map(
    [...before, ...added].map((candidate) => {
      const { kind, repo, remote, ref, sha } = candidate
      return [JSON.stringify([kind, repo, remote, ref, sha]), candidate]
    })
  ).values()
]

// --- internal ---

const opened = (
  {
    _tag,
    upstream,
    runIds,
    unmatchedReason,
    ...fact
  }: Extract<MaintenanceFact, { _tag: "MaintenanceOpened" }>,
  id: MaintenanceAttemptId,
  now: string
): MaintenanceDocument =>
  conclude(
    withoutUndefined({
      ...fact,
      ...upstream,
      id,
      status: "started" as const,
      workspaceRunIds: runIds,
      workspaceRunStatuses: {},
      candidateRefs: [],
      message: unmatchedReason,
      awaitsBackend: fact.workspaceBackendUrl === undefined ? undefined : (true as const),
      createdAt: now,
      updatedAt: now
    }),
    now
  )

/** The runs of another backend; an attempt that had been given up is open again. */
const withRuns = (
  attempt: MaintenanceDocument,
  workspaceRunIds: ReadonlyArray<RunId>,
  now: string
): MaintenanceDocument => {
  const { awaitsBackend, completedAt, error, ...known } = attempt
  if (attempt.awaitsBackend !== true) return attempt
  if (attempt.replacedBy !== undefined) {
    return withoutUndefined({ ...known, completedAt, error, workspaceRunIds, updatedAt: now })
  }
  const status = "started" as const
  return conclude(withoutUndefined({ ...known, status, workspaceRunIds, updatedAt: now }), now)
}

/** What the run said when it asked is answered; what the other runs said stays, as far as one of them wants explaining. */
const reopened = (attempt: MaintenanceDocument, runId: RunId, now: string): MaintenanceDocument => {
  const { [runId]: _, ...workspaceRunStatuses } = attempt.workspaceRunStatuses
  if (attempt.replacedBy !== undefined) return { ...attempt, workspaceRunStatuses, updatedAt: now }
  const { completedAt, message, error, ...open } = attempt
  const explained = Object.values(workspaceRunStatuses).some((status) => unsettled.has(status))
  return withoutUndefined({
    ...open,
    ...(explained ? { message, error } : {}),
    workspaceRunStatuses,
    status: "started" as const,
    updatedAt: now
  })
}

const unsettled: ReadonlySet<string> = new Set(["needs_intervention", "blocked", "failed", "canceled"])

const conclude = (attempt: MaintenanceDocument, now: string): MaintenanceDocument => {
  const ended = new Map(Object.entries(attempt.workspaceRunStatuses))
  const statuses = attempt.workspaceRunIds.flatMap((runId) => ended.get(runId) ?? [])
  if (attempt.awaitsBackend === true) return attempt
  if (attempt.status !== "started" || statuses.length < attempt.workspaceRunIds.length) return attempt
  return { ...attempt, status: conclusionOf(statuses), completedAt: now }
}
