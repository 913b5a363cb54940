/** The flow service on this machine: the engine, over a store and an executor that the layer is given. */
import { Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import type { DispatchOutcome } from "@patchmoi/core/engine/Dispatcher"
import { type CallerOptions, Engine } from "@patchmoi/core/engine/Engine"
import type { WakeOptions } from "@patchmoi/core/engine/WakeSources"
import type { EventDocument } from "@patchmoi/core/event/EventDocument"
import { Events, UnknownEvent } from "@patchmoi/core/event/Events"
import { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import { EventId, RunId } from "@patchmoi/core/Ids"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { Decision } from "@patchmoi/core/run/Approval"
import { UnknownRun } from "@patchmoi/core/run/RunCommand"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { Runs } from "@patchmoi/core/run/Runs"
import { type RunView, toRunView } from "@patchmoi/core/run/RunView"
import type { StoreError } from "@patchmoi/core/store/Log"
import { type Page, Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ApproveBody, CancelBody } from "./api/answers.ts"
import {
  AttemptsQuery,
  ChangesQuery,
  DispatchesQuery,
  EventsQuery,
  OutputQuery,
  RunsQuery,
  StuckQuery
} from "./api/queries.ts"
import { bodyOf, checkRequest, queryOf } from "./client/checkRequest.ts"
import { toChange, toEventView } from "./client/views.ts"
import {
  type ApproveOptions,
  type AwaitRunsOptions,
  type DispatchOptions,
  Flow,
  type ListRunsOptions,
  type ReadOutputOptions,
  type RejectOptions,
  StateDisabled,
  UnknownMaintenanceAttempt,
  type WaitOptions
} from "./Flow.ts"
import { attemptsBy, eventsBy, runsBy } from "./FlowLists.ts"
import { readAllOutput, readOutputPage } from "./FlowOutput.ts"
import { countAll } from "./FlowStats.ts"
import { Outbox } from "./outbox/OutboxService.ts"

/** Makes the service. With `remembers: false` everything that asks for the past is `StateDisabled`. */
export const make = (options: { readonly remembers?: boolean } = {}) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const catalog = yield* FlowCatalog
    const outbox = yield* Effect.serviceOption(Outbox)
    const backend = store.driver.kind
    const remembering = (operation: string): Effect.Effect<void, StateDisabled> =>
      options.remembers === false ? new StateDisabled({ operation }) : Effect.void

    const viewOf = (run: RunDocument) =>
      Effect.map(readAllOutput(store, run), (output) => toRunView(run, { backend, output }))
    const briefViewOf = (run: RunDocument): RunView => toRunView(run, { backend })

    const loadRuns = (runIds: ReadonlyArray<string>) =>
      Effect.map(
        Effect.forEach(runIds, (runId) => store.load(Runs, runId)),
        (runs) => runs.flatMap(Option.toArray)
      )

    const loadEvent = (eventId: string): Effect.Effect<EventDocument, UnknownEvent | StoreError> =>
      Effect.flatMap(
        store.load(Events, eventId),
        Option.match({
          onNone: () => unknownEvent(eventId),
          onSome: Effect.succeed
        })
      )

    const loadAttempt = (attemptId: string) =>
      Effect.flatMap(
        store.load(MaintenanceAttempts, attemptId),
        Option.match({
          onNone: () => new UnknownMaintenanceAttempt({ attemptId }),
          onSome: Effect.succeed
        })
      )

    const loadRun = (runId: string): Effect.Effect<RunDocument, UnknownRun | StoreError> =>
      Effect.flatMap(
        store.load(Runs, runId),
        Option.match({
          onNone: () => unknownRun(runId),
          onSome: Effect.succeed
        })
      )

    const conclude = (outcome: DispatchOutcome, { wait = true }: WaitOptions) =>
      Effect.gen(function* () {
        // Of a known event some may be gone: compaction takes runs, and leaves their ids.
        const there = outcome.status === "accepted" ? undefined : yield* loadRuns(outcome.runIds)
        if (wait) yield* engine.awaitRuns(there?.map(({ id }) => id) ?? outcome.runIds)
        const runs = yield* Effect.forEach(yield* loadRuns(outcome.runIds), viewOf)
        const event = toEventView(yield* loadEvent(outcome.eventId), runs)
        return { ...outcome, event, runs }
      }).pipe(Effect.catchTags({ UnknownRun: Effect.die, UnknownEvent: Effect.die }))

    const decide = (runId: string, decision: Decision, { choice, by, comment }: ApproveOptions) =>
      Effect.gen(function* () {
        if (!isRunId(runId)) return yield* unknownRun(runId)
        yield* checkRequest(ApproveBody, bodyOf({ choice, comment }))
        const run = yield* engine.decide(runId, {
          decision,
          ...(choice === undefined ? {} : { choice }),
          ...(by === undefined ? {} : { by }),
          ...(comment === undefined ? {} : { comment })
        })
        return yield* viewOf(run)
      })

    return Flow.of({
      dispatchEvent: Effect.fn("Flow.dispatchEvent")(function* (
        event: unknown,
        dispatch: DispatchOptions = {}
      ) {
        return yield* conclude(yield* engine.dispatch(event, callerOf(dispatch)), dispatch)
      }),
      acceptEvent: (event, caller = {}) => engine.dispatch(event, callerOf(caller)),
      replayEvent: Effect.fn("Flow.replayEvent")(function* (eventId: string, dispatch: DispatchOptions = {}) {
        yield* remembering("replayEvent")
        if (!isEventId(eventId)) return yield* unknownEvent(eventId)
        return yield* conclude(yield* engine.replay(eventId, callerOf(dispatch)), dispatch)
      }),
      cancelRun: Effect.fn("Flow.cancelRun")(function* (runId: string, cancel = {}) {
        yield* remembering("cancelRun")
        if (!isRunId(runId)) return yield* unknownRun(runId)
        yield* checkRequest(CancelBody, bodyOf({ reason: cancel.reason }))
        yield* engine.cancel(runId, cancel)
        const [run] = yield* engine.awaitRuns([runId])
        return { run: yield* viewOf(run ?? (yield* loadRun(runId))) }
      }),
      approveRun: Effect.fn("Flow.approveRun")(function* (runId: string, approve: ApproveOptions = {}) {
        yield* remembering("approveRun")
        return yield* decide(runId, "approved", approve)
      }),
      rejectRun: Effect.fn("Flow.rejectRun")(function* (runId: string, reject: RejectOptions = {}) {
        yield* remembering("rejectRun")
        return yield* decide(runId, "rejected", reject)
      }),
      stuckRuns: Effect.fn("Flow.stuckRuns")(function* (wake: WakeOptions = {}) {
        yield* checkRequest(StuckQuery, queryOf(wake))
        yield* remembering("stuckRuns")
        return yield* engine.stuckRuns(wake)
      }),
      getEvent: Effect.fn("Flow.getEvent")(function* (eventId: string) {
        yield* remembering("getEvent")
        const document = yield* loadEvent(eventId)
        return toEventView(document, (yield* loadRuns(document.runIds)).map(briefViewOf))
      }),
      listEvents: Effect.fn("Flow.listEvents")(function* (filter = {}) {
        yield* checkRequest(EventsQuery, queryOf(filter))
        yield* remembering("listEvents")
        const { items, ...next } = yield* store.list(Events, eventsBy(filter))
        return { events: items.map((document) => toEventView(document, [])), ...next }
      }),
      getRun: Effect.fn("Flow.getRun")(function* (runId: string) {
        yield* remembering("getRun")
        return yield* viewOf(yield* loadRun(runId))
      }),
      awaitRuns: Effect.fn("Flow.awaitRuns")(function* (
        runIds: ReadonlyArray<string>,
        { output = true }: AwaitRunsOptions = {}
      ) {
        const unknown = runIds.find((runId) => !isRunId(runId))
        if (unknown !== undefined) return yield* unknownRun(unknown)
        const runs = yield* engine.awaitRuns(runIds.filter(isRunId))
        return output ? yield* Effect.forEach(runs, viewOf) : runs.map(briefViewOf)
      }),
      readOutput: Effect.fn("Flow.readOutput")(function* (runId: string, part: ReadOutputOptions = {}) {
        yield* checkRequest(OutputQuery, queryOf(part))
        yield* remembering("readOutput")
        return yield* readOutputPage(store, yield* loadRun(runId), part)
      }),
      listRuns: Effect.fn("Flow.listRuns")(function* (filter: ListRunsOptions = {}) {
        yield* checkRequest(RunsQuery, queryOf(filter))
        yield* remembering("listRuns")
        const { items, ...next } = yield* store.list(Runs, runsBy(filter))
        const { eventId } = filter
        return { runs: items.map(briefViewOf), ...(eventId === undefined ? {} : { eventId }), ...next }
      }),
      explainEvent: engine.explain,
      listFlows: catalog.snapshot,
      ready: Effect.zipRight(
        Effect.catchTag(store.list(Runs, { limit: 1 }), "CursorInvalid", Effect.die),
        // What would be written is nothing, and is refused where anything would be.
        Effect.asVoid(store.driver.commit({ expected: [], facts: [], documents: [] }))
      ),
      stats: countAll(store),
      head: Effect.zipRight(remembering("watch"), store.driver.head),
      watch: ({ after = 0 } = {}) =>
        Stream.fromEffect(checkRequest(ChangesQuery, queryOf({ after }))).pipe(
          Stream.zipRight(Stream.fromEffect(remembering("watch"))),
          Stream.zipRight(Stream.empty),
          Stream.concat(Stream.map(store.changes(after), toChange))
        ),
      getMaintenanceAttempt: Effect.fn("Flow.getMaintenanceAttempt")(function* (attemptId: string) {
        yield* remembering("getMaintenanceAttempt")
        return yield* loadAttempt(attemptId)
      }),
      listMaintenanceAttempts: Effect.fn("Flow.listMaintenanceAttempts")(function* (filter = {}) {
        yield* checkRequest(AttemptsQuery, queryOf(filter))
        yield* remembering("listMaintenanceAttempts")
        const page = yield* store.list(MaintenanceAttempts, attemptsBy(filter))
        return renamed("attempts", page)
      }),
      syncMaintenanceAttempt: Effect.fn("Flow.syncMaintenanceAttempt")(function* (
        attemptId: string,
        caller: CallerOptions = {}
      ) {
        yield* remembering("syncMaintenanceAttempt")
        if (Option.isSome(outbox)) yield* outbox.value.sync(attemptId, callerOf(caller))
        return yield* loadAttempt(attemptId)
      }),
      listDispatches: Effect.fn("Flow.listDispatches")(function* (filter = {}) {
        yield* checkRequest(DispatchesQuery, queryOf(filter))
        yield* remembering("listDispatches")
        const page = yield* store.list(Dispatches, attemptsBy(filter))
        return renamed("dispatches", page)
      })
    })
  })

/** The service over the engine, the store and the catalog of the context. */
export const layer = (options: { readonly remembers?: boolean } = {}) => Layer.effect(Flow, make(options))

// --- internal ---

const callerOf = ({ by }: CallerOptions): CallerOptions => (by === undefined ? {} : { by })

const isEventId = Schema.is(EventId)
const isRunId = Schema.is(RunId)

// What is asked for may be no id at all; it is unknown like any other that there is not, so it is not validated.
const unknownEvent = (eventId: string): UnknownEvent =>
  new UnknownEvent({ eventId: EventId.make(eventId, true) }, true)
const unknownRun = (runId: string): UnknownRun => new UnknownRun({ runId: RunId.make(runId, true) }, true)

const renamed = <Name extends string, A>(name: Name, { items, cursor }: Page<A>) => {
  const list = { [name]: items } as { readonly [N in Name]: ReadonlyArray<A> }
  return cursor === undefined ? list : { ...list, cursor }
}
