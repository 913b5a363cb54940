/**
 * Another backend as the outbox needs it: it takes events and says what became of their runs. Every backend that keeps the
 * published routes will do, this one's server and those before it; answers are read as far as they are needed.
 */
import { ResultStatus } from "@patchmoi/core/flow/FlowResult"
import { type EventId, RunId } from "@patchmoi/core/Ids"
import { candidateRefsOf } from "@patchmoi/core/maintenance/candidateRefs"
import type { CandidateRef } from "@patchmoi/core/maintenance/MaintenanceFact"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BackendFailed, type BackendFailure } from "../client/http/HttpErrors.ts"
import type { HttpRequest, Transport } from "../client/http/Transport.ts"
import type { Refusal } from "../client/http/trouble.ts"

/** Most runs of one event that are looked at. */
export const runsMax = 500

/** The other backend has the event. */
export interface Accepted {
  readonly runIds: ReadonlyArray<RunId>
  /** It had the event already. */
  readonly idempotent: boolean
}

/** A run of the other backend. */
export interface RemoteRun {
  readonly id: RunId
  readonly hasEnded: boolean
  /** The status that counts, once it has ended. */
  readonly status: string
  readonly candidateRefs: ReadonlyArray<CandidateRef>
  readonly message?: string
  readonly error?: string
}

type Failure = Refusal | BackendFailure

/** Hands an event over; the same id again changes nothing there. */
export const dispatch = (
  transport: Transport,
  event: Readonly<Record<string, unknown>>
): Effect.Effect<Accepted, Failure> =>
  accepted(transport, { method: "POST", path: "/events", body: event, idempotent: true })

/** Asks for another generation of runs of an event. */
export const replay = (transport: Transport, eventId: EventId): Effect.Effect<Accepted, Failure> =>
  accepted(transport, {
    method: "POST",
    path: `/events/${encodeURIComponent(eventId)}/replay`,
    body: { wait: false },
    idempotent: false
  })

/** The runs of an event, of all generations. */
export const runsOf = (
  transport: Transport,
  eventId: EventId
): Effect.Effect<ReadonlyArray<RemoteRun>, Failure> =>
  Effect.map(
    ask(transport, RunsAnswer, {
      method: "GET",
      path: "/runs",
      query: { eventId, limit: String(runsMax) },
      idempotent: true
    }),
    ({ runs }) => runs.map(toRemoteRun)
  )

// --- internal ---

const AcceptedAnswer = Schema.Struct({
  status: Schema.String,
  runIds: Schema.Array(RunId),
  idempotent: Schema.optional(Schema.Boolean)
})

const Text = Schema.optional(Schema.NullOr(Schema.String))

const RunsAnswer = Schema.Struct({
  runs: Schema.Array(
    Schema.Struct({
      id: RunId,
      status: Schema.String,
      processStatus: Text,
      effectiveStatus: Text,
      error: Text,
      result: Schema.optional(Schema.Unknown),
      resultPayload: Schema.optional(Schema.Unknown),
      resultJson: Schema.optional(Schema.Unknown)
    })
  )
})
type RunAnswer = (typeof RunsAnswer.Type)["runs"][number]

const accepted = (transport: Transport, request: HttpRequest): Effect.Effect<Accepted, Failure> =>
  Effect.map(ask(transport, AcceptedAnswer, request), ({ status, runIds, idempotent }) => ({
    runIds,
    idempotent: idempotent === true || status === "duplicate"
  }))

const ask = <A, I>(
  transport: Transport,
  schema: Schema.Schema<A, I>,
  request: HttpRequest
): Effect.Effect<A, Failure> =>
  Effect.flatMap(transport.send(request), (answer) =>
    Effect.mapError(Schema.decodeUnknown(schema)(answer), ({ message }) => {
      const reason = `${request.method} ${request.path}: ${message.slice(0, 500)}`
      return new BackendFailed({ status: 200, code: "UnexpectedAnswer", reason })
    })
  )

const unended: ReadonlySet<string> = new Set(["queued", "running", "pending", "started"])

const isResultStatus = Schema.is(ResultStatus)

const toRemoteRun = (run: RunAnswer): RemoteRun => {
  const result = resultOf(run)
  const process = run.processStatus ?? run.status
  const said = isResultStatus(result["status"]) ? result["status"] : undefined
  const status = run.effectiveStatus ?? said ?? process
  const artifacts = record(result["artifacts"])
  const message = typeof result["message"] === "string" ? result["message"] : undefined
  const explains = ["failed", "blocked", "needs_intervention"].includes(status)
  const error = run.error ?? (explains ? message : undefined)
  return {
    id: run.id,
    hasEnded: !unended.has(process),
    status,
    candidateRefs: candidateRefsOf(artifacts),
    ...(message === undefined ? {} : { message }),
    ...(error === undefined ? {} : { error })
  }
}

/** The result of a run: earlier backends give it as text, and inside what the runner printed (`{ flow, step, result }`). */
const resultOf = (run: RunAnswer): Readonly<Record<string, unknown>> => {
  const outer = record(parsed(run.resultPayload ?? run.result ?? run.resultJson))
  return outer !== undefined && !isResultStatus(outer["status"])
    ? (record(outer["result"]) ?? outer)
    : (outer ?? {})
}

const decodeJson = Schema.decodeUnknownOption(Schema.parseJson())

const parsed = (value: unknown): unknown =>
  typeof value === "string" ? Option.getOrUndefined(decodeJson(value)) : value

const record = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined
