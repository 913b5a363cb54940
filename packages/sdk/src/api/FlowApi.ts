/**
 * The HTTP API, as one value: the server serves it, the client and `GET /openapi.json` read it.
 *
 * {@link IntakeApi} are the routes that the server mounts as plain functions (they are hot, or they stream);
 * {@link RecordApi} are those that it serves through the typed router. Both are {@link FlowApi}.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import {
  ApproveBody,
  AttemptAnswer,
  AttemptsAnswer,
  CancelBody,
  DispatchAnswer,
  DispatchesAnswer,
  EventAnswer,
  EventBody,
  EventsAnswer,
  HealthAnswer,
  ReadyAnswer,
  RejectBody,
  ReplayBody,
  RunAnswer,
  RunsAnswer,
  StuckAnswer
} from "./answers.ts"
import { errorBodyOf } from "./errorBody.ts"
import { asAnswered } from "./openApiAnswers.ts"
import { type OpenApiDocument, withSecurity } from "./openApiSecurity.ts"
import {
  AttemptsQuery,
  ChangesQuery,
  DispatchesQuery,
  DispatchQuery,
  EventsQuery,
  OutputQuery,
  RunsQuery,
  StuckQuery
} from "./queries.ts"
import { CatalogRecord, ExplanationRecord, OutputPage } from "./records.ts"

const get = HttpApiEndpoint.get
const post = HttpApiEndpoint.post
const byId = Schema.Struct({ id: Schema.String })
const Conflict = errorBodyOf(409)
const NotFound = errorBodyOf(404)

const describe = (description: string) => OpenApi.annotations({ description })

const dispatch = <const Name extends string>(name: Name, path: `/${string}`, description: string) =>
  post(name, path)
    .setUrlParams(DispatchQuery)
    .setPayload(EventBody)
    .addSuccess(DispatchAnswer, { status: 202 })
    .annotateContext(describe(description))

const events = <const Name extends string>(name: Name, path: `/${string}`) =>
  get(name, path).setUrlParams(EventsQuery).addSuccess(EventsAnswer)

const event = <const Name extends string>(name: Name, path: `/${string}`) =>
  get(name, path).setPath(byId).addSuccess(EventAnswer).addError(NotFound, { status: 404 })

const dispatches = <const Name extends string>(name: Name, path: `/${string}`) =>
  get(name, path).setUrlParams(DispatchesQuery).addSuccess(DispatchesAnswer)

const decide = <const Name extends string, A, I>(name: Name, path: `/${string}`, body: Schema.Schema<A, I>) =>
  post(name, path)
    .setPath(byId)
    .setPayload(body)
    .addSuccess(RunAnswer)
    .addError(NotFound, { status: 404 })
    .addError(Conflict, { status: 409 })
    .addError(errorBodyOf(422), { status: 422 })

/** Taking events in. */
const IntakeGroup = HttpApiGroup.make("intake")
  .add(
    dispatch(
      "dispatch",
      "/events",
      "Takes an event in. Answered when the event and its runs are durable; a known id executes nothing again."
    )
  )
  .add(dispatch("dispatchFlowEvent", "/flow-events", "The same as POST /events."))
  .add(dispatch("dispatchFlow", "/flow-dispatches", "The same as POST /events."))

/** What streams. */
const StreamGroup = HttpApiGroup.make("streams")
  .add(
    get("changes", "/changes")
      .setUrlParams(ChangesQuery)
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optional(Schema.String) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/event-stream" }))
      .annotateContext(
        describe(
          "Every change as a server-sent event whose id is its position. Last-Event-ID resumes without gap or repeat. The header x-patchmoi-position says after which position it begins."
        )
      )
  )
  .add(
    get("output", "/runs/:id/output")
      .setPath(byId)
      .setUrlParams(OutputQuery)
      .addSuccess(OutputPage)
      .addSuccess(HttpApiSchema.Text({ contentType: "text/plain" }), { status: 206 })
      .addError(NotFound, { status: 404 })
      .addError(errorBodyOf(416), { status: 416 })
      .annotateContext(
        describe(
          "What an attempt printed: a page as JSON; lines of JSON or text with `follow`; text with `Accept: text/plain`, of which `Range: bytes=` takes a part."
        )
      )
  )

/** How the server is. */
const HealthGroup = HttpApiGroup.make("health")
  .add(get("healthz", "/healthz").addSuccess(HealthAnswer))
  .add(get("readyz", "/readyz").addSuccess(ReadyAnswer).addError(ReadyAnswer, { status: 503 }))
  .add(
    get("metrics", "/metrics").addSuccess(
      HttpApiSchema.Text({ contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8" })
    )
  )
  .add(get("openapi", "/openapi.json").addSuccess(Schema.Unknown))

/** Events and what is done with them. */
const EventsGroup = HttpApiGroup.make("events")
  .add(post("explain", "/events/explain").setPayload(EventBody).addSuccess(ExplanationRecord))
  .add(events("list", "/events"))
  .add(events("listFlowEvents", "/flow-events"))
  .add(event("get", "/events/:id"))
  .add(event("getFlowEvent", "/flow-events/:id"))
  .add(
    post("replay", "/events/:id/replay")
      .setPath(byId)
      .setUrlParams(DispatchQuery)
      .setPayload(ReplayBody)
      .addSuccess(DispatchAnswer, { status: 202 })
      .addError(NotFound, { status: 404 })
      .addError(errorBodyOf(410), { status: 410 })
  )

/** Runs and what is done with them. */
const RunsGroup = HttpApiGroup.make("runs")
  .add(get("stuck", "/runs/stuck").setUrlParams(StuckQuery).addSuccess(StuckAnswer))
  .add(get("list", "/runs").setUrlParams(RunsQuery).addSuccess(RunsAnswer))
  .add(get("get", "/runs/:id").setPath(byId).addSuccess(RunAnswer).addError(NotFound, { status: 404 }))
  .add(
    post("cancel", "/runs/:id/cancel")
      .setPath(byId)
      .setPayload(CancelBody)
      .addSuccess(RunAnswer)
      .addError(NotFound, { status: 404 })
      .addError(Conflict, { status: 409 })
  )
  .add(decide("approve", "/runs/:id/approve", ApproveBody))
  .add(decide("reject", "/runs/:id/reject", RejectBody))

/** The record of upstream movements, and the flows. */
const MaintenanceGroup = HttpApiGroup.make("maintenance")
  .add(get("attempts", "/maintenance-attempts").setUrlParams(AttemptsQuery).addSuccess(AttemptsAnswer))
  .add(
    get("attempt", "/maintenance-attempts/:id")
      .setPath(byId)
      .addSuccess(AttemptAnswer)
      .addError(NotFound, { status: 404 })
  )
  .add(
    post("sync", "/maintenance-attempts/:id/sync")
      .setPath(byId)
      .addSuccess(AttemptAnswer)
      .addError(NotFound, { status: 404 })
  )
  .add(dispatches("dispatches", "/workspace-dispatches"))
  .add(dispatches("flowDispatches", "/flow-dispatches"))
  .add(get("flows", "/flows").addSuccess(CatalogRecord))

/** What any route may answer. */
const withCommonErrors = <Id extends string, Groups extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  api: HttpApi.HttpApi<Id, Groups, E, R>
) =>
  api
    .addError(errorBodyOf(400), { status: 400 })
    .addError(errorBodyOf(401), { status: 401 })
    .addError(errorBodyOf(403), { status: 403 })
    .addError(errorBodyOf(408), { status: 408 })
    .addError(errorBodyOf(409), { status: 409 })
    .addError(errorBodyOf(413), { status: 413 })
    .addError(errorBodyOf(415), { status: 415 })
    .addError(errorBodyOf(429), { status: 429 })
    .addError(errorBodyOf(500), { status: 500 })
    .addError(errorBodyOf(503), { status: 503 })

/** The routes that are plain functions in the server. */
export const IntakeApi = withCommonErrors(
  HttpApi.make("intake").add(IntakeGroup).add(StreamGroup).add(HealthGroup)
)

/** The routes behind the typed router. */
export const RecordApi = withCommonErrors(
  HttpApi.make("record").add(EventsGroup).add(RunsGroup).add(MaintenanceGroup)
)

/** All routes. */
export const FlowApi = HttpApi.make("patchmoi")
  .addHttpApi(IntakeApi)
  .addHttpApi(RecordApi)
  .annotateContext(
    OpenApi.annotations({
      title: "patchmoi",
      version: "1",
      description: "The durable backend of patchmoi: events in, runs through, everything inspectable.",
      transform: (document) => withSecurity(asAnswered(document as OpenApiDocument))
    })
  )
