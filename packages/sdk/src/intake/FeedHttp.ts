/**
 * One bounded GET of a feed. Every part has a limit: the time of the whole exchange, the bytes of the
 * body while they stream, the redirects. Credentials of the URL travel as a header, only to the origin
 * that they were written for, and never reach a message.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type FeedHttpError,
  FeedStatusError,
  FeedTimeout,
  FeedTooLarge,
  FeedUnreachable
} from "./FeedErrors.ts"
import { basicAuthorization, failureReason, parseRetryAfter } from "./internal/http.ts"
import { redactUrl, withoutCredentials } from "./Redact.ts"
import { xmlBytesMax } from "./Xml.ts"

/** Most redirects that are followed. */
export const redirectsMax = 5

/** What the server gave with a document, to be sent with the next request for the same URL and `Accept`. */
export interface Validators {
  readonly etag?: string
  readonly lastModified?: string
}

/** What to read. */
export interface FeedRequest {
  /** http or https; may carry a user name and a password. */
  readonly url: string
  readonly accept: string
  /** Largest body, in bytes after decompression. Default: 8 MiB. */
  readonly bytesMax?: number
  /** How long everything may take, redirects and body included. Default: 30 seconds. */
  readonly timeout?: Duration.DurationInput
  /** From the last answer to the same URL and `Accept`; with them the server may answer `NotModified`. */
  readonly validators?: Validators
}

/** A document, or that it is the one of last time. */
export type FeedResponse =
  | {
      readonly _tag: "Fetched"
      readonly bytes: Uint8Array
      /** Where it was in the end, without credentials: the base of relative links. */
      readonly url: string
      readonly validators: Validators
    }
  | { readonly _tag: "NotModified"; readonly validators: Validators }

/** Reads feeds over HTTP. */
export class FeedHttp extends Context.Tag("@patchmoi/sdk/FeedHttp")<
  FeedHttp,
  {
    /**
     * Reads one document.
     *
     * - `FeedStatusError`: a status other than 2xx and 304, with the wait that the server asks for.
     * - `FeedTooLarge`: more than `bytesMax`; reading stopped there.
     * - `FeedTimeout`: not done within `timeout`.
     * - `FeedUnreachable`: no connection, a connection that broke off, redirects that lead nowhere.
     */
    readonly get: (request: FeedRequest) => Effect.Effect<FeedResponse, FeedHttpError>
  }
>() {}

/** The part of `fetch` that is used. Redirects are followed here, decompression is left to it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** How requests are made. */
export interface FeedHttpOptions {
  /** Default: the runtime's `fetch`. */
  readonly fetch?: Fetch
  /** Default: `patchmoi`. Forges refuse requests without one. */
  readonly userAgent?: string
}

/** Makes the service. */
export const make = (options: FeedHttpOptions = {}): Context.Tag.Service<FeedHttp> => {
  const request: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))
  const userAgent = options.userAgent ?? "patchmoi"
  return {
    get: Effect.fn("FeedHttp.get")(function* (feed: FeedRequest) {
      const timeout = Duration.decode(feed.timeout ?? Duration.seconds(30))
      return yield* Effect.scoped(exchange(request, userAgent, feed)).pipe(
        Effect.timeoutFail({
          duration: timeout,
          onTimeout: () =>
            new FeedTimeout({
              url: redactUrl(feed.url),
              timeoutMillis: Math.round(Duration.toMillis(timeout))
            })
        })
      )
    })
  }
}

/** The service as a layer. */
export const layer = (options: FeedHttpOptions = {}): Layer.Layer<FeedHttp> =>
  Layer.sync(FeedHttp, () => make(options))

// --- internal ---

const exchange = Effect.fnUntraced(function* (fetch: Fetch, userAgent: string, feed: FeedRequest) {
  const controller = yield* aborter
  const shown = redactUrl(feed.url)
  const unreachable = (reason: string) => new FeedUnreachable({ url: shown, reason })
  if (!URL.canParse(feed.url)) return yield* unreachable("the address is not a URL")
  let url = withoutCredentials(feed.url)
  const authorization = basicAuthorization(feed.url)
  const origin = new URL(url).origin
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const target = url
    const headers = requestHeaders(feed, userAgent)
    if (authorization !== undefined && new URL(target).origin === origin) {
      headers.set("authorization", authorization)
    }
    const response = yield* Effect.tryPromise({
      try: () => fetch(target, { method: "GET", redirect: "manual", headers, signal: controller.signal }),
      catch: (cause) => unreachable(failureReason(cause))
    })
    const location = redirectOf(response)
    if (location === undefined) return yield* answer(response, target, feed)
    const next = nextUrl(location, target)
    if (next === undefined) return yield* unreachable("it redirects to an address that is not followed")
    url = next
  }
  return yield* unreachable(`it redirects more than ${redirectsMax} times`)
})

/** Aborts the request and its body when the exchange ends, in whatever way. */
const aborter: Effect.Effect<AbortController, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => new AbortController()),
  (controller) => Effect.sync(() => controller.abort())
)

const requestHeaders = (feed: FeedRequest, userAgent: string): Headers => {
  const headers = new Headers({ accept: feed.accept, "user-agent": userAgent })
  const { etag, lastModified } = feed.validators ?? {}
  if (etag !== undefined) headers.set("if-none-match", etag)
  if (lastModified !== undefined) headers.set("if-modified-since", lastModified)
  return headers
}

const redirectOf = (response: Response): string | undefined =>
  [301, 302, 303, 307, 308].includes(response.status)
    ? (response.headers.get("location") ?? undefined)
    : undefined

/** Where a redirect leads; undefined where it leaves the web or falls from https to http. */
const nextUrl = (location: string, from: string): string | undefined => {
  if (!URL.canParse(location, from)) return undefined
  const next = new URL(location, from)
  const secure = next.protocol === "https:" || (next.protocol === "http:" && from.startsWith("http:"))
  return secure ? withoutCredentials(next.href) : undefined
}

const answer = Effect.fnUntraced(function* (response: Response, url: string, feed: FeedRequest) {
  const validators = validatorsOf(response)
  if (response.status === 304) {
    return { _tag: "NotModified" as const, validators: { ...feed.validators, ...validators } }
  }
  const shown = redactUrl(feed.url)
  if (response.status < 200 || response.status > 299) {
    const nowMillis = yield* Clock.currentTimeMillis
    const retryAfterMillis = parseRetryAfter(response.headers.get("retry-after"), nowMillis)
    return yield* new FeedStatusError({
      url: shown,
      status: response.status,
      ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
    })
  }
  const bytes = yield* readBody(response, shown, feed.bytesMax ?? xmlBytesMax)
  return { _tag: "Fetched" as const, bytes, url, validators }
})

const validatorsOf = (response: Response): Validators => {
  const etag = response.headers.get("etag")
  const lastModified = response.headers.get("last-modified")
  return { ...(etag ? { etag } : {}), ...(lastModified ? { lastModified } : {}) }
}

const readBody = Effect.fnUntraced(function* (response: Response, shown: string, bytesMax: number) {
  const tooLarge = new FeedTooLarge({ url: shown, bytesMax })
  const lengthText = response.headers.get("content-length")
  const declared =
    lengthText === null || response.headers.has("content-encoding") ? undefined : Number(lengthText)
  if (declared !== undefined && declared > bytesMax) return yield* tooLarge
  const { body } = response
  if (body === null) return new Uint8Array()
  const chunks: Array<Uint8Array> = []
  let bytesRead = 0
  yield* Stream.fromReadableStream<Uint8Array, FeedUnreachable>({
    evaluate: () => body,
    onError: (cause) => new FeedUnreachable({ url: shown, reason: failureReason(cause) })
  }).pipe(
    Stream.runForEach((chunk) => {
      bytesRead += chunk.length
      if (bytesRead > bytesMax) return tooLarge
      chunks.push(chunk)
      return Effect.void
    })
  )
  if (declared !== undefined && bytesRead < declared) {
    return yield* new FeedUnreachable({
      url: shown,
      reason: `the connection broke off after ${bytesRead} of ${declared} bytes`
    })
  }
  return concat(chunks, bytesRead)
})

const concat = (chunks: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}
