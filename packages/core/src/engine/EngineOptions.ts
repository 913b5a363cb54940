/** What an engine may be told. */

export interface EngineOptions {
  /** Names this engine in leases and views. Default: `engine-` and a random part. */
  readonly workerId?: string
  /** How many runs may be under way at once. Default: 4. */
  readonly concurrency?: number
  /** How many runs of one flow may be under way at once. Default: no limit of its own. */
  readonly concurrencyPerFlow?: number
  /** How long an attempt stays leased without a heartbeat, in milliseconds. Default: 30 s. */
  readonly leaseMillis?: number
  /** How long a stop waits for running attempts before it ends them as lost, in milliseconds. Default: 10 s. */
  readonly shutdownGraceMillis?: number
  /** Whether the engine runs what is queued. Default: true. A reader that only inspects sets it to false. */
  readonly runs?: boolean
  /** Told to steps as `runtime.launchedBy`. */
  readonly launchedBy?: string
  /** Told to steps as `runtime.workspaceBackendUrl`. */
  readonly workspaceBackendUrl?: string
}

export interface EngineSettings
  extends Required<Omit<EngineOptions, "launchedBy" | "workspaceBackendUrl" | "concurrencyPerFlow">> {
  readonly concurrencyPerFlow: number
  readonly launchedBy: string | undefined
  readonly workspaceBackendUrl: string | undefined
}

/** The options with their defaults. */
export const withDefaults = (options: EngineOptions, randomPart: string): EngineSettings => ({
  workerId: options.workerId ?? `engine-${randomPart}`,
  concurrency: Math.max(1, options.concurrency ?? 4),
  concurrencyPerFlow: options.concurrencyPerFlow ?? Number.POSITIVE_INFINITY,
  leaseMillis: options.leaseMillis ?? 30_000,
  shutdownGraceMillis: options.shutdownGraceMillis ?? 10_000,
  runs: options.runs ?? true,
  launchedBy: options.launchedBy,
  workspaceBackendUrl: options.workspaceBackendUrl
})
