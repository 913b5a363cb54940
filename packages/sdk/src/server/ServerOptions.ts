/** What a server may be told, and the limits that hold when it is told nothing. */
import type { Metrics } from "./Metrics.ts"

/** Largest body of a request, in bytes (1 MiB). */
export const bodyBytesMaxDefault = 1_048_576
/** How long the body of a request may take to arrive, in milliseconds (30 s). */
export const bodyMillisMaxDefault = 30_000
/** How long `wait` waits at most, in milliseconds (10 minutes). */
export const waitMillisMaxDefault = 600_000
/** How long `wait` waits when the caller does not say, in milliseconds (60 s). */
export const waitMillisDefault = 60_000
/** How many streams (changes, followed output) may be open at once. */
export const streamsMaxDefault = 256
/** How many requests a caller may send in a burst. */
export const rateBurstDefault = 100_000
/** How many requests a caller may send a second in the long run. */
export const ratePerSecondDefault = 50_000

/** Who may ask a server, under which names, and how much of everything. Every field has a default. */
export interface ServerOptions {
  /** The shared secret of signatures. Default: none. */
  readonly secret?: string
  /** Where tokens are kept; absolute. Default: there are no tokens. */
  readonly tokensFile?: string
  /**
   * The host names and addresses that a request may name in its `Host` header, without port. Default: those of loopback.
   * `any` checks nothing: for a server that is reached under names of its own, and that has a secret.
   */
  readonly hosts?: ReadonlyArray<string> | "any"
  /** Largest body of a request, in bytes; a larger one is `BodyTooLarge`. Default: {@link bodyBytesMaxDefault}. */
  readonly bodyBytesMax?: number
  /** How long a body may take to arrive, in milliseconds. Default: {@link bodyMillisMaxDefault}. */
  readonly bodyMillisMax?: number
  /** How long `wait` and a cancel wait when the caller does not say, in milliseconds. Default: {@link waitMillisDefault}. */
  readonly waitMillis?: number
  /** How long `wait` waits at most, in milliseconds. Default: {@link waitMillisMaxDefault}. */
  readonly waitMillisMax?: number
  /** How many streams may be open at once; one more is `RateLimited`. Default: {@link streamsMaxDefault}. */
  readonly streamsMax?: number
  /** Requests of one caller. Default: {@link rateBurstDefault} at once, {@link ratePerSecondDefault} a second. */
  readonly rate?: { readonly burst: number; readonly perSecond: number }
  /** Counters that somebody else counts into as well. Default: those of this server alone. */
  readonly metrics?: Metrics
}

/** What a server goes by, made by {@link withDefaults}: every limit is there, a secret and tokens where they were given. */
export type ServerSettings = Required<Omit<ServerOptions, "secret" | "tokensFile" | "metrics">> &
  Pick<ServerOptions, "secret" | "tokensFile">

/** The options with their defaults. An empty secret counts as none. */
export const withDefaults = (options: ServerOptions): ServerSettings => ({
  ...(options.secret === undefined || options.secret === "" ? {} : { secret: options.secret }),
  ...(options.tokensFile === undefined ? {} : { tokensFile: options.tokensFile }),
  hosts: options.hosts ?? loopbackHosts,
  bodyBytesMax: options.bodyBytesMax ?? bodyBytesMaxDefault,
  bodyMillisMax: options.bodyMillisMax ?? bodyMillisMaxDefault,
  waitMillis: options.waitMillis ?? waitMillisDefault,
  waitMillisMax: options.waitMillisMax ?? waitMillisMaxDefault,
  streamsMax: options.streamsMax ?? streamsMaxDefault,
  rate: options.rate ?? { burst: rateBurstDefault, perSecond: ratePerSecondDefault }
})

/** What loopback is called. */
export const loopbackHosts: ReadonlyArray<string> = ["127.0.0.1", "localhost", "[::1]"]
