/** Listens: a flow server on an address of this machine, for as long as its scope is open. */
import type { Server } from "bun"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Flow } from "../Flow.ts"
import { deadlineLookMillis } from "./BodyDeadlines.ts"
import * as FlowServer from "./FlowServer.ts"
import { failureAnswer, HttpFailure } from "./HttpFailure.ts"
import { loopbackHosts, type ServerOptions, type ServerSettings, withDefaults } from "./ServerOptions.ts"
import { readTokens, type TokensFileError } from "./Tokens.ts"

/** The port when nobody says one. */
export const portDefault = 7345
/**
 * How long a connection may be silent at least, in seconds; not while an answer is awaited that streams or waits. A body may
 * be silent for as long as it may take, so that who sends it is told that it took too long.
 */
export const idleSecondsMax = 30
/** Longest silence that the runtime knows, in seconds. */
const idleSecondsLimit = 255
/** How long a stop waits for requests under way, in milliseconds. */
export const stopMillisMaxDefault = 5_000

/** Where a server listens, and what {@link ServerOptions} say of its requests. By default only this machine reaches it. */
export interface ServeOptions extends ServerOptions {
  /** Default: `127.0.0.1`. Anything but loopback needs a secret. */
  readonly host?: string
  /** 0 takes any that is free. Default: {@link portDefault}. */
  readonly port?: number
  /** How long a stop waits for requests under way, in milliseconds. Default: {@link stopMillisMaxDefault}. */
  readonly stopMillisMax?: number
}

/** A server that listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:7345`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Takes no new connection, ends what streams, and waits for requests under way; at most as long as the options say. */
  readonly stop: Effect.Effect<void>
}

/** An address that is not loopback is reached by others: it needs a secret. Nothing was opened. */
export class SecretMissing extends Schema.TaggedError<SecretMissing>("patchmoi/SecretMissing")(
  "SecretMissing",
  {
    host: Schema.String
  }
) {
  override get message() {
    return `Listening on ${this.host} needs a secret, as others reach it: give one, or listen on 127.0.0.1`
  }
}

/** The address cannot be listened on. */
export class AddressRefused extends Schema.TaggedError<AddressRefused>("patchmoi/AddressRefused")(
  "AddressRefused",
  { host: Schema.String, port: Schema.Number, reason: Schema.String }
) {
  override get message() {
    return `Cannot listen on ${this.host}:${this.port}: ${this.reason}`
  }
}

/** Listens until the scope closes, which stops it. */
export const serve = (
  flow: typeof Flow.Service,
  options: ServeOptions = {}
): Effect.Effect<Listening, SecretMissing | AddressRefused | TokensFileError, Scope.Scope> =>
  Effect.gen(function* () {
    const { host = "127.0.0.1", port = portDefault, stopMillisMax = stopMillisMaxDefault } = options
    const settings = withDefaults(options)
    if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      return yield* new AddressRefused({ host, port, reason: "a port is a whole number from 0 to 65535" })
    }
    // Later a file that broke lets nobody in, and is logged; a server does not start with one.
    if (settings.tokensFile !== undefined) yield* readTokens(settings.tokensFile)
    yield* requireSecret(options)
    const hosts = options.hosts ?? (isLoopback(host) ? [...loopbackHosts, bracketed(host)] : "any")
    const { fetch, stop: stopStreams } = yield* FlowServer.make(flow, { ...options, hosts })
    const server = yield* Effect.try({
      try: () => listen(host, port, idleSecondsOf(settings), fetch),
      catch: (cause) =>
        new AddressRefused({ host, port, reason: cause instanceof Error ? cause.message : String(cause) })
    })
    const stop = yield* Effect.cached(
      Effect.gen(function* () {
        yield* stopStreams
        const drained = Effect.promise(() => server.stop(false))
        yield* Effect.timeoutOption(Effect.interruptible(drained), stopMillisMax)
        yield* Effect.promise(() => server.stop(true))
      })
    )
    yield* Effect.addFinalizer(() => stop)
    const bound = server.port ?? port
    return { url: `http://${bracketed(host)}:${bound}`, host, port: bound, stop }
  })

/** Refuses an address that others reach, without a secret; before anything is opened. */
export const requireSecret = (options: ServeOptions): Effect.Effect<void, SecretMissing> => {
  const { host = "127.0.0.1" } = options
  return isLoopback(host) || withDefaults(options).secret !== undefined
    ? Effect.void
    : new SecretMissing({ host })
}

/** How long connections may be silent under these settings, in seconds: no shorter than a body may take. */
export const idleSecondsOf = ({ bodyMillisMax }: Pick<ServerSettings, "bodyMillisMax">): number => {
  // The runtime looks every few seconds; the deadline of bodies comes before it.
  const bodySeconds = Math.ceil((bodyMillisMax + deadlineLookMillis) / 1_000) + 5
  return Math.min(idleSecondsLimit, Math.max(idleSecondsMax, bodySeconds))
}

/** Whether only this machine reaches an address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host)

// --- internal ---

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host)

const listen = (
  host: string,
  port: number,
  idleTimeout: number,
  fetch: FlowServer.FlowServer["fetch"]
): Server<undefined> =>
  Bun.serve({
    hostname: host,
    port,
    idleTimeout,
    // Our own limit is lower; this one only keeps the runtime from taking in what we refuse.
    maxRequestBodySize: 64 * 1_048_576,
    development: false,
    // Without this, a second process may listen on the same port where `development` is off, and get half of the requests.
    reusePort: false,
    fetch: (request, server) => fetch(request, server),
    // What fails before a request is one of ours: never the runtime's page with source lines.
    error: () => failureAnswer(new HttpFailure("InternalError", "The server failed; its log says more"))
  })
