/**
 * Requests to one server: signed, bounded in time and size, sent again where that is safe.
 *
 * 1. A request is sent again only when it changes nothing the second time, or when the server said that it did nothing.
 * 2. A server that asks to wait is waited for, up to {@link retryAfterMillisMax}; otherwise the waits grow, with jitter.
 * 3. Redirects are not followed: a signature or a token is for the server that it was made for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { bodySignatureHeaders, signatureHeader, signRequest } from "../../api/signing.ts"
import { readText } from "./answerText.ts"
import { signBody } from "./bodySignature.ts"
import { type Fetch, type HeadersOption, retriesDefault, timeoutMillisDefault } from "./HttpClientOptions.ts"
import { BackendFailed, type BackendFailure } from "./HttpErrors.ts"
import { connectionTrouble, type Refusal, refusalTrouble, type Trouble, timeTrouble } from "./trouble.ts"
import { waitMillisBefore } from "./waiting.ts"

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST"
  /** Begins with a slash; ids in it are encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Whether sending it twice is the same as sending it once. */
  readonly idempotent: boolean
  /** How long the server waits on demand before it answers, in milliseconds. Default: 0. */
  readonly waitMillis?: number
}

/** The way to one server: of a client, or of the outbox to a backend. There is nothing to close. */
export interface Transport {
  /** The JSON of the answer. A `Refusal` is what the server said of the request. */
  readonly send: (request: HttpRequest) => Effect.Effect<unknown, Refusal | BackendFailure>
  /** One try at an answer that streams; closing the scope ends the connection. */
  readonly open: (
    path: string,
    headers: Readonly<Record<string, string>>
  ) => Effect.Effect<Response, Trouble, Scope.Scope>
}

/** Which server, how a request proves who sends it, and how long and how often it is tried. It was checked before. */
export interface TransportOptions {
  /** Without a trailing slash; no user name, no query. */
  readonly baseUrl: string
  /** Signs every request. Default: none is signed. */
  readonly hmacSecret?: Redacted.Redacted
  /** Sent as `Authorization: Bearer` with every request. Default: none. */
  readonly bearerToken?: Redacted.Redacted
  /** Added to every request. Default: none. */
  readonly headers?: HeadersOption
  /** Default: the `fetch` of the platform. */
  readonly fetch?: Fetch
  /** How long one try may take, in milliseconds, `waitMillis` not counted. Default: {@link timeoutMillisDefault}. */
  readonly timeoutMillis?: number
  /** How often a request that may be sent again is sent again. Default: {@link retriesDefault}. */
  readonly retries?: number
  /** Whether a body is signed in the way of earlier servers too. Default: false. */
  readonly signsBody?: boolean
}

/** Makes the transport to one server. */
export const make = (options: TransportOptions): Transport => {
  const { baseUrl, retries = retriesDefault, timeoutMillis = timeoutMillisDefault } = options
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))

  const exchange = Effect.fnUntraced(function* (
    request: Pick<HttpRequest, "method" | "body">,
    url: URL,
    more: Readonly<Record<string, string>>,
    signal: AbortSignal
  ) {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const headers = yield* headersOf(options, request.method, url, body)
    return yield* Effect.tryPromise({
      try: () =>
        fetch(url.href, {
          method: request.method,
          headers: { ...headers, ...more },
          redirect: "manual",
          signal,
          ...(body === undefined ? {} : { body })
        }),
      catch: (cause) => connectionTrouble(baseUrl, cause)
    })
  })

  const once = (request: HttpRequest, url: URL): Effect.Effect<unknown, Trouble> =>
    Effect.gen(function* () {
      const controller = yield* aborter
      const response = yield* exchange(request, url, { accept: "application/json" }, controller.signal)
      const text = yield* Effect.tryPromise({
        try: () => readText(response),
        catch: (cause) => connectionTrouble(baseUrl, cause)
      })
      if (response.status < 200 || response.status > 299) {
        return yield* Effect.fail(refusalTrouble(response, text, yield* Clock.currentTimeMillis))
      }
      return yield* parseJson(text, response.status)
    }).pipe(
      Effect.scoped,
      Effect.timeoutFail({
        duration: timeoutMillis + (request.waitMillis ?? 0),
        onTimeout: () => timeTrouble(baseUrl, timeoutMillis + (request.waitMillis ?? 0))
      })
    )

  const send = Effect.fn("Transport.send")(function* (request: HttpRequest) {
    const url = urlOf(baseUrl, request)
    for (let tried = 1; ; tried++) {
      const answered = yield* Effect.either(once(request, url))
      if (answered._tag === "Right") return answered.right
      const trouble = answered.left
      const isSafe = trouble.again === "always" || (trouble.again === "idempotent" && request.idempotent)
      const wait = tried > retries || !isSafe ? undefined : yield* waitMillisBefore(trouble, tried)
      if (wait === undefined) return yield* trouble.toError(tried)
      yield* Effect.sleep(wait)
    }
  })

  return {
    send,
    open: (path, headers) =>
      Effect.gen(function* () {
        const controller = yield* aborter
        const url = urlOf(baseUrl, { path })
        const response = yield* exchange({ method: "GET" }, url, headers, controller.signal)
        if (response.status === 200) return response
        const text = yield* Effect.tryPromise({
          try: () => readText(response),
          catch: (cause) => connectionTrouble(baseUrl, cause)
        })
        return yield* Effect.fail(refusalTrouble(response, text, yield* Clock.currentTimeMillis))
      }).pipe(
        // What is bounded is how long it takes to begin, and a refusal, which may be without end as well.
        Effect.timeoutFail({
          duration: timeoutMillis,
          onTimeout: () => timeTrouble(baseUrl, timeoutMillis)
        })
      )
  }
}

// --- internal ---

/** Ends a request, also while its answer is read, when the scope closes. */
const aborter = Effect.acquireRelease(
  Effect.sync(() => new AbortController()),
  (controller) => Effect.sync(() => controller.abort())
)

const urlOf = (baseUrl: string, { path, query = {} }: Pick<HttpRequest, "path" | "query">): URL => {
  const url = new URL(baseUrl + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

const headersOf = (
  { headers, bearerToken, hmacSecret, signsBody = false }: TransportOptions,
  method: string,
  url: URL,
  body: string | undefined
): Effect.Effect<Record<string, string>> =>
  Effect.flatMap(Clock.currentTimeMillis, (timeMillis) =>
    // What the caller's own function throws is a defect of the caller.
    Effect.promise(async () => {
      const all: Record<string, string> = {
        ...lowerCased(typeof headers === "function" ? await headers() : headers),
        ...(body === undefined ? {} : { "content-type": "application/json" })
      }
      if (bearerToken !== undefined) all["authorization"] = `Bearer ${Redacted.value(bearerToken)}`
      if (hmacSecret === undefined) return all
      const secret = Redacted.value(hmacSecret)
      const target = url.pathname + url.search
      const signed = { method, target, timeMillis, ...(body === undefined ? {} : { body }) }
      all[signatureHeader] = await signRequest(secret, signed)
      if (signsBody && body !== undefined) all[bodySignatureHeaders[0]] = await signBody(secret, body)
      return all
    })
  )

/** Names as ours are written, so that what is named twice is sent once, as we write it. */
const lowerCased = (headers: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const parseJson = (text: string, status: number): Effect.Effect<unknown, Trouble> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => ({
      again: "never",
      toError: () => new BackendFailed({ status, code: "UnexpectedAnswer", reason: "the answer is not JSON" })
    })
  })
