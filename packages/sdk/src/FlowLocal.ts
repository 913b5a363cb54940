/** The flow service on this machine: the engine, over a store and an executor that the layer is given. */
import { Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import type { DispatchOutcome } from "@patchmoi/core/engine/Dispatcher"
import { Engine } from "@patchmoi/core/engine/Engine"
import type { EventDocument } from "@patchmoi/core/event/EventDocument"
import { Events, UnknownEvent } from "@patchmoi/core/event/Events"
import { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import { EventId, RunId } from "@patchmoi/core/Ids"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import { UnknownRun } from "@patchmoi/core/run/RunCommand"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { Runs } from "@patchmoi/core/run/Runs"
import { effectiveStatusOf, needsAttention, type RunView, toRunView } from "@patchmoi/core/run/RunView"
import type { OutputRecord } from "@patchmoi/core/store/Driver"
import type { StoreError } from "@patchmoi/core/store/Log"
import { type Page, Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { toChange, toEventView } from "./client/views.ts"
import {
  Flow,
  type ListMaintenanceAttemptsOptions,
  type ListRunsOptions,
  type PageOptions,
  StateDisabled,
  UnknownMaintenanceAttempt,
  type WaitOptions
} from "./Flow.ts"

/** How many pieces of output are read at a time. */
const outputPageSize = 256

/** Makes the service. With `remembers: false` everything that asks for the past is `StateDisabled`. */
export const make = (options: { readonly remembers?: boolean } = {}) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const catalog = yield* FlowCatalog
    const backend = store.driver.kind
    const remembering = (operation: string): Effect.Effect<void, StateDisabled> =>
      options.remembers === false ? new StateDisabled({ operation }) : Effect.void

    const viewOf = (run: RunDocument) =>
      Effect.map(readOutput(store, run), (output) => toRunView(run, { backend, output }))
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
        if (wait) yield* engine.awaitRuns(outcome.runIds)
        const runs = yield* Effect.forEach(yield* loadRuns(outcome.runIds), viewOf)
        const event = toEventView(yield* loadEvent(outcome.eventId), runs)
        return { ...outcome, event, runs }
      }).pipe(Effect.catchTags({ UnknownRun: Effect.die, UnknownEvent: Effect.die }))

    return Flow.of({
      dispatchEvent: Effect.fn("Flow.dispatchEvent")(function* (event: unknown, wait: WaitOptions = {}) {
        return yield* conclude(yield* engine.dispatch(event), wait)
      }),
      replayEvent: Effect.fn("Flow.replayEvent")(function* (eventId: string, wait: WaitOptions = {}) {
        yield* remembering("replayEvent")
        if (!isEventId(eventId)) return yield* unknownEvent(eventId)
        return yield* conclude(yield* engine.replay(eventId), wait)
      }),
      cancelRun: Effect.fn("Flow.cancelRun")(function* (runId: string, cancel = {}) {
        yield* remembering("cancelRun")
        if (!isRunId(runId)) return yield* unknownRun(runId)
        yield* engine.cancel(runId, cancel)
        const [run] = yield* engine.awaitRuns([runId])
        return { run: yield* viewOf(run ?? (yield* loadRun(runId))) }
      }),
      getEvent: Effect.fn("Flow.getEvent")(function* (eventId: string) {
        yield* remembering("getEvent")
        const document = yield* loadEvent(eventId)
        return toEventView(document, (yield* loadRuns(document.runIds)).map(briefViewOf))
      }),
      listEvents: Effect.fn("Flow.listEvents")(function* ({ type, ...page } = {}) {
        yield* remembering("listEvents")
        const by = type === undefined ? {} : { index: "byType", prefix: [type] }
        const { items, ...next } = yield* store.list(Events, { ...by, ...pageOf(page) })
        return { events: items.map((document) => toEventView(document, [])), ...next }
      }),
      getRun: Effect.fn("Flow.getRun")(function* (runId: string) {
        yield* remembering("getRun")
        return yield* viewOf(yield* loadRun(runId))
      }),
      listRuns: Effect.fn("Flow.listRuns")(function* (filter: ListRunsOptions = {}) {
        yield* remembering("listRuns")
        const { items, ...next } = yield* store.list(Runs, {
          ...runIndexOf(filter),
          ...pageOf(filter),
          where: fits(filter)
        })
        const { eventId } = filter
        return { runs: items.map(briefViewOf), ...(eventId === undefined ? {} : { eventId }), ...next }
      }),
      explainEvent: engine.explain,
      listFlows: catalog.snapshot,
      watch: ({ after = 0 } = {}) =>
        Stream.zipRight(Stream.fromEffect(remembering("watch")), Stream.empty).pipe(
          Stream.concat(Stream.map(store.changes(after), toChange))
        ),
      getMaintenanceAttempt: Effect.fn("Flow.getMaintenanceAttempt")(function* (attemptId: string) {
        yield* remembering("getMaintenanceAttempt")
        return yield* Effect.flatMap(
          store.load(MaintenanceAttempts, attemptId),
          Option.match({
            onNone: () => new UnknownMaintenanceAttempt({ attemptId }),
            onSome: Effect.succeed
          })
        )
      }),
      listMaintenanceAttempts: Effect.fn("Flow.listMaintenanceAttempts")(function* (filter = {}) {
        yield* remembering("listMaintenanceAttempts")
        const page = yield* store.list(MaintenanceAttempts, attemptsBy(filter))
        return renamed("attempts", page)
      }),
      listDispatches: Effect.fn("Flow.listDispatches")(function* (filter = {}) {
        yield* remembering("listDispatches")
        const page = yield* store.list(Dispatches, attemptsBy(filter))
        return renamed("dispatches", page)
      })
    })
  })

/** The service over the engine, the store and the catalog of the context. */
export const layer = (options: { readonly remembers?: boolean } = {}) => Layer.effect(Flow, make(options))

// --- internal ---

const isEventId = Schema.is(EventId)
const isRunId = Schema.is(RunId)

// What is asked for may be no id at all; it is unknown like any other that there is not, so it is not validated.
const unknownEvent = (eventId: string): UnknownEvent =>
  new UnknownEvent({ eventId: EventId.make(eventId, true) }, true)
const unknownRun = (runId: string): UnknownRun => new UnknownRun({ runId: RunId.make(runId, true) }, true)

/** All output of the last attempt, in order. */
const readOutput = (
  store: typeof Store.Service,
  run: RunDocument
): Effect.Effect<ReadonlyArray<OutputRecord>, StoreError> =>
  Effect.gen(function* () {
    const attempt = run.attempts.at(-1)
    const records: Array<OutputRecord> = []
    while (attempt !== undefined) {
      const from = (records.at(-1)?.sequence ?? -1) + 1
      const page = yield* store.driver.outputs.read(attempt.id, from, outputPageSize)
      records.push(...page)
      if (page.length < outputPageSize) break
    }
    return records
  })

const pageOf = ({ limit, cursor }: PageOptions): PageOptions => ({
  ...(limit === undefined ? {} : { limit }),
  ...(cursor === undefined ? {} : { cursor })
})

/** An index with every run that fits a filter, and few others: what it leaves is looked at one by one. */
const runIndexOf = ({ eventId, flowName, needsAttention, status }: ListRunsOptions): RunIndex => {
  if (eventId !== undefined) return { index: "byEvent", prefix: [eventId] }
  if (flowName !== undefined) return { index: "byFlow", prefix: [flowName] }
  if (needsAttention === true) return { index: "attention" }
  switch (status) {
    case undefined:
      return { index: "all" }
    // Whatever the step said, a run of this status has it as the status of its process.
    case "queued":
    case "running":
    case "completed":
    case "canceled":
      return { index: "byStatus", prefix: [status] }
    // A process that failed may ask for a person, and a step whose process completed may have failed: all need attention.
    case "failed":
      return { index: "attention" }
    default:
      return { index: "byEffectiveStatus", prefix: [status] }
  }
}

interface RunIndex {
  readonly index: string
  readonly prefix?: ReadonlyArray<string>
}

const fits =
  (filter: ListRunsOptions) =>
  (run: RunDocument): boolean =>
    (filter.flowName === undefined || run.flowName === filter.flowName) &&
    (filter.status === undefined ||
      run.processStatus === filter.status ||
      effectiveStatusOf(run) === filter.status) &&
    (filter.needsAttention === undefined || needsAttention(run) === filter.needsAttention)

const attemptsBy = (filter: ListMaintenanceAttemptsOptions) => {
  const { eventId, status } = filter
  const where = (attempt: { readonly status: string }): boolean =>
    status === undefined || attempt.status === status
  if (eventId !== undefined) return { index: "byEvent", prefix: [eventId], where, ...pageOf(filter) }
  return status === undefined ? pageOf(filter) : { index: "byStatus", prefix: [status], ...pageOf(filter) }
}

const renamed = <Name extends string, A>(name: Name, { items, cursor }: Page<A>) => {
  const list = { [name]: items } as { readonly [N in Name]: ReadonlyArray<A> }
  return cursor === undefined ? list : { ...list, cursor }
}
