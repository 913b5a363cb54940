/** What can be asked of a run, and why it may be refused. */
import * as Schema from "effect/Schema"
import type { AttemptOutcome, ProcessIdentity } from "../executor/Executor.ts"
import { EffectiveStatus, ProcessStatus } from "../flow/FlowResult.ts"
import { AttemptId, type LeaseToken, RunId } from "../Ids.ts"
import type { Decision } from "./Approval.ts"
import { type LateWriteKind, LateWriteReason } from "./LateWrite.ts"
import type { RunQueued } from "./RunFact.ts"

/**
 * What can be asked of a run. `Queue` does nothing for a known run; the others are refused with `UnknownRun` for an unknown
 * one. `RefuseWrite` is refused for nothing else.
 *
 * - `RunNotReady`: a `StartAttempt` of a run that is not queued, or whose retry is not due.
 * - `LeaseLost`: a `RecordProcess` or `EndAttempt` with another token than that of the attempt under way.
 * - `RunAlreadyEnded`: a `Cancel` of a run that completed or failed. That of a canceled one does nothing.
 * - `RunNotAwaitingApproval`: a `DecideApproval` of a run that asks nothing, or was decided before.
 * - `InvalidDecision`: a `DecideApproval` whose choice is not on offer, or with a text that is too long.
 */
export type RunCommand =
  | { readonly _tag: "Queue"; readonly run: Omit<typeof RunQueued.Type, "_tag"> }
  | {
      readonly _tag: "StartAttempt"
      readonly workerId: string
      readonly leaseToken: LeaseToken
      /** The limits under which the attempt takes a place. Default: none. */
      readonly limits?: ReadonlyArray<string>
      /** Milliseconds since the Unix epoch. */
      readonly now: number
    }
  | {
      readonly _tag: "RecordProcess"
      readonly attemptId: AttemptId
      readonly leaseToken: LeaseToken
      readonly process: ProcessIdentity
    }
  | {
      readonly _tag: "EndAttempt"
      readonly attemptId: AttemptId
      readonly leaseToken: LeaseToken
      readonly outcome: AttemptOutcome
      /** The process that the attempt had, where no fact tells it yet. */
      readonly process?: ProcessIdentity
      /** Why a good result is not accepted all the same: its follow-up events cannot be dispatched. Ends the run as failed, without a retry. */
      readonly refusal?: string
      /** Milliseconds since the Unix epoch. */
      readonly now: number
      /** 0 to 1: spreads the retries of runs that failed together. */
      readonly jitter: number
    }
  | { readonly _tag: "Cancel"; readonly by?: string; readonly reason?: string }
  | {
      /** Keeps that a write was refused; nothing when a write of this kind of this attempt was refused before. */
      readonly _tag: "RefuseWrite"
      readonly attemptId: AttemptId
      readonly leaseToken: LeaseToken
      readonly kind: LateWriteKind
      readonly summary?: string
    }
  | ({ readonly _tag: "DecideApproval" } & RunDecision)

/** What somebody decided on a run that waits for it. */
export interface RunDecision {
  readonly decision: Decision
  /** One of the choices of the question. */
  readonly choice?: string
  readonly by?: string
  readonly comment?: string
}

/** There is no run with this id. */
export class UnknownRun extends Schema.TaggedError<UnknownRun>("patchmoi/UnknownRun")("UnknownRun", {
  runId: RunId
}) {
  override get message() {
    return `Unknown run: ${this.runId}`
  }
}

/** The run is not waiting for a slot: another worker was faster, it has ended, or its retry is not due. */
export class RunNotReady extends Schema.TaggedError<RunNotReady>("patchmoi/RunNotReady")("RunNotReady", {
  runId: RunId,
  processStatus: ProcessStatus
}) {
  override get message() {
    return `Run ${this.runId} is not ready for an attempt: it is ${this.processStatus}`
  }
}

/** The worker does not hold the attempt any more. What it wrote is refused; the run goes on without it. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>("patchmoi/LeaseLost")("LeaseLost", {
  runId: RunId,
  attemptId: AttemptId,
  reason: LateWriteReason
}) {
  override get message() {
    return `Attempt ${this.attemptId} is not leased by this worker any more: ${lostBecause[this.reason]}`
  }
}

/** The run has ended; there is nothing to cancel. */
export class RunAlreadyEnded extends Schema.TaggedError<RunAlreadyEnded>("patchmoi/RunAlreadyEnded")(
  "RunAlreadyEnded",
  { runId: RunId, processStatus: ProcessStatus }
) {
  override get message() {
    return `Run ${this.runId} cannot be canceled: it is ${this.processStatus}`
  }
}

/** The run does not wait for a decision: it never asked, or the decision was made. Nothing was recorded. */
export class RunNotAwaitingApproval extends Schema.TaggedError<RunNotAwaitingApproval>(
  "patchmoi/RunNotAwaitingApproval"
)("RunNotAwaitingApproval", { runId: RunId, status: EffectiveStatus }) {
  override get message() {
    return `Run ${this.runId} does not wait for an approval: it is ${this.status}`
  }
}

/** The decision does not answer the question of the run; `field` says where. Nothing was recorded. */
export class InvalidDecision extends Schema.TaggedError<InvalidDecision>("patchmoi/InvalidDecision")(
  "InvalidDecision",
  { runId: RunId, field: Schema.Literal("choice", "by", "comment"), reason: Schema.String }
) {
  override get message() {
    return `Run ${this.runId} cannot be decided like this: ${this.field}: ${this.reason}`
  }
}

/** Why a command to a run was refused: nothing of it was recorded. {@link RunCommand} says which is for what. */
export type RunRejection =
  | UnknownRun
  | RunNotReady
  | LeaseLost
  | RunAlreadyEnded
  | RunNotAwaitingApproval
  | InvalidDecision

// --- internal ---

const lostBecause: Readonly<Record<LateWriteReason, string>> = {
  expired: "its lease ran out",
  taken: "another attempt took the run over",
  canceled: "the run was canceled",
  ended: "the run has ended"
}
