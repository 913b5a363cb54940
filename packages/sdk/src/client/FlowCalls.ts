/** The calls of a client, wherever its backend is: each one promise, with a signal. */
import type { Explanation } from "@patchmoi/core/engine/Engine"
import type { WakeReport } from "@patchmoi/core/engine/WakeReport"
import type { WakeOptions } from "@patchmoi/core/engine/WakeSources"
import type { CatalogSnapshot } from "@patchmoi/core/flow/Flow"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { RunView } from "@patchmoi/core/run/RunView"
import type * as Effect from "effect/Effect"
import type {
  ApproveOptions,
  CancelResult,
  DispatchOptions,
  DispatchPage,
  DispatchResult,
  EventPage,
  Flow,
  ListEventsOptions,
  ListMaintenanceAttemptsOptions,
  ListRunsOptions,
  MaintenanceAttemptPage,
  RejectOptions,
  RunPage
} from "../Flow.ts"
import type { Backend } from "./Backend.ts"
import { ClientClosed } from "./errors.ts"
import type { Change, EventView } from "./views.ts"

/** Every method takes a signal; aborting it rejects with the signal's reason and undoes nothing that was recorded. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

type Service = typeof Flow.Service

/**
 * The calls of a client. It connects at its first call, and holds what it opened until it is closed: use it with
 * `await using`, or call `close`.
 *
 * Whatever is called, besides what a method says of itself:
 *
 * @throws {StoreError} the disk of the store refused. After a write, read before trying again: whether it took place is
 * unknown.
 * @throws {BackendRefused} an option is not what it must be; `field` names it. Nothing was recorded.
 * @throws {VersionConflict} other writers were faster every time. Nothing was written.
 * @throws {ClientClosed} the client was closed, before the call or during it.
 */
export abstract class FlowCalls<Opened extends Backend = Backend> implements AsyncDisposable {
  #backend: Promise<Opened> | undefined
  #closing: Promise<void> | undefined

  /** Opens what the calls go to. */
  protected abstract connect(): Promise<Opened>

  /**
   * Takes an event in and runs the steps that it matches. Waits for the runs, unless `wait` is false. A failed step does
   * not throw: look at the runs. A known id executes nothing again (`idempotent: true`).
   *
   * @throws {InvalidEvent} it is not an event; nothing was recorded.
   * @throws {QueueFull} it would queue runs, and too many wait; nothing was recorded. Send it again later.
   */
  dispatchEvent(event: unknown, options: DispatchOptions & CallOptions = {}): Promise<DispatchResult> {
    return this.#run((flow) => flow.dispatchEvent(event, options), options)
  }

  /**
   * Gives a known event another generation of runs.
   *
   * @throws {UnknownEvent} there is none with this id.
   * @throws {EventForgotten} its history was compacted; nothing was recorded. Dispatch it under a new id.
   * @throws {QueueFull} it would queue runs, and too many wait; nothing was recorded. Ask again later.
   * @throws {StateDisabled} the client has no state.
   */
  replayEvent(eventId: string, options: DispatchOptions & CallOptions = {}): Promise<DispatchResult> {
    return this.#run((flow) => flow.replayEvent(eventId, options), options)
  }

  /**
   * Ends a run: a queued one at once, a running one with its process group. Gives the run once it has ended.
   *
   * @throws {UnknownRun} there is none with this id.
   * @throws {RunAlreadyEnded} it completed or failed before.
   * @throws {StateDisabled} the client has no state.
   */
  cancelRun(
    runId: string,
    options: { readonly by?: string; readonly reason?: string } & CallOptions = {}
  ): Promise<CancelResult> {
    const { signal, ...cancel } = options
    return this.#run((flow) => flow.cancelRun(runId, cancel), options)
  }

  /**
   * Says yes to a run that waits for an approval: it is queued again, and its step is told. Gives the run as it is then;
   * `getRun` tells when it has ended. Over HTTP the server says who decided.
   *
   * @throws {UnknownRun} there is none with this id.
   * @throws {RunNotAwaitingApproval} it asks nothing, or was decided before.
   * @throws {InvalidDecision} the choice is none of those on offer, or a text is too long; `field` says which.
   * @throws {StateDisabled} the client has no state.
   */
  approveRun(runId: string, options: ApproveOptions & CallOptions = {}): Promise<RunView> {
    return this.#run((flow) => flow.approveRun(runId, options), options)
  }

  /**
   * Says no to a run that waits for an approval: it is queued again all the same, and its step is told.
   *
   * @throws {UnknownRun} there is none with this id.
   * @throws {RunNotAwaitingApproval} it asks nothing, or was decided before.
   * @throws {InvalidDecision} a text is too long; `field` says which.
   * @throws {StateDisabled} the client has no state.
   */
  rejectRun(runId: string, options: RejectOptions & CallOptions = {}): Promise<RunView> {
    return this.#run((flow) => flow.rejectRun(runId, options), options)
  }

  /**
   * How many runs wait for what, and the runs that wait for nothing that will come, with the reason. With `all`, every run
   * that has not ended (500 at most).
   *
   * @throws {StateDisabled} the client has no state.
   */
  stuckRuns(options: WakeOptions & CallOptions = {}): Promise<WakeReport> {
    return this.#run((flow) => flow.stuckRuns(options), options)
  }

  /**
   * The event with its runs.
   *
   * @throws {UnknownEvent} there is none with this id.
   * @throws {StateDisabled} the client has no state.
   */
  getEvent(eventId: string, options: CallOptions = {}): Promise<EventView> {
    return this.#run((flow) => flow.getEvent(eventId), options)
  }

  /**
   * A page of events, newest first.
   *
   * @throws {CursorInvalid} the cursor is of another list.
   * @throws {StateDisabled} the client has no state.
   */
  listEvents(options: ListEventsOptions & CallOptions = {}): Promise<EventPage> {
    return this.#run((flow) => flow.listEvents(options), options)
  }

  /**
   * The run, with the output of its last attempt.
   *
   * @throws {UnknownRun} there is none with this id.
   * @throws {StateDisabled} the client has no state.
   */
  getRun(runId: string, options: CallOptions = {}): Promise<RunView> {
    return this.#run((flow) => flow.getRun(runId), options)
  }

  /**
   * A page of runs without their output, newest first.
   *
   * @throws {CursorInvalid} the cursor is of another list.
   * @throws {StateDisabled} the client has no state.
   */
  listRuns(options: ListRunsOptions & CallOptions = {}): Promise<RunPage> {
    return this.#run((flow) => flow.listRuns(options), options)
  }

  /**
   * Says for every step whether the event would start it, and why not. Records nothing.
   *
   * @throws {InvalidEvent} it is not an event.
   */
  explainEvent(event: unknown, options: CallOptions = {}): Promise<Explanation> {
    return this.#run((flow) => flow.explainEvent(event), options)
  }

  /** The flows of the workspace, and the folders whose manifest is broken, with the reason. */
  listFlows(options: CallOptions = {}): Promise<CatalogSnapshot> {
    return this.#run((flow) => flow.listFlows, options)
  }

  /**
   * Every change after a position, once each and in order: past ones, then live ones. Leave the loop to stop watching, or
   * abort the signal: the loop then throws its reason.
   *
   * @throws {StateDisabled} the client has no state.
   * @throws {ClientClosed} the client was closed; go on from the last position with another.
   */
  async *watch(options: { readonly after?: number } & CallOptions = {}): AsyncGenerator<Change, void> {
    const { signal, ...from } = options
    signal?.throwIfAborted()
    const backend = await this.opened()
    yield* backend.iterate((flow) => flow.watch(from), signal)
  }

  /**
   * The record of one upstream movement.
   *
   * @throws {UnknownMaintenanceAttempt} there is none with this id.
   * @throws {StateDisabled} the client has no state.
   */
  getMaintenanceAttempt(attemptId: string, options: CallOptions = {}): Promise<MaintenanceDocument> {
    return this.#run((flow) => flow.getMaintenanceAttempt(attemptId), options)
  }

  /**
   * Asks another backend now for what an attempt waits for: to take its event, and what became of its runs. Gives the
   * attempt as it is then; one whose runs are here is given as it is.
   *
   * @throws {UnknownMaintenanceAttempt} there is none with this id.
   * @throws {BackendUnreachable} the other backend cannot be asked for the runs; so may the other errors of a backend.
   * @throws {StateDisabled} the client has no state.
   */
  syncMaintenanceAttempt(
    attemptId: string,
    options: { readonly by?: string } & CallOptions = {}
  ): Promise<MaintenanceDocument> {
    return this.#run((flow) => flow.syncMaintenanceAttempt(attemptId, options), options)
  }

  /**
   * A page of maintenance attempts, newest first.
   *
   * @throws {CursorInvalid} the cursor is of another list.
   * @throws {StateDisabled} the client has no state.
   */
  listMaintenanceAttempts(
    options: ListMaintenanceAttemptsOptions & CallOptions = {}
  ): Promise<MaintenanceAttemptPage> {
    return this.#run((flow) => flow.listMaintenanceAttempts(options), options)
  }

  /**
   * A page of dispatches of signals' events, newest first.
   *
   * @throws {CursorInvalid} the cursor is of another list.
   * @throws {StateDisabled} the client has no state.
   */
  listDispatches(options: ListMaintenanceAttemptsOptions & CallOptions = {}): Promise<DispatchPage> {
    return this.#run((flow) => flow.listDispatches(options), options)
  }

  /**
   * Closes the client; returns when that is done, also when it is called again. On this machine, running steps are waited
   * for (10 s at most) and the store is closed; a backend behind HTTP goes on without this client. What is still under way
   * after that, such as waiting for a run that never started, rejects with `ClientClosed`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    // A client that could not be opened has nothing to close; its caller was told.
    const backend = await this.#backend?.catch(() => undefined)
    await backend?.close()
  }

  /** What was opened, or is being opened by this call. */
  protected opened(): Promise<Opened> {
    if (this.#closing !== undefined) return Promise.reject(new ClientClosed("The client is closed", {}))
    this.#backend ??= this.connect().catch((error: unknown) => {
      // The next call tries again: who held the store may be gone by then.
      this.#backend = undefined
      throw error
    })
    return this.#backend
  }

  async #run<A, E>(operation: (flow: Service) => Effect.Effect<A, E>, { signal }: CallOptions): Promise<A> {
    signal?.throwIfAborted()
    const backend = await this.opened()
    return await backend.run(operation, signal)
  }
}
