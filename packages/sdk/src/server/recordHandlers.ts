/**
 * The routes of `RecordApi`, each one call of the flow service, behind the typed router. Loaded at the first request that
 * needs it: the platform takes longer to load than a server may take to start.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Runtime from "effect/Runtime"
import { toEventRecord } from "../api/eventRecord.ts"
import { FlowApi, RecordApi } from "../api/FlowApi.ts"
import {
  type AttemptsQuery,
  type DispatchesQuery,
  type EventsQuery,
  isSet,
  type RunsQuery,
  timeOf
} from "../api/queries.ts"
import { pathIdLengthMax } from "../api/routes.ts"
import { toRunRecord } from "../api/runRecord.ts"
import type { Flow } from "../Flow.ts"
import { type Caller, CurrentCaller } from "./Caller.ts"
import { failureOf } from "./failureOf.ts"
import { failureAnswer, guardHeaders, HttpFailure } from "./HttpFailure.ts"
import type { ServerSettings } from "./ServerOptions.ts"
import { issueFailure, type Serving } from "./serving.ts"
import { answerOf } from "./waiting.ts"

/** The typed half of a server. */
export interface RecordRoutes {
  readonly fetch: (request: Request, caller: Caller) => Promise<Response>
  readonly close: () => Promise<void>
}

/** Builds the routes over a flow. */
export const makeRecordRoutes = ({ flow, settings, runtime }: Serving): RecordRoutes => {
  const groups = Layer.mergeAll(
    eventsGroup(flow, settings),
    runsGroup(flow, settings),
    maintenanceGroup(flow)
  )
  const api = HttpApiBuilder.api(RecordApi).pipe(Layer.provide(groups))
  const layer = Layer.mergeAll(
    api,
    HttpApiBuilder.middleware(toAnswers(runtime)),
    HttpServer.layerContext,
    // Ids are longer than the 100 characters that the router reads of a parameter by itself.
    HttpRouter.setRouterConfig({ maxParamLength: pathIdLengthMax })
  )
  const { handler, dispose } = HttpApiBuilder.toWebHandler(layer)
  return {
    fetch: async (request, caller) => {
      const answer = await handler(request, Context.make(CurrentCaller, caller))
      for (const [name, value] of Object.entries(guardHeaders)) answer.headers.set(name, value)
      return answer
    },
    close: dispose
  }
}

/** The document of the whole API, plain routes included. */
export const openApiDocument = (): unknown => OpenApi.fromApi(FlowApi)

// --- internal ---

type Service = typeof Flow.Service

const eventsGroup = (flow: Service, settings: ServerSettings) =>
  HttpApiBuilder.group(RecordApi, "events", (handlers) => {
    const list = ({ urlParams }: { readonly urlParams: EventsQuery }) =>
      Effect.map(flow.listEvents(eventFilter(urlParams)), ({ events, ...page }) => ({
        ...page,
        events: events.map(toEventRecord)
      }))
    const get = ({ path }: ById) =>
      Effect.map(flow.getEvent(path.id), (event) => ({
        event: toEventRecord(event),
        runs: event.runs.map(toRunRecord)
      }))
    return handlers
      .handle("explain", ({ payload }) => answered(flow.explainEvent(payload)))
      .handle("list", (request) => answered(list(request)))
      .handle("listFlowEvents", (request) => answered(list(request)))
      .handle("get", (request) => answered(get(request)))
      .handle("getFlowEvent", (request) => answered(get(request)))
      .handle("replay", ({ path, payload, urlParams }) =>
        answered(
          Effect.gen(function* () {
            const caller = yield* CurrentCaller
            const replayed = yield* flow.replayEvent(path.id, { wait: false, by: caller.by })
            const { event, runs, ...outcome } = replayed
            return yield* answerOf(flow, settings, caller, outcome, {
              wait: payload.wait ?? isSet(urlParams.wait),
              runs: urlParams.include === "runs",
              timeoutMillis: payload.timeoutMillis ?? numberOf(urlParams.timeoutMillis)
            })
          })
        )
      )
  })

const runsGroup = (flow: Service, settings: ServerSettings) =>
  HttpApiBuilder.group(RecordApi, "runs", (handlers) =>
    handlers
      .handle("list", ({ urlParams }) =>
        answered(
          Effect.map(flow.listRuns(runFilter(urlParams)), (page) => ({
            ...page,
            runs: page.runs.map(toRunRecord)
          }))
        )
      )
      .handle("get", ({ path }) =>
        answered(Effect.map(flow.getRun(path.id), (run) => ({ run: toRunRecord(run) })))
      )
      .handle("cancel", ({ path, payload }) =>
        answered(
          Effect.gen(function* () {
            const { by } = yield* CurrentCaller
            const canceling = flow.cancelRun(path.id, { by, ...payload })
            const canceled = yield* Effect.timeoutOption(canceling, settings.waitMillis)
            // The request is recorded, also when the process takes longer to end than a caller waits.
            const run = Option.isSome(canceled) ? canceled.value.run : yield* flow.getRun(path.id)
            return { run: toRunRecord(run) }
          })
        )
      )
      .handle("approve", ({ path, payload }) =>
        answered(
          Effect.gen(function* () {
            const { by } = yield* CurrentCaller
            return { run: toRunRecord(yield* flow.approveRun(path.id, { by, ...payload })) }
          })
        )
      )
      .handle("reject", ({ path, payload }) =>
        answered(
          Effect.gen(function* () {
            const { by } = yield* CurrentCaller
            return { run: toRunRecord(yield* flow.rejectRun(path.id, { by, ...payload })) }
          })
        )
      )
      .handle("stuck", ({ urlParams }) => answered(flow.stuckRuns({ all: isSet(urlParams.all) })))
  )

const maintenanceGroup = (flow: Service) =>
  HttpApiBuilder.group(RecordApi, "maintenance", (handlers) => {
    const dispatches = ({ urlParams }: { readonly urlParams: DispatchesQuery }) =>
      flow.listDispatches(attemptFilter(urlParams))
    return handlers
      .handle("attempts", ({ urlParams }) => answered(flow.listMaintenanceAttempts(attemptFilter(urlParams))))
      .handle("attempt", ({ path }) =>
        answered(Effect.map(flow.getMaintenanceAttempt(path.id), (attempt) => ({ attempt })))
      )
      .handle("sync", ({ path }) =>
        answered(
          Effect.gen(function* () {
            const { by } = yield* CurrentCaller
            return { attempt: yield* flow.syncMaintenanceAttempt(path.id, { by }) }
          })
        )
      )
      .handle("dispatches", (request) => answered(dispatches(request)))
      .handle("flowDispatches", (request) => answered(dispatches(request)))
      .handle("flows", () => answered(flow.listFlows))
  })

interface ById {
  readonly path: { readonly id: string }
}

/** An error of the service becomes its answer; anything else is left to the edge. */
const answered = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A | HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchAll(effect, (error) => {
    const failure = failureOf(error)
    if (failure === undefined) return Effect.die(error)
    const answer = HttpServerResponse.fromWeb(failureAnswer(failure))
    // What the store said is for the log: it may name files.
    return failure.code === "StoreError" && error instanceof Error
      ? Effect.as(Effect.logError(`A request could not be served: ${error.message}`), answer)
      : Effect.succeed(answer)
  })

/**
 * Requests that do not fit the API are told what is wrong, in our words; bugs are logged, and told as nothing but that. What
 * is logged goes where the service logs: the router has a runtime of its own.
 */
const toAnswers =
  (runtime: Runtime.Runtime<never>) =>
  (app: HttpApp.Default): HttpApp.Default =>
    Effect.catchAllCause(app, (cause) => {
      const error: unknown = Cause.squash(cause)
      if (
        Predicate.isTagged(error, "HttpApiDecodeError") &&
        "issues" in error &&
        Array.isArray(error.issues)
      ) {
        return Effect.succeed(HttpServerResponse.fromWeb(failureAnswer(issueFailure(error.issues))))
      }
      // Whatever the typed router splits in another way than `matchRoute` did.
      if (Predicate.isTagged(error, "RouteNotFound")) {
        const unknown = new HttpFailure("UnknownRoute", "There is nothing at this path")
        return Effect.succeed(HttpServerResponse.fromWeb(failureAnswer(unknown)))
      }
      const logged = Effect.logError("A request could not be served", cause)
      const failure = new HttpFailure("InternalError", "The server failed; its log says more")
      return Effect.as(logged, HttpServerResponse.fromWeb(failureAnswer(failure)))
    }).pipe(Effect.provide(runtime))

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text)

const pageFilter = (query: EventsQuery | RunsQuery | AttemptsQuery | DispatchesQuery) => ({
  ...(query.limit === undefined ? {} : { limit: Number(query.limit) }),
  ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  ...(query.since === undefined ? {} : { since: timeOf(query.since) }),
  ...(query.until === undefined ? {} : { until: timeOf(query.until) }),
  ...(query.type === undefined ? {} : { type: query.type })
})

const eventFilter = (query: EventsQuery) => ({
  ...pageFilter(query),
  ...(query.source === undefined ? {} : { source: query.source })
})

const attemptFilter = (query: AttemptsQuery | DispatchesQuery | RunsQuery) => ({
  ...pageFilter(query),
  ...(query.eventId === undefined ? {} : { eventId: query.eventId }),
  ...(query.status === undefined ? {} : { status: query.status })
})

const runFilter = (query: RunsQuery) => {
  const flowName = query.flow ?? query.flowName
  return {
    ...attemptFilter(query),
    ...(flowName === undefined ? {} : { flowName }),
    ...(query.needsAttention === undefined ? {} : { needsAttention: isSet(query.needsAttention) })
  }
}
