/**
 * The HTTP server of a flow service, as one function from request to answer: for `serve.ts`, which listens, and for a
 * program that has a server of its own.
 *
 * 1. Nothing that fails shows where in the code, or in which file of the machine: an error is a JSON body with a code.
 * 2. A body is bounded, of the right type and JSON before anything else sees it.
 * 3. Every write is recorded under the name of its caller.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Route } from "../api/routes.ts"
import { bodySignatureHeaders, signatureHeader } from "../api/signing.ts"
import type { Flow } from "../Flow.ts"
import { type Authenticator, makeAuthenticator } from "./Authenticator.ts"
import { BodyDeadlines } from "./BodyDeadlines.ts"
import type { Caller } from "./Caller.ts"
import { changes } from "./changes.ts"
import { failureOf } from "./failureOf.ts"
import { checkParameterNames, findRoute, urlOf } from "./findRoute.ts"
import { failureAnswer, HttpFailure, jsonAnswer } from "./HttpFailure.ts"
import { healthz, metricsText, readyz } from "./health.ts"
import { dispatch } from "./intake.ts"
import { Metrics } from "./Metrics.ts"
import { refuseForeign } from "./originGuard.ts"
import { output } from "./output.ts"
import { RateLimit } from "./RateLimit.ts"
import type { RecordRoutes } from "./recordHandlers.ts"
import { checkContentType, parseJson, readBytes } from "./requestBody.ts"
import { type ServerOptions, withDefaults } from "./ServerOptions.ts"
import type { Admitted, Serving } from "./serving.ts"
import { openTokenFile } from "./TokenFile.ts"

/** What of a listening server a request may need: its time-out is not for what streams or waits. */
export interface Listener {
  readonly timeout: (request: Request, seconds: number) => void
}

/** A server that does not listen by itself: give its `fetch` the requests that come in. */
export interface FlowServer {
  /** Answers a request; never rejects. */
  readonly fetch: (request: Request, listener?: Listener) => Promise<Response>
  /** Ends what streams, and says on `/readyz` that it is over; everything else is still answered. */
  readonly stop: Effect.Effect<void>
}

/** Makes the server of a flow; closing the scope stops it. Loads the platform at the first request that needs it. */
export const make = (
  flow: typeof Flow.Service,
  options: ServerOptions = {}
): Effect.Effect<FlowServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const clock = yield* Effect.clock
    const startedAtMillis = yield* Clock.currentTimeMillis
    const settings = withDefaults(options)
    const stopping = makeStop()
    const serving: Serving = {
      flow,
      settings,
      runtime,
      metrics: options.metrics ?? new Metrics(),
      stopping: stopping.signal
    }
    const log = (effect: Effect.Effect<void>): void => void Runtime.runFork(runtime)(effect)
    const { tokensFile, secret } = settings
    const nowMillis = () => clock.unsafeCurrentTimeMillis()
    const scope = yield* Effect.scope
    const guards: Guards = {
      nowMillis,
      deadlines: new BodyDeadlines({
        millisMax: settings.bodyMillisMax,
        nowMillis,
        fork: (looks) => void Runtime.runFork(runtime)(looks, { scope })
      }),
      rate: new RateLimit(settings.rate),
      authenticator: makeAuthenticator({
        ...(secret === undefined ? {} : { secret }),
        ...(tokensFile === undefined
          ? {}
          : { tokens: openTokenFile(tokensFile, (problem) => log(Effect.logError(problem))) })
      })
    }
    const record = makeRecord(serving)
    const routes = { record, startedAtMillis }
    const stop = Effect.sync(() => stopping.abort())
    yield* Effect.addFinalizer(() => Effect.zipRight(stop, Effect.promise(record.close)))

    return {
      fetch: async (request, listener) => {
        const started = performance.now()
        const told = { route: "unknown" }
        const answer = await serve(serving, guards, routes, request, told, listener).catch(
          (error: unknown) => {
            const failure = failureOf(error)
            if (failure === undefined || failure.code === "StoreError") {
              const said = describe(error, failure === undefined)
              log(Effect.logError(`A request could not be served: ${said}`))
            }
            if (failure !== undefined) return failureAnswer(failure)
            return failureAnswer(new HttpFailure("InternalError", "The server failed; its log says more"))
          }
        )
        const seconds = (performance.now() - started) / 1_000
        serving.metrics.answered(told.route, methodOf(request), answer.status, seconds)
        return answer
      },
      stop
    }
  })

// --- internal ---

interface Guards {
  readonly nowMillis: () => number
  readonly deadlines: BodyDeadlines
  readonly rate: RateLimit
  readonly authenticator: Authenticator
}

/** The typed half, which is loaded and built when it is first asked for. */
interface LazyRecord {
  readonly fetch: (request: Request, caller: Caller) => Promise<Response>
  readonly document: () => Promise<unknown>
  readonly close: () => Promise<void>
}

const makeRecord = (serving: Serving): LazyRecord => {
  let built: Promise<RecordRoutes> | undefined
  const load = () => import("./recordHandlers.ts")
  return {
    fetch: async (request, caller) => {
      built ??= load().then(({ makeRecordRoutes }) => makeRecordRoutes(serving))
      return (await built).fetch(request, caller)
    },
    document: async () => (await load()).openApiDocument(),
    close: async () => (await built)?.close()
  }
}

/** For the log, which is the operator's: what was said, and where for what is a bug. */
const describe = (error: unknown, isBug: boolean): string => {
  if (!(error instanceof Error)) return String(error)
  const { message, stack = "" } = error
  // The stack of a tagged error begins without its message.
  return isBug ? (stack.includes(message) ? stack : `${message}\n${stack}`) : message
}

/** Lives as long as the server does, beyond any one effect. */
const makeStop = (): AbortController => new AbortController()

/** Names of methods are a label of metrics: what is made up by a caller is `OTHER`. */
const methodOf = ({ method }: Request): string =>
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method) ? method : "OTHER"

const serve = async (
  serving: Serving,
  guards: Guards,
  { record, startedAtMillis }: { readonly record: LazyRecord; readonly startedAtMillis: number },
  request: Request,
  told: { route: string },
  listener: Listener | undefined
): Promise<Response> => {
  const url = urlOf(request)
  const found = findRoute(request.method, url.pathname)
  if (url.search !== "") checkParameterNames(url.searchParams)
  told.route = found.route.path
  const admitted = await admit(serving, guards, request, url, found)
  const { body, caller } = admitted
  switch (found.route.name) {
    case "dispatch":
      if (url.search !== "") listener?.timeout(request, 0)
      return dispatch(serving, admitted)
    case "healthz":
      return healthz()
    case "readyz":
      return readyz(serving)
    case "metrics":
      return metricsText(serving, startedAtMillis)
    case "openapi":
      return jsonAnswer(200, await record.document())
    case "changes":
      listener?.timeout(request, 0)
      return changes(serving, admitted)
    case "output":
      listener?.timeout(request, 0)
      return output(serving, admitted)
    default:
      listener?.timeout(request, 0)
      return record.fetch(typedRequest(request, found.route, body), caller)
  }
}

/** Knows the caller, holds it to its limits, and reads the body: what may not be served does not get beyond this. */
const admit = async (
  { settings }: Serving,
  { authenticator, deadlines, nowMillis, rate }: Guards,
  request: Request,
  url: URL,
  { route, id }: { readonly route: Route; readonly id: string | undefined }
): Promise<Admitted> => {
  const { headers, method } = request
  if (route.scope !== "open") refuseForeign(headers, settings.hosts)
  const target = `${url.pathname}${url.search}`
  const identify = (body: Uint8Array): Caller => {
    const caller = authenticator.callerOf({ headers, method, target, body, route, nowMillis: nowMillis() })
    const waitMillis = route.scope === "open" ? 0 : rate.take(caller.by, nowMillis())
    if (waitMillis === 0) return caller
    throw new HttpFailure("RateLimited", "Too many requests of this caller", {
      retryAfterSeconds: Math.ceil(waitMillis / 1_000)
    })
  }
  const admitted = (body: Uint8Array, caller: Caller): Admitted => ({
    ...{ request, url, id, body, caller },
    mayGoOn: () => authenticator.mayGoOn(caller, { headers, route, nowMillis: nowMillis() })
  })
  if (route.method === "GET") return admitted(noBytes, identify(noBytes))
  // Who is known without the body is known before it is read.
  const isSigned = [signatureHeader, ...bodySignatureHeaders].some((name) => headers.has(name))
  const known = isSigned ? undefined : identify(noBytes)
  const body = await readBytes(request, { bodyBytesMax: settings.bodyBytesMax, deadlines })
  const caller = known ?? identify(body)
  if (body.byteLength > 0) checkContentType(request)
  return admitted(body, caller)
}

const noBytes = new Uint8Array()

/** What the typed router sees: a body that is known to be JSON, `{}` where it may be left out. */
const typedRequest = (request: Request, { method, name }: Route, body: Uint8Array): Request => {
  if (method === "GET") return request
  const value = parseJson(body, name === "explain" ? undefined : {})
  return new Request(request.url, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value)
  })
}
