/** What a server says of a request, as the error that the same call has on this machine. */
import { QueueFull } from "@patchmoi/core/engine/Backpressure"
import { EventForgotten, UnknownEvent } from "@patchmoi/core/event/Events"
import { InvalidEvent } from "@patchmoi/core/event/normalizeEvent"
import { EffectiveStatus, ProcessStatus } from "@patchmoi/core/flow/FlowResult"
import { EventId, RunId } from "@patchmoi/core/Ids"
import {
  InvalidDecision,
  RunAlreadyEnded,
  RunNotAwaitingApproval,
  UnknownRun
} from "@patchmoi/core/run/RunCommand"
import { CursorInvalid } from "@patchmoi/core/store/Cursor"
import { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Schema from "effect/Schema"
import { StateDisabled, UnknownMaintenanceAttempt, UnknownRunAttempt } from "../../Flow.ts"
import type { BackendFailure } from "./HttpErrors.ts"
import type { Refusal } from "./trouble.ts"

type Common = StoreError | VersionConflict | BackendFailure

/** There is no such event. What is asked for may be no id at all: it is unknown like any other, so it is not validated. */
export const unknownEvent = (eventId: string): UnknownEvent =>
  new UnknownEvent({ eventId: EventId.make(eventId, true) }, true)
/** There is no such run. The id is not validated, either. */
export const unknownRun = (runId: string): UnknownRun =>
  new UnknownRun({ runId: RunId.make(runId, true) }, true)
/** There is no such maintenance attempt; any text may have been asked for. */
export const unknownAttempt = (attemptId: string): UnknownMaintenanceAttempt =>
  new UnknownMaintenanceAttempt({ attemptId })

/** Errors of any call. */
export const ofAny = (refusal: Refusal): Common => {
  const { code, reason, details } = refusal
  if (code === "StoreError") {
    return new StoreError({
      operation: text(details["operation"]) ?? "answer",
      reason: text(details["reason"]) ?? reason
    })
  }
  if (code === "VersionConflict") {
    const { stream, expected, actual } = details
    return new VersionConflict({
      stream: text(stream) ?? "",
      expected: count(expected),
      actual: count(actual)
    })
  }
  return refusal.toFailure()
}

/** Errors of a call that brings an event. */
export const ofEvent = (refusal: Refusal): InvalidEvent | Common => {
  const { code, field = "", reason, details } = refusal
  if (code !== "InvalidEvent") return ofAny(refusal)
  return new InvalidEvent({
    field: text(details["field"]) ?? field,
    reason: text(details["reason"]) ?? reason
  })
}

/** Errors of a dispatch. */
export const ofDispatch = (refusal: Refusal): InvalidEvent | QueueFull | Common =>
  refusal.code === "QueueFull" ? ofQueueing(refusal) : ofEvent(refusal)

/** Errors of a call that names an event. */
export const ofEventId =
  (eventId: string) =>
  (refusal: Refusal): UnknownEvent | StateDisabled | Common =>
    refusal.code === "UnknownEvent" ? unknownEvent(eventId) : ofState(refusal)

/** Errors of a replay. */
export const ofReplay =
  (eventId: string) =>
  (refusal: Refusal): UnknownEvent | EventForgotten | StateDisabled | QueueFull | Common => {
    const { code, details } = refusal
    if (code === "EventForgotten") {
      const compactedAt = text(details["compactedAt"]) ?? "a time that the server does not tell"
      return new EventForgotten({ eventId: EventId.make(eventId, true), compactedAt }, true)
    }
    return code === "QueueFull" ? ofQueueing(refusal) : ofEventId(eventId)(refusal)
  }

/** Errors of a call that names a run. */
export const ofRunId =
  (runId: string) =>
  (refusal: Refusal): UnknownRun | StateDisabled | Common =>
    refusal.code === "UnknownRun" ? unknownRun(runId) : ofState(refusal)

/** Errors of a call that names an attempt of a run. */
export const ofOutput =
  (runId: string) =>
  (refusal: Refusal): UnknownRun | UnknownRunAttempt | StateDisabled | Common => {
    const { attempt, attemptCount } = refusal.details
    return refusal.code === "UnknownRunAttempt"
      ? new UnknownRunAttempt({ runId, attempt: count(attempt), attemptCount: count(attemptCount) })
      : ofRunId(runId)(refusal)
  }

/** Errors of a cancel. */
export const ofCancel =
  (runId: string) =>
  (refusal: Refusal): UnknownRun | RunAlreadyEnded | StateDisabled | Common => {
    const processStatus = refusal.details["processStatus"]
    return refusal.code === "RunAlreadyEnded" && isProcessStatus(processStatus)
      ? new RunAlreadyEnded({ runId: RunId.make(runId, true), processStatus }, true)
      : ofRunId(runId)(refusal)
  }

/** Errors of a call that names a maintenance attempt. */
export const ofAttemptId =
  (attemptId: string) =>
  (refusal: Refusal): UnknownMaintenanceAttempt | StateDisabled | Common =>
    refusal.code === "UnknownMaintenanceAttempt" ? unknownAttempt(attemptId) : ofState(refusal)

/** Errors of a list. */
export const ofList =
  (cursor: string | undefined) =>
  (refusal: Refusal): CursorInvalid | StateDisabled | Common =>
    refusal.code === "CursorInvalid"
      ? new CursorInvalid({ cursor: text(refusal.details["cursor"]) ?? cursor ?? "" })
      : ofState(refusal)

/** Errors of a decision on a run. */
export const ofDecision =
  (runId: string) =>
  (refusal: Refusal): UnknownRun | RunNotAwaitingApproval | InvalidDecision | StateDisabled | Common => {
    const { code, details, reason } = refusal
    const { status, field } = details
    const id = RunId.make(runId, true)
    if (code === "RunNotAwaitingApproval" && isStatus(status)) {
      return new RunNotAwaitingApproval({ runId: id, status }, true)
    }
    if (code === "InvalidDecision" && isDecisionField(field)) {
      return new InvalidDecision({ runId: id, field, reason: text(details["reason"]) ?? reason }, true)
    }
    return ofRunId(runId)(refusal)
  }

/** Errors of a call that needs state and names nothing. */
export const ofState = (refusal: Refusal): StateDisabled | Common =>
  refusal.code === "StateDisabled"
    ? new StateDisabled({ operation: text(refusal.details["operation"]) ?? "this" })
    : ofAny(refusal)

// --- internal ---

const isStatus = Schema.is(EffectiveStatus)
const isDecisionField = Schema.is(InvalidDecision.fields.field)
const isProcessStatus = Schema.is(ProcessStatus)

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)
const count = (value: unknown): number => (typeof value === "number" && Number.isInteger(value) ? value : 0)

/** Errors of a call that queues runs. */
const ofQueueing = (refusal: Refusal): QueueFull | Common => {
  const { code, details, retryAfterMillis: asked = 0 } = refusal
  if (code !== "QueueFull") return ofAny(refusal)
  const { queued, queueMax, retryAfterMillis = asked } = details
  return new QueueFull({
    queued: count(queued),
    queueMax: count(queueMax),
    retryAfterMillis: count(retryAfterMillis)
  })
}
