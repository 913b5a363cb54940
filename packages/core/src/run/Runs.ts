/**
 * The aggregate of runs.
 *
 * 1. A run has at most one attempt under way, and only the holder of its lease token can end it.
 * 2. A run that has ended changes no more, but for two things: it keeps that a late write was refused, and a decision that
 *    it waits for queues it again.
 * 3. An attempt that ends either ends the run or schedules the next attempt, in the same decision.
 */
import * as Either from "effect/Either"
import { AttemptId, makeAttemptId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { choiceLengthMax, commentLengthMax, decidedByLengthMax } from "./Approval.ts"
import { type AttemptClaim, lateReasonOf, lateSummaryLengthMax, lateWritesMax } from "./LateWrite.ts"
import { laneOf } from "./lane.ts"
import {
  InvalidDecision,
  LeaseLost,
  RunAlreadyEnded,
  type RunCommand,
  RunNotAwaitingApproval,
  RunNotReady,
  type RunRejection,
  UnknownRun
} from "./RunCommand.ts"
import type { RunDocument } from "./RunDocument.ts"
import { approvalAwaitedBy, evolve } from "./RunEvolve.ts"
import { RunFact } from "./RunFact.ts"
import { effectiveStatusOf, needsAttention } from "./RunView.ts"
import { nextAttemptOf } from "./retry.ts"

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
      const { workerId, leaseToken, limits } = command
      const attemptId = makeAttemptId(run.id, attemptNumber)
      const started = { attemptId, attemptNumber, workerId, leaseToken, limits }
      return Either.right([withoutUndefined({ _tag: "AttemptStarted", ...started })])
    }
    case "RecordProcess":
      return held(run, command, () => [
        { _tag: "AttemptSpawned", attemptId: command.attemptId, process: command.process }
      ])
    case "EndAttempt":
      return held(run, command, () => endAttempt(run, command))
    case "RefuseWrite":
      return Either.right(refuseWrite(run, command))
    case "DecideApproval":
      return decideApproval(run, command)
    case "Cancel":
      return cancel(run, command)
  }
}

/** Runs, by their id. Listed by event, flow and either status, and those that need attention; `ready` and `retry` are the scheduler's queues. */
export const Runs = Aggregate.make({
  name: "run",
  fact: RunFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    byEvent: (run: RunDocument) => [run.eventId],
    byStatus: (run: RunDocument) => [run.processStatus],
    byEffectiveStatus: (run: RunDocument) => [effectiveStatusOf(run)],
    /** Only the runs that a person should look at. */
    attention: (run: RunDocument) => (needsAttention(run) ? [] : undefined),
    byFlow: (run: RunDocument) => [run.flowName],
    /** Only the runs that wait for a decision. */
    approval: (run: RunDocument) => (approvalAwaitedBy(run) === undefined ? undefined : []),
    /** Ascending: higher priority first, then lane by lane (`laneOf`), in a lane the older first. */
    ready: (run: RunDocument) =>
      run.processStatus === "queued" && run.retryAt === undefined
        ? [-run.plan.priority, laneOf(run)]
        : undefined,
    /** Ascending: the retry that is due first. */
    retry: (run: RunDocument) =>
      run.processStatus === "queued" && run.retryAt !== undefined ? [run.retryAt] : undefined
  }
})

// --- internal ---

/** What the holder of the attempt leads to; refused for anybody else. */
const held = (run: RunDocument, claim: AttemptClaim, facts: () => ReadonlyArray<RunFact>): Decision => {
  const reason = lateReasonOf(run, claim)
  return reason === undefined
    ? Either.right(facts())
    : Either.left(new LeaseLost({ runId: run.id, attemptId: AttemptId.make(claim.attemptId), reason }))
}

/** A write for an attempt that is still this worker's, as far as the facts tell, was refused by the clock. */
const refuseWrite = (
  run: RunDocument,
  { attemptId, leaseToken, kind, summary }: Extract<RunCommand, { _tag: "RefuseWrite" }>
): ReadonlyArray<RunFact> => {
  const isKnown = run.lateWrites?.some((write) => write.attemptId === attemptId && write.kind === kind)
  if (isKnown === true || (run.lateWrites?.length ?? 0) >= lateWritesMax) return []
  const reason = lateReasonOf(run, { attemptId, leaseToken }) ?? "expired"
  return [
    withoutUndefined({
      _tag: "LateWriteRefused",
      attemptId,
      kind,
      reason,
      summary: summary?.slice(0, lateSummaryLengthMax)
    })
  ]
}

const decideApproval = (
  run: RunDocument,
  { _tag, ...decision }: Extract<RunCommand, { _tag: "DecideApproval" }>
): Decision => {
  const request = approvalAwaitedBy(run)
  if (request === undefined) {
    return Either.left(new RunNotAwaitingApproval({ runId: run.id, status: effectiveStatusOf(run) }))
  }
  const invalid = (field: InvalidDecision["field"], reason: string): Decision =>
    Either.left(new InvalidDecision({ runId: run.id, field, reason }))
  const { choice, by, comment } = decision
  const choices = request.choices ?? []
  if (choice !== undefined && !choices.includes(choice)) {
    const offered = choices.length === 0 ? "offers none" : `offers ${choices.map(quoted).join(", ")}`
    return invalid("choice", `found ${quoted(choice.slice(0, choiceLengthMax))}, and the question ${offered}`)
  }
  if (by !== undefined && by.length > decidedByLengthMax)
    return invalid("by", tooLong(by, decidedByLengthMax))
  if (comment !== undefined && comment.length > commentLengthMax) {
    return invalid("comment", tooLong(comment, commentLengthMax))
  }
  return Either.right([{ _tag: "ApprovalDecided", ...withoutUndefined(decision) }])
}

const quoted = (text: string): string => JSON.stringify(text)

const tooLong = (text: string, lengthMax: number): string =>
  `expected at most ${lengthMax} characters, found ${text.length}`

type EndAttempt = Extract<RunCommand, { _tag: "EndAttempt" }>

const endAttempt = (
  run: RunDocument,
  { attemptId, outcome, process, refusal, now, jitter }: EndAttempt
): ReadonlyArray<RunFact> => {
  const error = outcome.error ?? refusal
  const details = withoutUndefined({ exit: outcome.exit, result: outcome.result, error })
  const isTold = run.attempts.at(-1)?.process !== undefined
  const ended: ReadonlyArray<RunFact> = [
    ...(process === undefined || isTold ? [] : [{ _tag: "AttemptSpawned", attemptId, process } as const]),
    { _tag: "AttemptEnded", attemptId, ...details }
  ]
  const end = (
    processStatus: "completed" | "failed" | "canceled",
    retriesUsedUp = false
  ): ReadonlyArray<RunFact> => [...ended, { _tag: "RunEnded", processStatus, ...details, retriesUsedUp }]
  if (error === undefined) return end("completed")
  if (outcome.exit._tag === "Canceled" || run.cancelRequested) return end("canceled")
  if (outcome.error === undefined) return end("failed")
  const next = nextAttemptOf(run, outcome.exit, { now, jitter })
  return next._tag === "At"
    ? [...ended, { _tag: "RunRetryScheduled", retryAt: next.retryAt }]
    : end("failed", next._tag === "UsedUp")
}

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
