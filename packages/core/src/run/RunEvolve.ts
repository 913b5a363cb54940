/** How the document of a run follows from its facts. */
import type { ExitCause } from "../executor/Executor.ts"
import type { ProcessStatus } from "../flow/FlowResult.ts"
import { RunId } from "../Ids.ts"
import type { FactPlace } from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import type { AttemptDocument, AttemptStatus, RunDocument } from "./RunDocument.ts"
import type { RunFact } from "./RunFact.ts"

/** Whether nothing more happens to a run of this status. */
export const hasEnded = (status: ProcessStatus): boolean => status !== "queued" && status !== "running"

/** Folds a fact in. A fact that makes no sense where it stands leaves the document as it is. */
export const evolve = (
  run: RunDocument | undefined,
  fact: RunFact,
  { key, at }: FactPlace
): RunDocument | undefined => {
  const now = toIso(at)
  if (fact._tag === "RunQueued") return run ?? queued(fact, RunId.make(key), now)
  if (run === undefined || hasEnded(run.processStatus)) return run
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
      return { ...run, cancelRequested: true, updatedAt: now }
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
