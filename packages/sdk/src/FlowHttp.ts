/**
 * The flow service of a server, over HTTP: the same calls, the same views and the same errors as `FlowLocal.ts`, and what
 * can go wrong on the way (`client/http/HttpErrors.ts`). Runs on Bun, on Node 20 and in browsers.
 *
 * Answers are read with the schemas of the API; the typed client of the platform is not used, as loading it costs more
 * as much as everything else here together (docs/decisions/0019-the-http-client-reads-by-schema.md).
 */

import type { WakeOptions } from "@patchmoi/core/engine/WakeSources"
import { type InvalidEvent, normalizeEvent, toEnvelope } from "@patchmoi/core/event/normalizeEvent"
import { EventId, RunId } from "@patchmoi/core/Ids"
import type { RunView } from "@patchmoi/core/run/RunView"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  AttemptAnswer,
  AttemptsAnswer,
  DispatchAnswer,
  DispatchesAnswer,
  EventAnswer,
  EventsAnswer,
  ReadyAnswer,
  RunAnswer,
  RunsAnswer,
  StuckAnswer
} from "./api/answers.ts"
import { CatalogRecord, type EventRecord, ExplanationRecord, OutputPage } from "./api/records.ts"
import { pathIdLengthMax } from "./api/routes.ts"
import { fromRunRecord } from "./api/runRecord.ts"
import { queryOf } from "./client/checkRequest.ts"
import { latestPosition } from "./client/http/changesConnection.ts"
import { awaitRun, conclude } from "./client/http/concluding.ts"
import { type Exact, exact } from "./client/http/exact.ts"
import type { HttpFlowClientOptions } from "./client/http/HttpClientOptions.ts"
import { retriesDefault } from "./client/http/HttpClientOptions.ts"
import { BackendFailed, type BackendFailure, BackendRefused } from "./client/http/HttpErrors.ts"
import * as known from "./client/http/knownErrors.ts"
import type { HttpRequest } from "./client/http/Transport.ts"
import { toTransport } from "./client/http/toTransport.ts"
import type { Refusal } from "./client/http/trouble.ts"
import { watchChanges } from "./client/http/watchChanges.ts"
import type { EventView } from "./client/views.ts"
import { type ApproveOptions, Flow, type RejectOptions, type WaitOptions } from "./Flow.ts"

/** How long the server is asked to wait for runs before it answers, in milliseconds; runs that take longer are asked for. */
export const waitMillisMax = 25_000

/** Makes the service of one server. Nothing is asked of the server yet. */
export const make = (options: HttpFlowClientOptions): typeof Flow.Service => {
  const transport = toTransport(options)

  const ask = <A, I>(schema: Schema.Schema<A, I>, request: HttpRequest) => {
    const decode = Schema.decodeUnknown(schema, keepFields)
    return Effect.flatMap(transport.send(request), (answer) =>
      Effect.mapBoth(decode(answer), {
        onFailure: (error) => unexpected(`${request.method} ${request.path}: ${error.message}`),
        onSuccess: exact
      })
    )
  }
  const read = <A, I>(schema: Schema.Schema<A, I>, path: string, query: HttpRequest["query"] = {}) =>
    ask(schema, { method: "GET", path, query, idempotent: true })

  const getRun = (runId: string) =>
    Effect.map(read(RunAnswer, `/runs/${idPath(runId)}`), ({ run }) => fromRunRecord(run))
  const getEvent = (eventId: string) =>
    Effect.map(read(EventAnswer, `/events/${idPath(eventId)}`), ({ event, runs }) =>
      toView(event, runs.map(fromRunRecord))
    )

  /** The server names the caller by its token. A decision is made once: a second one is told that the run waits no more. */
  const decide = (runId: string, decision: "approve" | "reject", body: object) =>
    isRunId(runId)
      ? ask(RunAnswer, {
          method: "POST",
          path: `/runs/${idPath(runId)}/${decision}`,
          body,
          idempotent: false
        }).pipe(
          Effect.map(({ run }) => fromRunRecord(run)),
          Effect.mapError(whenRefused(known.ofDecision(runId)))
        )
      : Effect.fail(known.unknownRun(runId))

  return {
    dispatchEvent: Effect.fn("FlowHttp.dispatchEvent")(function* (event: unknown, wait: WaitOptions = {}) {
      const body = yield* envelopeOf(event)
      const request = { method: "POST", path: "/events", body, idempotent: true } as const
      return yield* Effect.flatMap(ask(DispatchAnswer, { ...request, ...waiting(wait) }), (answer) =>
        conclude({ getRun, getEvent }, answer, wait)
      ).pipe(Effect.mapError(whenRefused(known.ofDispatch)))
    }),
    acceptEvent: Effect.fn("FlowHttp.acceptEvent")(function* (event: unknown) {
      const body = yield* envelopeOf(event)
      const answer = ask(DispatchAnswer, { method: "POST", path: "/events", body, idempotent: true })
      const {
        event: _,
        runs,
        timedOut,
        ...outcome
      } = yield* Effect.mapError(answer, whenRefused(known.ofDispatch))
      return outcome
    }),
    replayEvent: Effect.fn("FlowHttp.replayEvent")(function* (eventId: string, wait: WaitOptions = {}) {
      if (!isEventId(eventId)) return yield* known.unknownEvent(eventId)
      const path = `/events/${idPath(eventId)}/replay`
      const request = { method: "POST", path, body: {}, idempotent: false } as const
      return yield* Effect.flatMap(ask(DispatchAnswer, { ...request, ...waiting(wait) }), (answer) =>
        conclude({ getRun, getEvent }, answer, wait)
      ).pipe(Effect.mapError(whenRefused(known.ofReplay(eventId))))
    }),
    cancelRun: Effect.fn("FlowHttp.cancelRun")(function* (runId: string, { reason } = {}) {
      if (!isRunId(runId)) return yield* known.unknownRun(runId)
      const body = reason === undefined ? {} : { reason }
      const path = `/runs/${idPath(runId)}/cancel`
      // Canceling a canceled run again is no error and gives the same run.
      return yield* ask(RunAnswer, {
        method: "POST",
        path,
        body,
        idempotent: true,
        waitMillis: waitMillisMax
      }).pipe(
        Effect.flatMap(({ run }) => awaitRun(getRun, fromRunRecord(run))),
        Effect.map((run) => ({ run })),
        Effect.mapError(whenRefused(known.ofCancel(runId)))
      )
    }),
    approveRun: Effect.fn("FlowHttp.approveRun")((runId: string, { choice, comment }: ApproveOptions = {}) =>
      decide(runId, "approve", { choice, comment })
    ),
    rejectRun: Effect.fn("FlowHttp.rejectRun")((runId: string, { comment }: RejectOptions = {}) =>
      decide(runId, "reject", { comment })
    ),
    stuckRuns: Effect.fn("FlowHttp.stuckRuns")((which: WakeOptions = {}) =>
      Effect.mapError(read(StuckAnswer, "/runs/stuck", queryOf(which)), whenRefused(known.ofState))
    ),
    getEvent: Effect.fn("FlowHttp.getEvent")(function* (eventId: string) {
      if (!isEventId(eventId)) return yield* known.unknownEvent(eventId)
      return yield* Effect.mapError(getEvent(eventId), whenRefused(known.ofEventId(eventId)))
    }),
    listEvents: Effect.fn("FlowHttp.listEvents")(function* (filter = {}) {
      const page = yield* Effect.mapError(
        read(EventsAnswer, "/events", queryOf(filter)),
        whenRefused(known.ofList(filter.cursor))
      )
      return { ...page, events: page.events.map((event) => toView(event, [])) }
    }),
    getRun: Effect.fn("FlowHttp.getRun")(function* (runId: string) {
      if (!isRunId(runId)) return yield* known.unknownRun(runId)
      return yield* Effect.mapError(getRun(runId), whenRefused(known.ofRunId(runId)))
    }),
    awaitRuns: Effect.fn("FlowHttp.awaitRuns")((runIds: ReadonlyArray<string>) =>
      Effect.forEach(runIds, (runId) =>
        Effect.mapError(
          Effect.flatMap(getRun(runId), (run) => awaitRun(getRun, run)),
          whenRefused(known.ofRunId(runId))
        )
      )
    ),
    readOutput: Effect.fn("FlowHttp.readOutput")(function* (runId: string, part = {}) {
      if (!isRunId(runId)) return yield* known.unknownRun(runId)
      const page = read(OutputPage, `/runs/${idPath(runId)}/output`, queryOf(part))
      return yield* Effect.mapError(page, whenRefused(known.ofOutput(runId)))
    }),
    listRuns: Effect.fn("FlowHttp.listRuns")(function* (filter = {}) {
      const page = yield* Effect.mapError(
        read(RunsAnswer, "/runs", queryOf(filter)),
        whenRefused(known.ofList(filter.cursor))
      )
      return { ...page, runs: page.runs.map(fromRunRecord) }
    }),
    explainEvent: Effect.fn("FlowHttp.explainEvent")(function* (event: unknown) {
      const body = yield* envelopeOf(event)
      const request = { method: "POST", path: "/events/explain", body, idempotent: true } as const
      return yield* Effect.mapError(ask(ExplanationRecord, request), whenRefused(known.ofEvent))
    }),
    listFlows: Effect.mapError(read(CatalogRecord, "/flows"), whenRefused(known.ofAny)).pipe(
      Effect.withSpan("FlowHttp.listFlows")
    ),
    ready: Effect.mapError(Effect.asVoid(read(ReadyAnswer, "/readyz")), whenRefused(known.ofAny)),
    stats: new BackendRefused({
      status: 501,
      code: "NotOverHttp",
      reason: "the counts of a server are in its GET /metrics"
    }),
    head: Effect.mapError(latestPosition(transport, options.baseUrl), whenRefused(known.ofState)),
    watch: ({ after = 0 } = {}) =>
      watchChanges(transport, {
        baseUrl: options.baseUrl,
        after,
        retries: options.retries ?? retriesDefault
      }).pipe(Stream.mapError(whenRefused(known.ofAny))),
    getMaintenanceAttempt: Effect.fn("FlowHttp.getMaintenanceAttempt")(function* (attemptId: string) {
      if (!isAttemptId(attemptId)) return yield* known.unknownAttempt(attemptId)
      const answer = read(AttemptAnswer, `/maintenance-attempts/${idPath(attemptId)}`)
      return (yield* Effect.mapError(answer, whenRefused(known.ofAttemptId(attemptId)))).attempt
    }),
    syncMaintenanceAttempt: Effect.fn("FlowHttp.syncMaintenanceAttempt")(function* (attemptId: string) {
      if (!isAttemptId(attemptId)) return yield* known.unknownAttempt(attemptId)
      const path = `/maintenance-attempts/${idPath(attemptId)}/sync`
      const answer = ask(AttemptAnswer, { method: "POST", path, body: {}, idempotent: true })
      return (yield* Effect.mapError(answer, whenRefused(known.ofAttemptId(attemptId)))).attempt
    }),
    listMaintenanceAttempts: Effect.fn("FlowHttp.listMaintenanceAttempts")(function* (filter = {}) {
      const answer = read(AttemptsAnswer, "/maintenance-attempts", queryOf(filter))
      return yield* Effect.mapError(answer, whenRefused(known.ofList(filter.cursor)))
    }),
    listDispatches: Effect.fn("FlowHttp.listDispatches")(function* (filter = {}) {
      const answer = read(DispatchesAnswer, "/workspace-dispatches", queryOf(filter))
      return yield* Effect.mapError(answer, whenRefused(known.ofList(filter.cursor)))
    })
  }
}

/** The service of a server as a layer. */
export const layer = (options: HttpFlowClientOptions): Layer.Layer<Flow> =>
  Layer.sync(Flow, () => make(options))

// --- internal ---

const isEventId = Schema.is(EventId)
const isRunId = (id: string): boolean => !misleads(id) && Schema.is(RunId)(id)
// Half a surrogate pair has no UTF-8, and a server reads no path of any length.
const isAttemptId = (id: string): boolean =>
  !misleads(id) && id.isWellFormed() && idPath(id).length <= pathIdLengthMax

/** No run and no maintenance attempt has such an id; in a path it leads to something else. */
const misleads = (id: string): boolean => ["", ".", "..", "stuck"].includes(id)

/** A newer server may add fields; they are left out, but for those of an event. */
const keepFields = { onExcessProperty: "ignore" } as const

const idPath = (id: string): string => encodeURIComponent(id)

const unexpected = (reason: string) =>
  new BackendFailed({ status: 200, code: "UnexpectedAnswer", reason: reason.slice(0, 1_000) })

/** What the server checks too, told before anything is sent. The time of arrival is the server's to say. */
const envelopeOf = (event: unknown): Effect.Effect<Record<string, unknown>, InvalidEvent> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.map(normalizeEvent(event, now), (normalized) => {
      const { receivedAt, ...envelope } = toEnvelope(normalized)
      const isGiven = typeof event === "object" && event !== null && "receivedAt" in event
      return isGiven && event.receivedAt === receivedAt ? { ...envelope, receivedAt } : envelope
    })
  )

const waiting = ({ wait = true }: WaitOptions) =>
  wait
    ? {
        query: { wait: "true", include: "runs", timeoutMillis: String(waitMillisMax) },
        waitMillis: waitMillisMax
      }
    : { query: { include: "runs" } }

const toView = (event: Exact<EventRecord> | EventView, runs: ReadonlyArray<RunView>): EventView => ({
  ...event,
  runs
})

/** What the server said, as the error that this call has on this machine. */
const whenRefused =
  <E>(errorOf: (refusal: Refusal) => E) =>
  (error: Refusal | BackendFailure): E | BackendFailure =>
    error._tag === "Refusal" ? errorOf(error) : error
