/**
 * The service that every user of patchmoi talks to, whatever stands behind it: dispatch events, follow their runs,
 * read the record. `FlowLocal.ts` serves it on this machine; `FlowClient` is its face for code without Effect.
 */

import type { DispatchDocument } from "@patchmoi/core/dispatch/Dispatches"
import type { QueueFull } from "@patchmoi/core/engine/Backpressure"
import type { DispatchOutcome } from "@patchmoi/core/engine/Dispatcher"
import type { CallerOptions, CancelOptions, Explanation } from "@patchmoi/core/engine/Engine"
import type { WakeReport } from "@patchmoi/core/engine/WakeReport"
import type { WakeOptions } from "@patchmoi/core/engine/WakeSources"
import type { EventForgotten, UnknownEvent } from "@patchmoi/core/event/Events"
import type { InvalidEvent } from "@patchmoi/core/event/normalizeEvent"
import type { CatalogSnapshot } from "@patchmoi/core/flow/Flow"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type {
  InvalidDecision,
  RunAlreadyEnded,
  RunNotAwaitingApproval,
  UnknownRun
} from "@patchmoi/core/run/RunCommand"
import type { RunView } from "@patchmoi/core/run/RunView"
import type { CursorInvalid } from "@patchmoi/core/store/Cursor"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { OutputPage } from "./api/records.ts"
import type { BackendFailure } from "./client/http/HttpErrors.ts"
import type { Change, EventView } from "./client/views.ts"
import type { FlowStats } from "./FlowStats.ts"

/** The client was opened with `state: false`: it dispatches, and remembers nothing to ask for. */
export class StateDisabled extends Schema.TaggedError<StateDisabled>("patchmoi/StateDisabled")(
  "StateDisabled",
  {
    operation: Schema.String
  }
) {
  override get message() {
    return `${this.operation} needs state: open the client with state "memory" or { kind: "file" }`
  }
}

/** The run has ended, and had no attempt of this number. */
export class UnknownRunAttempt extends Schema.TaggedError<UnknownRunAttempt>("patchmoi/UnknownRunAttempt")(
  "UnknownRunAttempt",
  { runId: Schema.String, attempt: Schema.Int, attemptCount: Schema.Int }
) {
  override get message() {
    return `Run ${this.runId} has ended without an attempt ${this.attempt}: it had ${this.attemptCount}`
  }
}

/** There is no maintenance attempt with this id. */
export class UnknownMaintenanceAttempt extends Schema.TaggedError<UnknownMaintenanceAttempt>(
  "patchmoi/UnknownMaintenanceAttempt"
)("UnknownMaintenanceAttempt", { attemptId: Schema.String }) {
  override get message() {
    return `Unknown maintenance attempt: ${this.attemptId}`
  }
}

/**
 * What can go wrong whatever is asked: in the store, on the way to a server where the service is one behind HTTP, and with an
 * option that is not what it must be (`BackendRefused`, on this machine too).
 */
export type StoreFailure = StoreError | VersionConflict | BackendFailure

/** Whether a dispatch or a replay returns when its runs have ended (the default on this machine) or when they are queued. */
export interface WaitOptions {
  readonly wait?: boolean
}

/** Whether runs that are waited for come with what they printed. */
export interface AwaitRunsOptions {
  /** Without it the runs of this machine come sooner. Default: true. */
  readonly output?: boolean
}

/** What a dispatch or a replay may be told. */
export interface DispatchOptions extends WaitOptions, CallerOptions {}

/** Who rejects a run, and what there is to say about it: kept with the decision, and told to the step. */
export interface RejectOptions extends CallerOptions {
  /** 4,000 characters at most. */
  readonly comment?: string
}

/** Who approves a run, and how. */
export interface ApproveOptions extends RejectOptions {
  /** One of the choices that the run offers. */
  readonly choice?: string
}

/** Which page of a list: newest first. */
export interface PageOptions {
  /** 1 to 500. Default: 50. */
  readonly limit?: number
  /** `cursor` of the page before. */
  readonly cursor?: string
}

/** When it was recorded, in milliseconds since the Unix epoch. */
export interface TimeOptions {
  /** At this time or later. */
  readonly since?: number
  /** Before this time. */
  readonly until?: number
}

/** Which events are listed: those of exactly this type and this source. Without a filter, all of them. */
export interface ListEventsOptions extends PageOptions, TimeOptions {
  readonly type?: string
  readonly source?: string
}

/** Which runs are listed: those that fit every filter that is given. Without one, all of them. */
export interface ListRunsOptions extends PageOptions, TimeOptions {
  /** The event that they are of; the runs of all its generations. */
  readonly eventId?: string
  /** The type of the event. */
  readonly type?: string
  /** A process status or an effective status. */
  readonly status?: string
  readonly flowName?: string
  /** True: only what failed, is blocked, needs intervention or used its retries up. False: only the rest. Default: both. */
  readonly needsAttention?: boolean
}

/** Which maintenance attempts, or which dispatches, are listed: those that fit every filter that is given. */
export interface ListMaintenanceAttemptsOptions extends PageOptions, TimeOptions {
  readonly eventId?: string
  /** The type of the event. */
  readonly type?: string
  /** Of attempts one such as `started` or `changed`; of dispatches `pending`, `dispatched`, `failed` or `skipped`. */
  readonly status?: string
}

/**
 * What became of a dispatch or a replay, with the event and the runs as they were when it returned. A client of a server
 * whose token may not read is told the outcome alone: there is no event then, and `runs` is empty.
 */
export interface DispatchResult extends DispatchOutcome {
  readonly event?: EventView
  readonly runs: ReadonlyArray<RunView>
}

/** Which part of the output of a run. */
export interface ReadOutputOptions {
  /** The number of the attempt, from 1. Default: the last one. */
  readonly attempt?: number
  /** The first sequence that is wanted. Default: 0. */
  readonly from?: number
  /** 1 to 500. Default: 256. */
  readonly limit?: number
}

/** What became of a cancel: the run once it has ended, with its output. */
export interface CancelResult {
  readonly run: RunView
}

/** Some of the events that were asked for, newest first. */
export interface EventPage {
  /** Without their runs: `getEvent` gives these. */
  readonly events: ReadonlyArray<EventView>
  /** Give it back to get the next page; absent when nothing follows. A page with a cursor may be short, or empty. */
  readonly cursor?: string
}

/** Some of the runs that were asked for, newest first. */
export interface RunPage {
  /** Without their output: `getRun` gives it. */
  readonly runs: ReadonlyArray<RunView>
  /** The event that was asked for, when one was. */
  readonly eventId?: string
  /** Give it back to get the next page; absent when nothing follows. A page with a cursor may be short, or empty. */
  readonly cursor?: string
}

/** Some of the maintenance attempts that were asked for, newest first. */
export interface MaintenanceAttemptPage {
  readonly attempts: ReadonlyArray<MaintenanceDocument>
  /** Give it back to get the next page; absent when nothing follows. A page with a cursor may be short, or empty. */
  readonly cursor?: string
}

/** Some of the dispatches that were asked for, newest first: to this machine, and to other backends. */
export interface DispatchPage {
  readonly dispatches: ReadonlyArray<DispatchDocument>
  /** Give it back to get the next page; absent when nothing follows. A page with a cursor may be short, or empty. */
  readonly cursor?: string
}

/**
 * The service, which `layerLocal` gives on this machine and `FlowHttp.layer` of a server. An id that there is not is an
 * `Unknown…` error. Without state it takes events in and looks at flows; what asks for the record is {@link StateDisabled}.
 */
export class Flow extends Context.Tag("@patchmoi/sdk/Flow")<
  Flow,
  {
    /** Takes an event in and runs the steps that it matches. A known id executes nothing again. */
    readonly dispatchEvent: (
      event: unknown,
      options?: DispatchOptions
    ) => Effect.Effect<DispatchResult, InvalidEvent | QueueFull | StoreFailure>
    /** Takes an event in; returns when the event and its runs are durable, with no more than what became of it. */
    readonly acceptEvent: (
      event: unknown,
      options?: CallerOptions
    ) => Effect.Effect<DispatchOutcome, InvalidEvent | QueueFull | StoreFailure>
    /** Gives a known event another generation of runs. */
    readonly replayEvent: (
      eventId: string,
      options?: DispatchOptions
    ) => Effect.Effect<
      DispatchResult,
      UnknownEvent | EventForgotten | QueueFull | StateDisabled | StoreFailure
    >
    /** Asks that a run ends; gives the run once it has. */
    readonly cancelRun: (
      runId: string,
      options?: CancelOptions
    ) => Effect.Effect<CancelResult, UnknownRun | RunAlreadyEnded | StateDisabled | StoreFailure>
    /** Says yes to a run that asks for it; the run is queued again, and its step is told. Gives the run as it is then. */
    readonly approveRun: (
      runId: string,
      options?: ApproveOptions
    ) => Effect.Effect<
      RunView,
      UnknownRun | RunNotAwaitingApproval | InvalidDecision | StateDisabled | StoreFailure
    >
    /** Says no to a run that asks for it; the run is queued again all the same, and its step is told. */
    readonly rejectRun: (
      runId: string,
      options?: RejectOptions
    ) => Effect.Effect<
      RunView,
      UnknownRun | RunNotAwaitingApproval | InvalidDecision | StateDisabled | StoreFailure
    >
    /** What every run that has not ended waits for, and the runs that wait for nothing that will come. */
    readonly stuckRuns: (options?: WakeOptions) => Effect.Effect<WakeReport, StateDisabled | StoreFailure>
    /** The event with the runs of all its generations that are there still, without their output. */
    readonly getEvent: (
      eventId: string
    ) => Effect.Effect<EventView, UnknownEvent | StateDisabled | StoreFailure>
    readonly listEvents: (
      options?: ListEventsOptions
    ) => Effect.Effect<EventPage, CursorInvalid | StateDisabled | StoreFailure>
    /** The run with all of its output that was kept. */
    readonly getRun: (runId: string) => Effect.Effect<RunView, UnknownRun | StateDisabled | StoreFailure>
    /** The runs once all of them have ended; at once when they have. Their output may be left out of those that do without it. */
    readonly awaitRuns: (
      runIds: ReadonlyArray<string>,
      options?: AwaitRunsOptions
    ) => Effect.Effect<ReadonlyArray<RunView>, UnknownRun | StateDisabled | StoreFailure>
    /** Some of what an attempt of the run printed. */
    readonly readOutput: (
      runId: string,
      options?: ReadOutputOptions
    ) => Effect.Effect<OutputPage, UnknownRun | UnknownRunAttempt | StateDisabled | StoreFailure>
    /** Runs without their output. */
    readonly listRuns: (
      options?: ListRunsOptions
    ) => Effect.Effect<RunPage, CursorInvalid | StateDisabled | StoreFailure>
    /** Says for every step whether the event would start it, and why not. Records nothing. */
    readonly explainEvent: (event: unknown) => Effect.Effect<Explanation, InvalidEvent | StoreFailure>
    /** The flows that there are, and those that are broken. */
    readonly listFlows: Effect.Effect<CatalogSnapshot, StoreFailure>
    /** Fails where the store does not answer, or takes no writes. */
    readonly ready: Effect.Effect<void, StoreFailure>
    /** How much there is of what. Over HTTP always refused (`BackendRefused`): a server tells it under `GET /metrics`. */
    readonly stats: Effect.Effect<FlowStats, StoreFailure>
    /** The position of the last change, from which `watch` goes on with what is to come; 0 when there is none. */
    readonly head: Effect.Effect<number, StateDisabled | StoreFailure>
    /** Every change after a position, once each, in order: past ones, then live ones. Never ends by itself. */
    readonly watch: (options?: {
      readonly after?: number
    }) => Stream.Stream<Change, StateDisabled | StoreFailure>
    readonly getMaintenanceAttempt: (
      attemptId: string
    ) => Effect.Effect<MaintenanceDocument, UnknownMaintenanceAttempt | StateDisabled | StoreFailure>
    readonly listMaintenanceAttempts: (
      options?: ListMaintenanceAttemptsOptions
    ) => Effect.Effect<MaintenanceAttemptPage, CursorInvalid | StateDisabled | StoreFailure>
    /**
     * Asks another backend now for what an attempt waits for: to take its event, and what became of its runs. Gives the
     * attempt as it is then; one whose runs are here is given as it is.
     */
    readonly syncMaintenanceAttempt: (
      attemptId: string,
      options?: CallerOptions
    ) => Effect.Effect<MaintenanceDocument, UnknownMaintenanceAttempt | StateDisabled | StoreFailure>
    readonly listDispatches: (
      options?: ListMaintenanceAttemptsOptions
    ) => Effect.Effect<DispatchPage, CursorInvalid | StateDisabled | StoreFailure>
  }
>() {}
