/**
 * The port that executes one attempt of a step.
 *
 * 1. Output is handed over while the step runs, in order; `onOutput` is awaited, so a slow store slows the
 *    reader and memory stays flat.
 * 2. An outcome is a value, whatever the step does: only a broken executor fails with {@link ExecutorError}.
 * 3. Interrupting the effect is the cancel: the executor ends the whole process group (SIGTERM, grace,
 *    SIGKILL) before the interruption is done.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { RunnerName, StepPlan } from "../flow/Flow.ts"
import { FlowResult } from "../flow/FlowResult.ts"
import type { AttemptId, RunId } from "../Ids.ts"

/** Where a piece of output came from. */
export const OutputStream = Schema.Literal("stdout", "stderr", "system", "agent")
export type OutputStream = typeof OutputStream.Type

/** A piece of output, decoded: invalid UTF-8 becomes U+FFFD. */
export interface OutputChunk {
  readonly stream: OutputStream
  readonly text: string
}

/** How the process of an attempt ended. */
export const ExitCause = Schema.Union(
  Schema.TaggedStruct("ExitCode", { code: Schema.Int }),
  Schema.TaggedStruct("Signal", { signal: Schema.String }),
  Schema.TaggedStruct("Timeout", { timeoutMillis: Schema.Int }),
  Schema.TaggedStruct("Canceled", {}),
  Schema.TaggedStruct("Lost", {
    reason: Schema.String,
    /** That its engine was told to stop; such an end does not use up the retry policy. Absent when the attempt was lost in any other way. */
    by: Schema.optional(Schema.Literal("stop"))
  }),
  /** The process could not be started. */
  Schema.TaggedStruct("NotStarted", { reason: Schema.String })
)
export type ExitCause = typeof ExitCause.Type

/** What came of an attempt: how the process ended, the result that it printed, and what is wrong, if anything is. */
export const AttemptOutcome = Schema.Struct({
  exit: ExitCause,
  /** The result, also when the process failed after it printed one. */
  result: Schema.optional(FlowResult),
  /** Why the attempt did not succeed. Absent exactly when the process ended with code 0 and printed a good result. */
  error: Schema.optional(Schema.String)
})
export interface AttemptOutcome extends Schema.Schema.Type<typeof AttemptOutcome> {}

/** A decision, as the step that asked for it is told: `runtime.approval` of its document. */
export interface StepApproval {
  readonly decision: "approved" | "rejected"
  readonly choice?: string | undefined
  readonly by?: string | undefined
  readonly comment?: string | undefined
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Everything that an executor needs to know about one attempt. */
export interface StepInvocation {
  readonly flow: {
    readonly name: string
    readonly version: number
    readonly root: string
    readonly step: string
    readonly config?: Record<string, unknown>
  }
  readonly plan: StepPlan
  readonly event: FlowEvent
  /** Where the log tells that the event came in; absent when nobody knows. */
  readonly eventPosition?: number
  readonly runId: RunId
  readonly attemptId: AttemptId
  /** The engine that has the attempt. Ids of attempts are the same in every record of an event, those of engines are not. */
  readonly workerId?: string
  /** Whether the run is of a later generation than the first. */
  readonly replay: boolean
  /** What was decided when the run asked, the latest decision; absent when it never asked. */
  readonly approval?: StepApproval
  readonly launchedBy?: string
  readonly workspaceBackendUrl?: string
}

/** The executor itself is broken: nothing is known of the step. The attempt ends as lost and follows the retry policy. */
export class ExecutorError extends Schema.TaggedError<ExecutorError>("patchmoi/ExecutorError")(
  "ExecutorError",
  { runner: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `The executor for runner "${this.runner}" failed: ${this.reason}`
  }
}

/** Executes attempts of the runners that it serves. */
export class Executor extends Context.Tag("@patchmoi/core/Executor")<
  Executor,
  {
    /** The runner names that this executor serves. */
    readonly runners: ReadonlyArray<RunnerName>
    /**
     * Runs the step to its end.
     *
     * - `ExecutorError`: the executor could not tell what became of the step.
     *
     * A step that fails, times out, prints nothing or cannot be started is not an error: see {@link AttemptOutcome}.
     */
    readonly execute: (
      invocation: StepInvocation,
      options: {
        readonly onOutput: (chunk: OutputChunk) => Effect.Effect<void>
        /** Called once, when a process exists: its group id and its start time, so that a later engine can end it. */
        readonly onStarted?: (process: ProcessIdentity) => Effect.Effect<void>
      }
    ) => Effect.Effect<AttemptOutcome, ExecutorError>
    /**
     * Ends the process group that an engine which is gone left behind: only if the process is still the one that was
     * recorded, never one that got its number later. Absent where an executor leaves no process behind.
     */
    readonly endOrphan?: (process: ProcessIdentity) => Effect.Effect<void>
    /** Ends what this engine, which is gone, started for an attempt and did not live to record. Absent like `endOrphan`. */
    readonly endUnrecorded?: (attemptId: AttemptId, workerId: string) => Effect.Effect<void>
  }
>() {}

/** What tells a process from a later one that got the same number. */
export const ProcessIdentity = Schema.Struct({
  pid: Schema.Int,
  /** Start time in clock ticks since boot, from `/proc/<pid>/stat` field 22, where that exists. */
  startTicks: Schema.optional(Schema.Int),
  /** The transient unit of the service manager that holds the process and all that it started, where there is one. */
  unit: Schema.optional(Schema.String)
})
export interface ProcessIdentity extends Schema.Schema.Type<typeof ProcessIdentity> {}
