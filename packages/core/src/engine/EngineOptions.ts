/** What an engine may be told. */
import type * as Effect from "effect/Effect"

/** The shortest lease, in milliseconds (1 second): heartbeats come three times as often and each is a write. */
export const leaseMillisMin = 1_000

/** How many runs may wait when the options do not say. */
export const queueMaxDefault = 10_000

/**
 * What an engine may be told; all of it may be left out. A number below its least counts as the least, and NaN as left out.
 */
export interface EngineOptions {
  /** Names this engine in leases and views. Default: `engine-` and a random part. */
  readonly workerId?: string
  /**
   * Whether the engine of this name is known to be gone, told by whoever gives out the names. Attempts of such an engine do
   * not wait for the end of their lease. False where it cannot be known. Default: nothing is known.
   */
  readonly isWorkerDead?: (workerId: string) => Effect.Effect<boolean>
  /** How many runs may be under way at once in this engine, 1 at least. Default: 4; a service takes the number of cores. */
  readonly concurrency?: number
  /**
   * How many runs of one flow may be under way at once, 1 at least, over all engines of the store that have this option.
   * Default: no limit of its own.
   */
  readonly concurrencyPerFlow?: number
  /**
   * How many runs may wait before `dispatch` and `replay` refuse events that would queue more (`QueueFull`), 1 at least; the
   * runs of one event may go beyond it. Follow-up events and signals are never refused. Default: 10,000.
   */
  readonly queueMax?: number
  /**
   * Which runs the engine claims and recovers: `all` of the store, or only its `own`: the runs of events that were dispatched
   * or replayed through it, known events included, and those that it was told a decision on. A one-shot command takes `own`,
   * so that it does not take up what a stopped service left queued. Default: `all`.
   */
  readonly claims?: "all" | "own"
  /** How long an attempt stays leased without a heartbeat, in milliseconds; {@link leaseMillisMin} at least. Default: 30 s. */
  readonly leaseMillis?: number
  /** How long a stop waits for running attempts before it ends them as lost, in milliseconds; 0 at least. Default: 10 s. */
  readonly shutdownGraceMillis?: number
  /** Whether the engine runs what is queued. Default: true. A reader that only inspects sets it to false. */
  readonly runs?: boolean
  /** Told to steps as `runtime.launchedBy`. */
  readonly launchedBy?: string
  /** Told to steps as `runtime.workspaceBackendUrl`. */
  readonly workspaceBackendUrl?: string
}

/** The options as an engine goes by them: {@link withDefaults} fills them in and keeps the numbers within their bounds. */
export interface EngineSettings
  extends Required<
    Omit<EngineOptions, "isWorkerDead" | "launchedBy" | "workspaceBackendUrl" | "concurrencyPerFlow">
  > {
  readonly isWorkerDead: EngineOptions["isWorkerDead"]
  /** Infinity where flows have no limit of their own. */
  readonly concurrencyPerFlow: number
  readonly launchedBy: string | undefined
  readonly workspaceBackendUrl: string | undefined
}

/** The options with their defaults. */
export const withDefaults = (options: EngineOptions, randomPart: string): EngineSettings => ({
  workerId: options.workerId ?? `engine-${randomPart}`,
  isWorkerDead: options.isWorkerDead,
  concurrency: atLeast(1, options.concurrency, 4),
  queueMax: atLeast(1, options.queueMax, queueMaxDefault),
  claims: options.claims ?? "all",
  concurrencyPerFlow: atLeast(1, options.concurrencyPerFlow, Number.POSITIVE_INFINITY),
  leaseMillis: atLeast(leaseMillisMin, options.leaseMillis, 30_000),
  shutdownGraceMillis: atLeast(0, options.shutdownGraceMillis, 10_000),
  runs: options.runs ?? true,
  launchedBy: options.launchedBy,
  workspaceBackendUrl: options.workspaceBackendUrl
})

// --- internal ---

/** The value, not below the least; the default where there is none, or none that is a number. */
const atLeast = (least: number, value: number | undefined, otherwise: number): number =>
  value === undefined || Number.isNaN(value) ? otherwise : Math.max(least, value)
