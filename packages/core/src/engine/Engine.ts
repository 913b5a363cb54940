/**
 * The engine: events in, runs through, views out. It composes the dispatcher, the scheduler and recovery over the
 * ports of core; everything that it knows is in the store.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { UnknownEvent } from "../event/Events.ts"
import type { FlowEvent } from "../event/FlowEvent.ts"
import type { InvalidEvent } from "../event/normalizeEvent.ts"
import { normalizeEvent } from "../event/normalizeEvent.ts"
import type { Executor } from "../executor/Executor.ts"
import type { BrokenFlow } from "../flow/Flow.ts"
import { FlowCatalog } from "../flow/FlowCatalog.ts"
import type { EventId, RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import { type RunAlreadyEnded, UnknownRun } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { hasEnded } from "../run/RunEvolve.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import * as Attempt from "./Attempt.ts"
import type { DispatchOutcome } from "./Dispatcher.ts"
import * as Dispatcher from "./Dispatcher.ts"
import { type EngineOptions, withDefaults } from "./EngineOptions.ts"
import { explain, type StepExplanation } from "./Match.ts"
import * as Recovery from "./Recovery.ts"
import * as Scheduler from "./Scheduler.ts"

/** Why each step would run for an event, or would not. */
export interface Explanation {
  readonly steps: ReadonlyArray<StepExplanation>
  /** Flows that cannot match because their manifest is broken. */
  readonly broken: ReadonlyArray<BrokenFlow>
}

/** Who asks, and why; kept with the fact. */
export interface CancelOptions {
  readonly by?: string
  readonly reason?: string
}

export class Engine extends Context.Tag("@patchmoi/core/Engine")<
  Engine,
  {
    /**
     * Takes an event in, with the runs that it starts, in one commit; returns when that is durable, not when the runs
     * have ended. A known id changes nothing.
     *
     * - `InvalidEvent`: it is not an event. Nothing was recorded.
     */
    readonly dispatch: (
      event: unknown
    ) => Effect.Effect<DispatchOutcome, InvalidEvent | StoreError | VersionConflict>
    /** The same inside a unit of work of the caller: the event and what the caller appends are one commit. */
    readonly accept: (
      transaction: Transaction,
      event: FlowEvent
    ) => Effect.Effect<DispatchOutcome, StoreError>
    /** Gives a known event another generation of runs. */
    readonly replay: (
      eventId: EventId
    ) => Effect.Effect<DispatchOutcome, UnknownEvent | StoreError | VersionConflict>
    /**
     * Asks that a run ends: a queued one at once, a running one when its process group is gone. Gives the run as it is
     * after the request. Canceling a canceled run again is not an error.
     */
    readonly cancel: (
      runId: RunId,
      options?: CancelOptions
    ) => Effect.Effect<RunDocument, UnknownRun | RunAlreadyEnded | StoreError | VersionConflict>
    /** Says for every step whether the event would start it. Records nothing. */
    readonly explain: (event: unknown) => Effect.Effect<Explanation, InvalidEvent>
    /** Returns the runs once all of them have ended. */
    readonly awaitRuns: (
      runIds: ReadonlyArray<RunId>
    ) => Effect.Effect<ReadonlyArray<RunDocument>, UnknownRun | StoreError>
    /** Ends attempts whose worker is gone and gives their runs; the engine does this by itself at start and in between. */
    readonly recover: Effect.Effect<ReadonlyArray<RunId>, StoreError | VersionConflict>
  }
>() {}

/** Makes an engine that runs until its scope closes; closing drains it. */
export const make = (options: EngineOptions = {}) =>
  Effect.gen(function* () {
    const settings = withDefaults(options, globalThis.crypto.randomUUID().slice(0, 8))
    const store = yield* Store
    const catalog = yield* FlowCatalog
    const dispatcher = yield* Dispatcher.make
    const scheduler = yield* Scheduler.make(settings, yield* Attempt.make(dispatcher, settings))
    const recover = yield* Recovery.make(dispatcher, scheduler.isRunning)

    if (settings.runs) {
      yield* recover
      const watch = Effect.forever(
        Effect.zipRight(
          Effect.sleep(settings.leaseMillis),
          Effect.catchAll(recover, (error) => Effect.logError("Recovery failed", error))
        )
      )
      yield* Effect.acquireRelease(
        // An acquisition is uninterruptible, and what it forks would be too.
        Effect.forEach([scheduler.loop, watch], (fiber) => Effect.forkDaemon(Effect.interruptible(fiber))),
        (fibers) => Effect.zipRight(Fiber.interruptAll(fibers), scheduler.drain)
      )
    }

    const normalized = (event: unknown) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => normalizeEvent(event, now))

    const service: typeof Engine.Service = {
      dispatch: Effect.fn("Engine.dispatch")(function* (input: unknown) {
        const event = yield* normalized(input)
        return yield* store.transact((transaction) => dispatcher.accept(transaction, event))
      }),
      accept: dispatcher.accept,
      replay: Effect.fn("Engine.replay")((eventId: EventId) =>
        store.transact((transaction) => dispatcher.replay(transaction, eventId))
      ),
      cancel: Effect.fn("Engine.cancel")(function* (runId: RunId, cancelOptions: CancelOptions = {}) {
        const run = yield* store
          .transact((transaction) =>
            dispatcher.commandRun(transaction, runId, { _tag: "Cancel", ...withoutUndefined(cancelOptions) })
          )
          .pipe(Effect.catchTags({ RunNotReady: Effect.die, LeaseLost: Effect.die }))
        if (run.processStatus === "running") yield* scheduler.stop(runId, "canceled")
        return run
      }),
      explain: Effect.fn("Engine.explain")(function* (input: unknown) {
        const event = yield* normalized(input)
        const snapshot = yield* catalog.snapshot
        return { steps: explain(snapshot, event), broken: snapshot.broken }
      }),
      awaitRuns: Effect.fn("Engine.awaitRuns")((runIds: ReadonlyArray<RunId>) =>
        Effect.forEach(runIds, (runId) => awaitRun(store, runId))
      ),
      recover
    }
    return service
  })

/** An engine over the store, the catalog and the executor of the context. */
export const layer = (
  options: EngineOptions = {}
): Layer.Layer<Engine, StoreError | VersionConflict, Store | FlowCatalog | Executor> =>
  Layer.scoped(Engine, make(options))

// --- internal ---

const awaitRun = (
  store: typeof Store.Service,
  runId: RunId
): Effect.Effect<RunDocument, UnknownRun | StoreError> =>
  Effect.gen(function* () {
    while (true) {
      const seen = yield* store.driver.head
      const run = yield* Effect.flatten(store.load(Runs, runId)).pipe(
        Effect.catchTag("NoSuchElementException", () => new UnknownRun({ runId }))
      )
      if (hasEnded(run.processStatus)) return run
      yield* store.driver.awaitBeyond(seen)
    }
  })
