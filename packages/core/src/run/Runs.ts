/**
 * The aggregate of runs.
 *
 * 1. A run has at most one attempt under way, and only the holder of its lease token can end it.
 * 2. A run that has ended never changes again.
 * 3. An attempt that ends either ends the run or schedules the next attempt, in the same decision.
 */
import * as Either from "effect/Either"
import type { ExitCause } from "../executor/Executor.ts"
import type { RetryReason } from "../flow/Flow.ts"
import { makeAttemptId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import {
  LeaseLost,
  RunAlreadyEnded,
  type RunCommand,
  RunNotReady,
  type RunRejection,
  UnknownRun
} from "./RunCommand.ts"
import type { RunDocument } from "./RunDocument.ts"
import { evolve } from "./RunEvolve.ts"
import { RunFact } from "./RunFact.ts"
import { effectiveStatusOf, needsAttention } from "./RunView.ts"

/** The longest wait between two attempts, jitter included, in milliseconds (1 hour). */
export const backoffMillisMax = 3_600_000

type Decision = Either.Either<ReadonlyArray<RunFact>, RunRejection>

const decide = (command: RunCommand, run: RunDocument | undefined, key: string): Decision => {
  if (command._tag === "Queue") {
    return Either.right(run === undefined ? [{ _tag: "RunQueued", ...command.run }] : [])
  }
  if (run === undefined) return Either.left(new UnknownRun({ runId: RunId.make(key) }))
  switch (command._tag) {
    case "StartAttempt": {
      if (run.processStatus !== "queued" || (run.retryAt ?? 0) > command.now) {
        return Either.left(new RunNotReady({ runId: run.id, processStatus: run.processStatus }))
      }
      const attemptNumber = run.attempts.length + 1
      const { workerId, leaseToken } = command
      const attemptId = makeAttemptId(run.id, attemptNumber)
      return Either.right([{ _tag: "AttemptStarted", attemptId, attemptNumber, workerId, leaseToken }])
    }
    case "RecordProcess":
      return holdsLease(run, command)
        ? Either.right([{ _tag: "AttemptSpawned", attemptId: command.attemptId, process: command.process }])
        : Either.left(new LeaseLost({ runId: run.id, attemptId: command.attemptId }))
    case "EndAttempt":
      return holdsLease(run, command)
        ? Either.right(endAttempt(run, command))
        : Either.left(new LeaseLost({ runId: run.id, attemptId: command.attemptId }))
    case "Cancel":
      return cancel(run, command)
  }
}

/** Runs, by their id. Listed by event, flow and either status, and those that need attention; `ready` and `retry` are the scheduler's queues. */
export const Runs = Aggregate.make({
  name: "run",
  fact: RunFact,
  decide,
  evolve,
  indexes: {
    byEvent: (run: RunDocument) => [run.eventId],
    byStatus: (run: RunDocument) => [run.processStatus],
    byEffectiveStatus: (run: RunDocument) => [effectiveStatusOf(run)],
    /** Only the runs that a person should look at. */
    attention: (run: RunDocument) => (needsAttention(run) ? [] : undefined),
    byFlow: (run: RunDocument) => [run.flowName],
    /** Ascending: higher priority first, then older. */
    ready: (run: RunDocument) =>
      run.processStatus === "queued" && run.retryAt === undefined ? [-run.plan.priority] : undefined,
    /** Ascending: the retry that is due first. */
    retry: (run: RunDocument) =>
      run.processStatus === "queued" && run.retryAt !== undefined ? [run.retryAt] : undefined
  }
})

// --- internal ---

const holdsLease = (
  run: RunDocument,
  command: { readonly attemptId: string; readonly leaseToken: string }
): boolean => {
  const current = run.attempts.at(-1)
  return (
    current?.status === "running" &&
    current.id === command.attemptId &&
    current.leaseToken === command.leaseToken
  )
}

type EndAttempt = Extract<RunCommand, { _tag: "EndAttempt" }>

const endAttempt = (
  run: RunDocument,
  { attemptId, outcome, refusal, now, jitter }: EndAttempt
): ReadonlyArray<RunFact> => {
  const error = outcome.error ?? refusal
  const details = withoutUndefined({ exit: outcome.exit, result: outcome.result, error })
  const ended: RunFact = { _tag: "AttemptEnded", attemptId, ...details }
  const end = (
    processStatus: "completed" | "failed" | "canceled",
    retriesUsedUp = false
  ): ReadonlyArray<RunFact> => [ended, { _tag: "RunEnded", processStatus, ...details, retriesUsedUp }]
  if (error === undefined) return end("completed")
  if (outcome.exit._tag === "Canceled" || run.cancelRequested) return end("canceled")
  if (outcome.error === undefined) return end("failed")
  const { retry } = run.plan
  if (!retry.on.includes(retryReasonOf(outcome.exit))) return end("failed")
  if (run.attempts.length >= retry.maxAttempts) return end("failed", true)
  const wait = retry.backoffMillis * 2 ** (run.attempts.length - 1) * (1 + jitter / 2)
  return [ended, { _tag: "RunRetryScheduled", retryAt: Math.round(now + Math.min(wait, backoffMillisMax)) }]
}

const retryReasonOf = (exit: ExitCause): RetryReason =>
  exit._tag === "Timeout" ? "timeout" : exit._tag === "Lost" ? "lost" : "failed"

const cancel = (run: RunDocument, { by, reason }: Extract<RunCommand, { _tag: "Cancel" }>): Decision => {
  const requested: RunFact = withoutUndefined({ _tag: "RunCancelRequested", by, reason })
  switch (run.processStatus) {
    case "queued":
      return Either.right([
        requested,
        { _tag: "RunEnded", processStatus: "canceled", exit: { _tag: "Canceled" }, retriesUsedUp: false }
      ])
    case "running":
      return Either.right(run.cancelRequested ? [] : [requested])
    case "canceled":
      return Either.right([])
    default:
      return Either.left(new RunAlreadyEnded({ runId: run.id, processStatus: run.processStatus }))
  }
}
