/**
 * The engine: events in, runs through, views out. It composes the dispatcher, the scheduler and recovery over the
 * ports of core; everything that it knows is in the store.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { EventForgotten, UnknownEvent } from "../event/Events.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { InvalidEvent } from "../event/normalizeEvent.ts"
import { normalizeEvent } from "../event/normalizeEvent.ts"
import type { Executor } from "../executor/Executor.ts"
import type { BrokenFlow, CatalogSnapshot } from "../flow/Flow.ts"
import { FlowCatalog } from "../flow/FlowCatalog.ts"
import type { EventId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type {
  InvalidDecision,
  RunAlreadyEnded,
  RunDecision,
  RunNotAwaitingApproval,
  UnknownRun
} from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { Transaction, Unit } from "../store/UnitOfWork.ts"
import { awaitRun } from "./awaitRun.ts"
import * as Backpressure from "./Backpressure.ts"
import type { DispatchOutcome } from "./Dispatcher.ts"
import * as Dispatcher from "./Dispatcher.ts"
import { makeDispatchGroups } from "./DispatchGroups.ts"
import { type EngineOptions, withDefaults } from "./EngineOptions.ts"
import { explain, type StepExplanation } from "./Match.ts"
import type { WakeReport } from "./WakeReport.ts"
import * as WakeSources from "./WakeSources.ts"
import { makeWorker } from "./Worker.ts"

/** Why each step would run for an event, or would not. */
export interface Explanation {
  readonly steps: ReadonlyArray<StepExplanation>
  /** Flows that cannot match because their manifest is broken. */
  readonly broken: ReadonlyArray<BrokenFlow>
}

/** Who asks; kept with the fact. */
export interface CallerOptions {
  readonly by?: string
}

/** Who asks, and why; kept with the fact. */
export interface CancelOptions extends CallerOptions {
  readonly reason?: string
}

/**
 * An engine at work; {@link make} and {@link layer} give one. All that it knows is in the store: engines that share a store
 * share its queue, and any of them may be asked about any run.
 */
export class Engine extends Context.Tag("@patchmoi/core/Engine")<
  Engine,
  {
    /**
     * Takes an event in, with the runs that it starts, in one commit; returns when that is durable, not when the runs
     * have ended. A known id changes nothing.
     *
     * - `InvalidEvent`: it is not an event. Nothing was recorded.
     * - `QueueFull`: it would queue runs, and too many wait. Nothing was recorded.
     */
    readonly dispatch: (
      event: unknown,
      options?: CallerOptions
    ) => Effect.Effect<DispatchOutcome, InvalidEvent | Backpressure.QueueFull | StoreError | VersionConflict>
    /** The same inside a unit of work of the caller: the event and what the caller appends are one commit. Never `QueueFull`. With a `backend` no flow here runs: the dispatch to it is queued. */
    readonly accept: (
      transaction: Transaction,
      event: FlowEvent,
      options?: CallerOptions & Pick<Dispatcher.AcceptOptions, "backend">
    ) => Effect.Effect<DispatchOutcome, StoreError>
    /** Gives a known event another generation of runs. `QueueFull` as for `dispatch`. */
    readonly replay: (
      eventId: EventId,
      options?: CallerOptions
    ) => Effect.Effect<
      DispatchOutcome,
      UnknownEvent | EventForgotten | Backpressure.QueueFull | StoreError | VersionConflict
    >
    /**
     * Asks that a run ends: a queued one at once, a running one when its process group is gone. Gives the run as it is
     * after the request. Canceling a canceled run again is not an error.
     */
    readonly cancel: (
      runId: RunId,
      options?: CancelOptions
    ) => Effect.Effect<RunDocument, UnknownRun | RunAlreadyEnded | StoreError | VersionConflict>
    /**
     * Decides a run that ended with a question, which queues it again: its next attempt is told the decision.
     *
     * - `RunNotAwaitingApproval`: it asks nothing, or was decided before.
     * - `InvalidDecision`: the choice is none of those on offer, or a text is too long.
     */
    readonly decide: (
      runId: RunId,
      decision: RunDecision
    ) => Effect.Effect<
      RunDocument,
      UnknownRun | RunNotAwaitingApproval | InvalidDecision | StoreError | VersionConflict
    >
    /** Says for every step whether the event would start it. Records nothing. */
    readonly explain: (event: unknown) => Effect.Effect<Explanation, InvalidEvent>
    /** Returns the runs once all of them have ended. */
    readonly awaitRuns: (
      runIds: ReadonlyArray<RunId>
    ) => Effect.Effect<ReadonlyArray<RunDocument>, UnknownRun | StoreError>
    /** Ends attempts whose worker is gone and gives their runs; the engine does this by itself at start and in between. */
    readonly recover: Effect.Effect<ReadonlyArray<RunId>, StoreError | VersionConflict>
    /** What every run that has not ended waits for, and which are stuck. Records nothing. */
    readonly stuckRuns: (options?: WakeSources.WakeOptions) => Effect.Effect<WakeReport, StoreError>
    /**
     * Claims nothing more, waits for the attempts under way for the grace period, and ends the rest as lost, so that they run
     * again. Closing the engine does the same. Events are still accepted, and wait for the next engine.
     */
    readonly drain: Effect.Effect<void>
    /** The same without the grace period; a drain that is under way ends with it. */
    readonly stopNow: Effect.Effect<void>
  }
>() {}

/** Makes an engine that runs until its scope closes; closing drains it. */
export const make = (options: EngineOptions = {}) =>
  Effect.gen(function* () {
    const settings = withDefaults(options, globalThis.crypto.randomUUID().slice(0, 8))
    const store = yield* Store
    const catalog = yield* FlowCatalog
    const own = new Set<RunId>()
    const isOwn = (runId: RunId): boolean => settings.claims === "all" || own.has(runId)
    const dispatcher = Dispatcher.make((runIds) => {
      if (settings.claims === "own") for (const runId of runIds) own.add(runId)
    })
    const { admit, beginUnit, claiming, isEmpty, queued, recount } = yield* Backpressure.make(settings)
    const worker = yield* makeWorker({
      settings,
      dispatcher,
      own,
      isOwn,
      claiming,
      isQueueEmpty: isEmpty
    })
    if (settings.runs) yield* worker.run

    const normalized = (event: unknown) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => normalizeEvent(event, now))

    /**
     * Commits what may queue runs, under the bound on the queue. Runs that nothing waits before are claimed in the same
     * commit.
     */
    const join = yield* makeDispatchGroups((works) =>
      Effect.gen(function* () {
        yield* recount
        const [newRuns, started] = yield* worker.startingNow((claimNow) =>
          store.commit((unit) => {
            beginUnit()
            const newRuns = works.flatMap((work) => newRunsOf(work(unit)))
            claimNow(unit, isEmpty() ? newRuns : [])
            return Either.right(newRuns)
          })
        )
        queued(newRuns.length - started)
        // A duplicate commits nothing that would wake the worker, and what its event has queued is its own from now on.
        if (settings.claims === "own") yield* worker.wake
      })
    )

    /** Does what may queue runs against the flows as they are now. */
    const queueing = <E>(
      work: (unit: Unit, snapshot: CatalogSnapshot) => Either.Either<DispatchOutcome, E>
    ) => Effect.flatMap(catalog.snapshot, (snapshot) => join((unit) => work(unit, snapshot)))

    const service: typeof Engine.Service = {
      // Without a span of its own, which costs as much as the rest of the fiber: it is the hot path of a server.
      dispatch: (input, caller = {}) =>
        Effect.flatMap(normalized(input), (event) =>
          queueing((unit, snapshot) => dispatcher.accept(unit, snapshot, event, { ...caller, admit }))
        ),
      accept: (transaction, event, caller) =>
        Effect.flatMap(catalog.snapshot, (snapshot) =>
          transaction.run((unit) => dispatcher.accept(unit, snapshot, event, caller))
        ),
      replay: Effect.fn("Engine.replay")((eventId: EventId, caller: CallerOptions = {}) =>
        queueing((unit, snapshot) => dispatcher.replay(unit, snapshot, eventId, { ...caller, admit }))
      ),
      cancel: Effect.fn("Engine.cancel")(function* (runId: RunId, cancelOptions: CancelOptions = {}) {
        const run = yield* store
          .commit((unit) =>
            dispatcher.commandRun(unit, runId, { _tag: "Cancel", ...withoutUndefined(cancelOptions) })
          )
          .pipe(
            Effect.catchTags({
              RunNotReady: Effect.die,
              LeaseLost: Effect.die,
              RunNotAwaitingApproval: Effect.die,
              InvalidDecision: Effect.die
            })
          )
        if (run.processStatus === "running") yield* worker.stop(runId, "canceled")
        return run
      }),
      decide: Effect.fn("Engine.decide")(function* (runId: RunId, decision: RunDecision) {
        if (settings.claims === "own") own.add(runId)
        return yield* store
          .commit((unit) =>
            dispatcher.commandRun(unit, runId, {
              _tag: "DecideApproval",
              ...withoutUndefined(decision)
            })
          )
          .pipe(
            Effect.catchTags({
              RunNotReady: Effect.die,
              LeaseLost: Effect.die,
              RunAlreadyEnded: Effect.die
            })
          )
      }),
      explain: Effect.fn("Engine.explain")(function* (input: unknown) {
        const event = yield* normalized(input)
        const snapshot = yield* catalog.snapshot
        return { steps: explain(snapshot, event), broken: snapshot.broken }
      }),
      awaitRuns: Effect.fn("Engine.awaitRuns")((runIds: ReadonlyArray<RunId>) =>
        Effect.forEach(runIds, (runId) => awaitRun(store, runId))
      ),
      recover: worker.recover,
      stuckRuns: (wakeOptions) => Effect.provideService(WakeSources.report(wakeOptions), Store, store),
      drain: worker.drain,
      stopNow: worker.stopNow
    }
    return service
  })

/** An engine over the store, the catalog and the executor of the context. */
export const layer = (
  options: EngineOptions = {}
): Layer.Layer<Engine, StoreError | VersionConflict, Store | FlowCatalog | Executor> =>
  Layer.scoped(Engine, make(options))

// --- internal ---

/** The runs that a dispatch has queued. */
const newRunsOf = (outcome: Option.Option<DispatchOutcome>): ReadonlyArray<RunId> =>
  Option.isSome(outcome) && outcome.value.status === "accepted" ? outcome.value.runIds : []
