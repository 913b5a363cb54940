/**
 * A flow as patchmoi runs it: the folder and what its `flow.toml` says, checked, with defaults filled in
 * and every path resolved. How a manifest file becomes one is the business of whoever implements
 * {@link FlowCatalog}; this is what the engine needs.
 */
import * as Schema from "effect/Schema"

/** The way in which a step is executed; an executor serves one or more of them. */
export const RunnerName = Schema.Literal("bun", "code-mode")
export type RunnerName = typeof RunnerName.Type

/** The ends of an attempt that a retry policy may name. */
export const RetryReason = Schema.Literal("failed", "timeout", "lost")
export type RetryReason = typeof RetryReason.Type

/** When an attempt that did not succeed is followed by another. */
export const RetryPolicy = Schema.Struct({
  /** Attempts in all, the first included and those not that ended by the stop of their engine. 1 to 100. */
  maxAttempts: Schema.Int.pipe(Schema.between(1, 100)),
  /** The wait before the second attempt, in milliseconds; doubles each time, with jitter, up to 1 hour. */
  backoffMillis: Schema.Int.pipe(Schema.between(0, 3_600_000)),
  on: Schema.Array(RetryReason)
})
export interface RetryPolicy extends Schema.Schema.Type<typeof RetryPolicy> {}

/** The policy of a step that names none: an attempt that was lost runs again, a failure does not. */
export const defaultRetryPolicy: RetryPolicy = { maxAttempts: 3, backoffMillis: 1_000, on: ["lost"] }

/** How long a step may run when its manifest does not say, in milliseconds (5 minutes). */
export const stepTimeoutMillisDefault = 300_000
/** The longest time that a manifest may give a step, in milliseconds (24 hours). */
export const stepTimeoutMillisMax = 86_400_000
/** How much output of one attempt is kept when the manifest does not say, in bytes (1 MiB). */
export const stepOutputBytesDefault = 1_048_576
/** The most output that a manifest may ask to keep, in bytes (64 MiB). */
export const stepOutputBytesMax = 67_108_864

/** The least memory that a manifest may name, in bytes (1 MiB). */
export const stepMemoryBytesMin = 1_048_576
/** The most memory that a manifest may name, in bytes (1 PiB). */
export const stepMemoryBytesMax = 1_125_899_906_842_624
/** The most processor time that a manifest may name, in percent of one processor. */
export const stepCpuPercentMax = 100_000
/** The most processes and threads that a manifest may name. */
export const stepTasksMax = 1_000_000

/** How much of the machine an attempt may take, its children included. An executor that cannot see to it says so in the output. */
export const ResourceLimits = Schema.Struct({
  /** Memory of all processes together, in bytes. */
  memoryBytesMax: Schema.optional(Schema.Int.pipe(Schema.between(stepMemoryBytesMin, stepMemoryBytesMax))),
  /** Processor time, in percent of one processor: 200 is two processors. */
  cpuPercent: Schema.optional(Schema.Int.pipe(Schema.between(1, stepCpuPercentMax))),
  /** Processes and threads at once. */
  tasksMax: Schema.optional(Schema.Int.pipe(Schema.between(1, stepTasksMax)))
})
export interface ResourceLimits extends Schema.Schema.Type<typeof ResourceLimits> {}

/** What the engine needs to queue, limit and run a step; kept with the run, so that a later edit of the flow does not change it. */
export const StepPlan = Schema.Struct({
  runner: RunnerName,
  /** Script, absolute. */
  script: Schema.String,
  /** Working directory, absolute. */
  cwd: Schema.String,
  timeoutMillis: Schema.Int.pipe(Schema.between(1, stepTimeoutMillisMax)),
  outputBytesMax: Schema.Int.pipe(Schema.between(1, stepOutputBytesMax)),
  retry: RetryPolicy,
  /** Higher runs first. -1000 to 1000, default 0. */
  priority: Schema.Int.pipe(Schema.between(-1_000, 1_000)),
  /** How many runs of this step (with the same concurrency key) may run at once. Absent: only the other limits hold. */
  concurrency: Schema.optional(Schema.Int.pipe(Schema.between(1, 1_000))),
  /** RFC 6901 pointer into the event; runs with the same value there share `concurrency` (default then 1), over all steps and flows that name the same key. */
  concurrencyKey: Schema.optional(Schema.String),
  /** Names of environment variables that the step may inherit from a service. */
  env: Schema.Array(Schema.String),
  /** Absent: no limit but those of the service that runs steps. */
  limits: Schema.optional(ResourceLimits)
})
export interface StepPlan extends Schema.Schema.Type<typeof StepPlan> {}

/** One way in which an event fits, or does not fit, a trigger. Pointers are RFC 6901. */
export interface PayloadIssue {
  readonly pointer: string
  readonly message: string
  readonly keyword: string
}

/** Decides whether a payload fits the JSON Schema of a trigger: an empty list is a fit. Compiled once per file version. */
export type PayloadCheck = (payload: unknown) => ReadonlyArray<PayloadIssue>

/** What starts a step: an exact event type and, if named, a JSON Schema that the payload must fit. */
export interface StepTrigger {
  readonly type: string
  readonly schemaPath?: string
  readonly check?: PayloadCheck
}

/** One step of a flow. A step without a trigger never matches an event; it can be run by name. */
export interface FlowStep {
  readonly name: string
  readonly plan: StepPlan
  readonly trigger?: StepTrigger
}

/** A flow whose manifest is good. */
export interface Flow {
  readonly name: string
  readonly version: number
  readonly description?: string
  /** The folder, absolute. */
  readonly root: string
  /** The `[config]` table, given to steps as it is. */
  readonly config?: Record<string, unknown>
  readonly steps: ReadonlyArray<FlowStep>
  /** What is not wrong but worth a look, such as an unknown key and the known key that is nearest. */
  readonly warnings: ReadonlyArray<string>
}

/** Why a folder with a `flow.toml` is not a flow. */
export interface BrokenFlow {
  /** The folder, absolute. */
  readonly root: string
  readonly file: string
  readonly issues: ReadonlyArray<FlowIssue>
}

/** One thing that is wrong in a manifest or in a file that it names. */
export interface FlowIssue {
  readonly file: string
  /** Line in the file, from 1, where the parser tells one. */
  readonly line?: number
  /** The field, such as `steps[0].timeout_ms`. */
  readonly field?: string
  readonly expected?: string
  readonly found?: string
  readonly message: string
}

/** All flows that were found at one moment. A broken one stands beside the good ones and stops none of them. */
export interface CatalogSnapshot {
  readonly flows: ReadonlyArray<Flow>
  readonly broken: ReadonlyArray<BrokenFlow>
}
