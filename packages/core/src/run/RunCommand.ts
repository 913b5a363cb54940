/** What can be asked of a run, and why it may be refused. */
import * as Schema from "effect/Schema"
import type { AttemptOutcome, ProcessIdentity } from "../executor/Executor.ts"
import { ProcessStatus } from "../flow/FlowResult.ts"
import { AttemptId, type LeaseToken, RunId } from "../Ids.ts"
import type { RunQueued } from "./RunFact.ts"

export type RunCommand =
  | { readonly _tag: "Queue"; readonly run: Omit<typeof RunQueued.Type, "_tag"> }
  | {
      readonly _tag: "StartAttempt"
      readonly workerId: string
      readonly leaseToken: LeaseToken
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
      /** Why a good result is not accepted all the same: its follow-up events cannot be dispatched. Ends the run as failed, without a retry. */
      readonly refusal?: string
      readonly now: number
      /** 0 to 1: spreads the retries of runs that failed together. */
      readonly jitter: number
    }
  | { readonly _tag: "Cancel"; readonly by?: string; readonly reason?: string }

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
  attemptId: AttemptId
}) {
  override get message() {
    return `Attempt ${this.attemptId} is not leased by this worker any more`
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

export type RunRejection = UnknownRun | RunNotReady | LeaseLost | RunAlreadyEnded
