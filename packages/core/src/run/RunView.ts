/** A run as clients see it: the names of the field's published view (docs/reference/run-view.md), without what only the engine needs. */
import * as Schema from "effect/Schema"
import { ExitCause, OutputStream } from "../executor/Executor.ts"
import { RunnerName } from "../flow/Flow.ts"
import { EffectiveStatus, FlowResult, ProcessStatus, ResultStatus } from "../flow/FlowResult.ts"
import { AttemptId, EventId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { OutputRecord } from "../store/Driver.ts"
import { toIso } from "../Time.ts"
import { Approval } from "./Approval.ts"
import { LateWrite } from "./LateWrite.ts"
import { type AttemptDocument, AttemptStatus, type RunDocument } from "./RunDocument.ts"
import { approvalAwaitedBy } from "./RunEvolve.ts"

/** What a run that has not ended waits for. */
export const WaitingOn = Schema.Union(
  /** A free slot under the limits. */
  Schema.TaggedStruct("Slot", {}),
  /** The time of its next attempt, ISO 8601. */
  Schema.TaggedStruct("Retry", { at: Schema.String }),
  /** The worker that holds its attempt. */
  Schema.TaggedStruct("Lease", { workerId: Schema.String, attemptId: AttemptId }),
  /** A decision by a person: `prompt` is the question, `choices` what it offers. */
  Schema.TaggedStruct("Approval", {
    prompt: Schema.String,
    choices: Schema.optional(Schema.Array(Schema.String))
  })
)
export type WaitingOn = typeof WaitingOn.Type

/** An attempt as clients see it: without its lease token, its process and its limits. */
export const AttemptView = Schema.Struct({
  id: AttemptId,
  /** From 1. */
  attemptNumber: Schema.Int,
  status: AttemptStatus,
  workerId: Schema.String,
  /** ISO 8601, UTC. */
  startedAt: Schema.String,
  /** ISO 8601, UTC; absent while it is `running`. */
  completedAt: Schema.optional(Schema.String),
  exit: Schema.optional(ExitCause),
  error: Schema.optional(Schema.String)
})
export interface AttemptView extends Schema.Schema.Type<typeof AttemptView> {}

/** A piece of output. `leftOutBytes` is how much before it was not kept. */
export const OutputView = Schema.Struct({
  kind: OutputStream,
  text: Schema.String,
  createdAt: Schema.String,
  leftOutBytes: Schema.optional(Schema.Int)
})
export interface OutputView extends Schema.Schema.Type<typeof OutputView> {}

/** A decision, with the question that it answers. */
export const ApprovalView = Approval.omit("afterAttempts")
export interface ApprovalView extends Schema.Schema.Type<typeof ApprovalView> {}

/** A run as every client gets it, made by {@link toRunView}; where runs are listed, `output` may be left empty. */
export const RunView = Schema.Struct({
  id: RunId,
  eventId: EventId,
  flowName: Schema.String,
  flowVersion: Schema.Number,
  stepName: Schema.String,
  runner: RunnerName,
  /** The store that keeps the run: `memory`, `file`, `sqlite`. */
  backend: Schema.String,
  generation: Schema.Int,
  processStatus: ProcessStatus,
  /** What {@link resultStatusOf} gives. */
  resultStatus: Schema.optional(ResultStatus),
  /** The same as `effectiveStatus`. */
  status: EffectiveStatus,
  effectiveStatus: EffectiveStatus,
  needsAttention: Schema.Boolean,
  waitingOn: Schema.optional(WaitingOn),
  /** Whether somebody asked that the run ends, who, and why. */
  cancelRequested: Schema.optional(Schema.Literal(true)),
  cancelRequestedBy: Schema.optional(Schema.String),
  cancelReason: Schema.optional(Schema.String),
  /** What was decided when the run asked, oldest first. */
  approvals: Schema.optional(Schema.Array(ApprovalView)),
  /** Writes of workers that did not hold the run any more: refused, oldest first. */
  lateWrites: Schema.optional(Schema.Array(LateWrite)),
  attemptCount: Schema.Int,
  attempts: Schema.Array(AttemptView),
  output: Schema.Array(OutputView),
  /** The text of the last piece of output. */
  latestOutput: Schema.optional(Schema.String),
  resultPayload: Schema.optional(FlowResult),
  error: Schema.optional(Schema.String),
  exit: Schema.optional(ExitCause),
  /** When it was queued; ISO 8601, UTC, as all times here. */
  createdAt: Schema.String,
  /** When its first attempt started. */
  startedAt: Schema.optional(Schema.String),
  /** Absent until it has ended, and again when a decision has queued it anew. */
  completedAt: Schema.optional(Schema.String),
  updatedAt: Schema.String
})
export interface RunView extends Schema.Schema.Type<typeof RunView> {}

/**
 * The status that counts: what the step said when its process went well, what became of the process otherwise.
 * A failed process whose result asks for a person keeps asking.
 */
export const effectiveStatusOf = (run: Pick<RunDocument, "processStatus" | "result">): EffectiveStatus => {
  const result = run.result?.status
  if (run.processStatus === "completed") return result ?? "completed"
  if (run.processStatus !== "failed") return run.processStatus
  return result === "needs_intervention" || result === "blocked" ? result : "failed"
}

/**
 * What was achieved: what the step said, also when its process failed after that; without a word from it, what its process
 * came to. Nothing while the run has not ended, and when it was canceled before the step said anything.
 */
export const resultStatusOf = (
  run: Pick<RunDocument, "processStatus" | "result">
): ResultStatus | undefined => {
  if (run.result !== undefined) return run.result.status
  return run.processStatus === "completed" || run.processStatus === "failed" ? run.processStatus : undefined
}

/** Whether a person should look: it failed, it is blocked, it asks for intervention, or its retries are used up. */
export const needsAttention = (run: RunDocument): boolean =>
  run.retriesUsedUp || ["needs_intervention", "blocked", "failed"].includes(effectiveStatusOf(run))

/** What the run waits for; nothing when it has ended, unless with a request for approval. */
export const waitingOnOf = (run: RunDocument): WaitingOn | undefined => {
  if (run.processStatus === "queued") {
    return run.retryAt === undefined ? { _tag: "Slot" } : { _tag: "Retry", at: toIso(run.retryAt) }
  }
  const attempt = run.attempts.at(-1)
  if (run.processStatus === "running" && attempt !== undefined) {
    return { _tag: "Lease", workerId: attempt.workerId, attemptId: attempt.id }
  }
  const approval = approvalAwaitedBy(run)
  return approval === undefined
    ? undefined
    : withoutUndefined({ _tag: "Approval", prompt: approval.prompt, choices: approval.choices })
}

/** The view of a run with the output that goes with it (none when a list leaves it out). */
export const toRunView = (
  run: RunDocument,
  options: { readonly backend: string; readonly output?: ReadonlyArray<OutputRecord> }
): RunView => {
  const status = effectiveStatusOf(run)
  const output = outputViews(options.output ?? [])
  return withoutUndefined({
    id: run.id,
    eventId: run.eventId,
    flowName: run.flowName,
    flowVersion: run.flowVersion,
    stepName: run.stepName,
    runner: run.plan.runner,
    backend: options.backend,
    generation: run.generation,
    processStatus: run.processStatus,
    resultStatus: resultStatusOf(run),
    status,
    effectiveStatus: status,
    needsAttention: needsAttention(run),
    waitingOn: waitingOnOf(run),
    cancelRequested: run.cancelRequested ? true : undefined,
    cancelRequestedBy: run.cancelRequestedBy,
    cancelReason: run.cancelReason,
    approvals: run.approvals?.map(({ afterAttempts, ...approval }) => approval),
    lateWrites: run.lateWrites,
    attemptCount: run.attempts.length,
    attempts: run.attempts.map(toAttemptView),
    output,
    latestOutput: output.at(-1)?.text,
    resultPayload: run.result,
    error: run.error,
    exit: run.exit,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    completedAt: run.completedAt,
    updatedAt: run.updatedAt
  })
}

// --- internal ---

const toAttemptView = ({ leaseToken, process, limits, ...attempt }: AttemptDocument): AttemptView => attempt

const outputViews = (records: ReadonlyArray<OutputRecord>): ReadonlyArray<OutputView> => {
  let end = 0
  return records.map(({ stream, text, at, offset, bytes }) => {
    const leftOutBytes = offset > end ? offset - end : undefined
    end = offset + bytes
    return withoutUndefined({ kind: stream, text, createdAt: toIso(at), leftOutBytes })
  })
}
