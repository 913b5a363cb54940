/** How the document of a run follows from its facts. */
import * as Either from "effect/Either"
import type { ExitCause } from "../executor/Executor.ts"
import type { ProcessStatus } from "../flow/FlowResult.ts"
import { RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { FactPlace } from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import { type ApprovalRequest, approvalRequestOf, approvalsMax } from "./Approval.ts"
import { lateWritesMax } from "./LateWrite.ts"
import type { AttemptDocument, AttemptStatus, RunDocument } from "./RunDocument.ts"
import type { RunFact } from "./RunFact.ts"

/** Whether no attempt is under way or to come at this status; a decision that the run asked for may queue it again. */
export const hasEnded = (status: ProcessStatus): boolean => status !== "queued" && status !== "running"

/** The question that the run waits to have answered, if it ended with one. */
export const approvalAwaitedBy = (run: RunDocument): ApprovalRequest | undefined =>
  (run.processStatus === "completed" || run.processStatus === "failed") &&
  (run.approvals?.length ?? 0) < approvalsMax
    ? Either.getOrUndefined(approvalRequestOf(run.result))
    : undefined

/** Folds a fact in. A fact that makes no sense where it stands leaves the document as it is. */
export const evolve = (
  run: RunDocument | undefined,
  fact: RunFact,
  { key, at }: FactPlace
): RunDocument | undefined => {
  const now = toIso(at)
  if (fact._tag === "RunQueued") return run ?? queued(fact, RunId.make(key), now)
  if (run === undefined) return undefined
  if (fact._tag === "LateWriteRefused") return withLateWrite(run, fact, now)
  if (fact._tag === "ApprovalDecided") return decided(run, fact, now)
  if (hasEnded(run.processStatus)) return run
  switch (fact._tag) {
    case "AttemptStarted": {
      if (run.processStatus === "running") return run
      const { _tag, attemptId: id, ...started } = fact
      const { retryAt, ...rest } = run
      const attempt: AttemptDocument = { id, ...started, status: "running", startedAt: now }
      return {
        ...rest,
        processStatus: "running",
        attempts: [...run.attempts, attempt],
        startedAt: run.startedAt ?? now,
        updatedAt: now
      }
    }
    case "AttemptSpawned":
      return withAttempt(run, fact.attemptId, now, (attempt) => ({ ...attempt, process: fact.process }))
    case "AttemptEnded": {
      const { _tag, attemptId, result, ...ended } = fact
      return withAttempt(run, attemptId, now, (attempt) => ({
        ...attempt,
        ...ended,
        status: attemptStatusOf(fact.exit, fact.error),
        completedAt: now
      }))
    }
    case "RunRetryScheduled":
      if (run.attempts.at(-1)?.status === "running") return run
      return { ...run, processStatus: "queued", retryAt: fact.retryAt, updatedAt: now }
    case "RunCancelRequested":
      return withoutUndefined({
        ...run,
        cancelRequested: true,
        cancelRequestedBy: fact.by,
        cancelReason: fact.reason,
        updatedAt: now
      })
    case "RunEnded": {
      const { _tag, ...ended } = fact
      const { retryAt, ...rest } = run
      return { ...rest, ...ended, completedAt: now, updatedAt: now }
    }
  }
}

// --- internal ---

const queued = (
  { _tag, ...fields }: Extract<RunFact, { _tag: "RunQueued" }>,
  id: RunId,
  now: string
): RunDocument => ({
  ...fields,
  id,
  processStatus: "queued",
  attempts: [],
  cancelRequested: false,
  retriesUsedUp: false,
  createdAt: now,
  updatedAt: now
})

const withLateWrite = (
  run: RunDocument,
  { _tag, ...write }: Extract<RunFact, { _tag: "LateWriteRefused" }>,
  now: string
): RunDocument => {
  const before = run.lateWrites ?? []
  return before.length >= lateWritesMax
    ? run
    : { ...run, lateWrites: [...before, { at: now, ...write }], updatedAt: now }
}

/** A run that waits for a decision goes back to the queue; what it ended with is in its attempts and its history. */
const decided = (
  run: RunDocument,
  { _tag, ...decision }: Extract<RunFact, { _tag: "ApprovalDecided" }>,
  now: string
): RunDocument => {
  const request = approvalAwaitedBy(run)
  if (request === undefined) return run
  // A request to cancel was about what has ended with the question.
  const { result, exit, error, completedAt, cancelRequestedBy, cancelReason, ...rest } = run
  const approval = { ...decision, at: now, prompt: request.prompt, afterAttempts: run.attempts.length }
  return {
    ...rest,
    processStatus: "queued",
    cancelRequested: false,
    retriesUsedUp: false,
    approvals: [...(run.approvals ?? []), approval],
    updatedAt: now
  }
}

const withAttempt = (
  run: RunDocument,
  id: string,
  now: string,
  change: (attempt: AttemptDocument) => AttemptDocument
): RunDocument => ({
  ...run,
  attempts: run.attempts.map((attempt) => (attempt.id === id ? change(attempt) : attempt)),
  updatedAt: now
})

const attemptStatusOf = (exit: ExitCause, error: string | undefined): AttemptStatus => {
  switch (exit._tag) {
    case "Timeout":
      return "timeout"
    case "Canceled":
      return "canceled"
    case "Lost":
      return "lost"
    default:
      return error === undefined ? "completed" : "failed"
  }
}
