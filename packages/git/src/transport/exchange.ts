/**
 * One question and one answer over HTTP, bounded in time, size and redirects, with every way to fail as a typed error.
 *
 * The `Authorization` header goes to the target's own origin and nowhere else.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { TransportTarget } from "./GitTransport.ts"
import { parseHttpUrl, redirectOf, type Service } from "./httpAddress.ts"
import { cleanWords, knownRefusal } from "./serverWords.ts"
import {
  AnswerTooLarge,
  AuthenticationFailed,
  HttpStatus,
  ProtocolBroken,
  RepositoryArchived,
  RepositoryNotFound,
  type TransportError,
  Unreachable,
  UnusableUrl
} from "./TransportError.ts"
import { MalformedAnswer } from "./wire/MalformedAnswer.ts"

/** Most redirects of one request. */
const redirectsMax = 5

/** Bytes of an error's page that are read for its words. */
const errorPageBytesMax = 16 * 1024

/**
 * Requests begin at least so far apart, in milliseconds. Targets that are begun together would stay in step: all of them
 * on the way, then all at the server at once. Spread, some are answered while others are on the way; `bench/cascade.ts`
 * takes a tenth less time.
 */
const requestGapMillis = 3

/** One request. */
export interface Question {
  readonly target: TransportTarget
  readonly service: Service
  /** What is sent; `null` asks for the announcement of capabilities. */
  readonly body: Uint8Array | null
  /** The version that is asked for; 0 where only pushes and old clients are meant. (Default: 2.) */
  readonly version?: 0 | 2
  /** Longest accepted answer, in bytes. (Default: that of the exchange.) */
  readonly bytesMax?: number
}

/** What sends, and the bounds of each request: over its time it is `Unreachable`, over its size `AnswerTooLarge`. */
export interface ExchangeOptions {
  /** What sends. (Default: the platform's.) */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Longest time of one request, its redirects and its answer included. (Default: 30 seconds.) */
  readonly requestTimeMax?: Duration.DurationInput
  /** Longest accepted answer, in bytes. (Default: 64 MiB.) */
  readonly answerBytesMax?: number
}

/** Sends questions. */
export type Exchange = (question: Question) => Effect.Effect<Buffer, TransportError>

/** The exchange with these bounds. */
export const makeExchange = (options: ExchangeOptions = {}): Exchange => {
  const send = options.fetch ?? fetch
  const timeMax = options.requestTimeMax ?? Duration.seconds(30)
  const turn = makeTurns()
  return Effect.fnUntraced(function* (question: Question) {
    const url = yield* parseHttpUrl(question.target)
    const failures = failuresOf(url.href, question)
    const bytesMax = question.bytesMax ?? options.answerBytesMax ?? answerBytesMaxDefault
    yield* turn
    const answer = yield* Effect.tryPromise({
      try: (signal) => converse(send, requestOf(url, question), { signal, bytesMax }),
      catch: failures.dropped
    }).pipe(
      Effect.timeoutFail({ duration: timeMax, onTimeout: () => failures.late(Duration.format(timeMax)) })
    )
    if (answer._tag === "refused") return yield* new UnusableUrl({ url: url.href, reason: answer.reason })
    if (answer._tag === "too large")
      return yield* new AnswerTooLarge({ url: url.href, what: "an answer", bytesMax })
    if (answer.status !== 200) return yield* failures.status(answer.status, answer.body.toString("utf8"))
    if (!answer.contentType.startsWith(`application/x-${question.service}-`))
      return yield* failures.page(answer.contentType, answer.body)
    return answer.body
  })
}

/** Runs a reader over an answer; what it throws becomes an error of the target. */
export const decoded = <A>(
  target: TransportTarget,
  afterSend: boolean,
  read: () => A
): Either.Either<A, TransportError> =>
  Either.try({ try: read, catch: (cause) => malformed(target.url, afterSend, cause) })

// --- internal ---

/** Waits until a request may begin: at once, unless another one began just before. */
const makeTurns = (): Effect.Effect<void> => {
  let nextNanos = 0n
  const gapNanos = BigInt(requestGapMillis) * 1_000_000n
  return Effect.flatMap(Clock.currentTimeNanos, (now) => {
    const begin = nextNanos > now ? nextNanos : now
    nextNanos = begin + gapNanos
    return begin > now ? Effect.sleep(Duration.nanos(begin - now)) : Effect.void
  })
}

const answerBytesMaxDefault = 64 * 1024 * 1024

/** Failures after which nothing can have arrived: there was no connection. */
const notConnected =
  /^(?:ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|FailedToOpenSocket|ERR_TLS_.*|CERT_.*|UNABLE_TO_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*)$/

type Answer =
  | { readonly _tag: "answer"; readonly status: number; readonly contentType: string; readonly body: Buffer }
  | { readonly _tag: "refused"; readonly reason: string }
  | { readonly _tag: "too large" }

interface Request {
  readonly url: URL
  readonly init: RequestInit
  readonly withCredentials: boolean
}

const requestOf = (base: URL, question: Question): Request => {
  const { service, body, target } = question
  const url = new URL(base)
  url.pathname += body === null ? "/info/refs" : `/${service}`
  if (body === null) url.searchParams.set("service", service)
  const headers: Record<string, string> = {
    "user-agent": "git/patchmoi",
    accept: body === null ? "*/*" : `application/x-${service}-result`,
    ...(body === null ? {} : { "content-type": `application/x-${service}-request` }),
    // A push knows only versions 0 and 1.
    ...(service === "git-upload-pack" && question.version !== 0 ? { "git-protocol": "version=2" } : {}),
    ...(target.authorization === null ? {} : { authorization: Redacted.value(target.authorization) })
  }
  const init = { method: body === null ? "GET" : "POST", headers, body, redirect: "manual" as const }
  return { url, init, withCredentials: target.authorization !== null }
}

const converse = async (
  send: NonNullable<ExchangeOptions["fetch"]>,
  request: Request,
  bounds: { readonly signal: AbortSignal; readonly bytesMax: number }
): Promise<Answer> => {
  let { url } = request
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await send(url.href, { ...request.init, signal: bounds.signal })
    if (![301, 302, 307, 308].includes(response.status)) return readAnswer(response, bounds.bytesMax)
    await response.body?.cancel()
    const location = response.headers.get("location")
    const next = redirectOf({ from: url, location, withCredentials: request.withCredentials })
    if (Either.isLeft(next)) return { _tag: "refused", reason: next.left }
    url = next.right
  }
  return { _tag: "refused", reason: `it redirects more than ${redirectsMax} times` }
}

/** Reads the body up to its bound; an error's page is cut there, anything else is too large. */
const readAnswer = async (response: Response, bytesMax: number): Promise<Answer> => {
  const isError = response.status !== 200
  const most = isError ? errorPageBytesMax : bytesMax
  const pieces: Array<Uint8Array> = []
  let bytes = 0
  const reader = response.body?.getReader()
  while (reader !== undefined && bytes <= most) {
    const { done, value } = await reader.read()
    if (done) break
    pieces.push(value)
    bytes += value.byteLength
  }
  if (bytes > most) await reader?.cancel()
  if (bytes > most && !isError) return { _tag: "too large" }
  const contentType = response.headers.get("content-type") ?? ""
  const body = Buffer.concat(pieces).subarray(0, most)
  return { _tag: "answer", status: response.status, contentType, body }
}

const failuresOf = (url: string, question: Question) => {
  const pushing = question.service === "git-receive-pack" && question.body !== null
  return {
    dropped: (cause: unknown) => {
      const { code = "", message } = detailsOf(cause)
      const afterSend = pushing && !notConnected.test(code)
      return new Unreachable({ url, detail: cleanWords(message), afterSend })
    },
    late: (time: string) => new Unreachable({ url, detail: `no answer within ${time}`, afterSend: pushing }),
    status: (status: number, page: string): TransportError => {
      const said = cleanWords(/^\s*</.test(page) ? titleOf(page) : page).slice(0, 500)
      if (status === 401) return new AuthenticationFailed({ url, said: said || "status 401" })
      if (status === 403) {
        const known = knownRefusal(url, page)
        return known?._tag === "RepositoryArchived"
          ? new RepositoryArchived({ url })
          : new AuthenticationFailed({ url, said: said || "status 403" })
      }
      if (status === 404 || status === 410) return new RepositoryNotFound({ url })
      return new HttpStatus({ url, status, said, afterSend: pushing && status >= 500 })
    },
    page: (contentType: string, body: Buffer) => {
      const title = contentType.includes("html") ? titleOf(body.toString("utf8", 0, errorPageBytesMax)) : ""
      const what =
        title === "" ? `an answer of type ${cleanWords(contentType) || "unknown"}` : `the page "${title}"`
      return new ProtocolBroken({
        url,
        detail: `${what}; is a login or another address needed?`,
        afterSend: pushing
      })
    }
  }
}

const titleOf = (page: string): string =>
  cleanWords(/<title[^>]*>([^<]*)<\/title>/i.exec(page)?.[1] ?? "").slice(0, 200)

const detailsOf = (cause: unknown): { readonly code?: string; readonly message: string } => {
  if (!(cause instanceof Error)) return { message: String(cause) }
  const code = "code" in cause && typeof cause.code === "string" ? { code: cause.code } : {}
  return { ...code, message: cause.message }
}

const isMalformed = Schema.is(MalformedAnswer)

const malformed = (url: string, afterSend: boolean, cause: unknown): TransportError => {
  if (!isMalformed(cause))
    return new ProtocolBroken({ url, detail: cleanWords(detailsOf(cause).message), afterSend })
  if (cause.kind === "cut") return new Unreachable({ url, detail: cause.detail, afterSend })
  const said = cleanWords(cause.detail)
  if (cause.kind === "refused") {
    return knownRefusal(url, said) ?? new ProtocolBroken({ url, detail: `it says "${said}"`, afterSend })
  }
  return new ProtocolBroken({ url, detail: said, afterSend })
}
