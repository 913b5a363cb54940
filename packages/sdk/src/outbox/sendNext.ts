/** One try to hand over the oldest dispatch that waits for a backend, and the commit of what came of it. */
import { type DispatchDocument, Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import { Events } from "@patchmoi/core/event/Events"
import { toEnvelope } from "@patchmoi/core/event/normalizeEvent"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { Transport } from "../client/http/Transport.ts"
import { type FailedTry, failedTryOf, type OutboxPolicy, waitAfter } from "./OutboxPolicy.ts"
import { everyPage } from "./outboxRecord.ts"
import * as RemoteRuns from "./RemoteRuns.ts"

type Opened = typeof Store.Service
type Written<A> = Effect.Effect<A, StoreError | VersionConflict>

/** The oldest dispatch that waits for this backend. */
export const oldestFor = (
  store: Opened,
  url: string
): Effect.Effect<DispatchDocument | undefined, StoreError> =>
  Effect.map(
    Effect.catchTag(
      store.list(Dispatches, { index: "toSend", prefix: [url], order: "ascending", limit: 1 }),
      "CursorInvalid",
      Effect.die
    ),
    ({ items }) => items[0]
  )

/** How long until its next try is due, in milliseconds; 0 when it is. */
export const millisUntilDue = ({ nextTryAt }: DispatchDocument): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    nextTryAt === undefined ? 0 : Math.max(0, DateTime.unsafeMake(nextTryAt).epochMillis - now)
  )

/**
 * Tries once, and writes what came of it: accepted, a failed try, or given up. The record is read by the id of the event, so
 * a try whose outcome was lost is answered as a duplicate the next time.
 */
export const sendOne = (
  store: Opened,
  transport: Effect.Effect<Transport, FailedTry>,
  policy: OutboxPolicy,
  dispatch: DispatchDocument
): Written<void> =>
  Effect.gen(function* () {
    const event = Option.getOrUndefined(yield* store.load(Events, dispatch.eventId))
    if (event === undefined) return yield* Effect.dieMessage(`${dispatch.id} has no event`)
    const body = toEnvelope(event.event)
    const tried = yield* Effect.either(
      Effect.flatMap(transport, (open) =>
        Effect.mapError(
          dispatch.operation === "replay"
            ? replayOnce(store, open, dispatch)
            : RemoteRuns.dispatch(open, body),
          (error) => (error._tag === "StoreError" ? error : failedTryOf(error))
        )
      )
    )
    if (Either.isRight(tried)) return yield* recordAccepted(store, dispatch, tried.right)
    if (tried.left._tag === "StoreError") return yield* tried.left
    return yield* recordFailed(store, dispatch, tried.left, policy)
  })

// --- internal ---

/**
 * A replay is not the same twice. Before it is asked for, the runs there are compared with those that are known here: new ones
 * are of a try whose answer was lost.
 */
const replayOnce = (store: Opened, transport: Transport, { eventId }: DispatchDocument) =>
  Effect.gen(function* () {
    const dispatches = yield* everyPage((page) =>
      store.list(Dispatches, { index: "byEvent", prefix: [eventId], ...page })
    )
    const known = new Set<string>(dispatches.flatMap(({ runIds }) => runIds))
    const there = yield* RemoteRuns.runsOf(transport, eventId)
    const unknown = there.flatMap(({ id }) => (known.has(id) ? [] : [id]))
    if (unknown.length > 0) return { runIds: unknown, idempotent: true }
    return yield* RemoteRuns.replay(transport, eventId)
  })

const recordAccepted = (
  store: Opened,
  { id, maintenanceAttemptId }: DispatchDocument,
  { runIds, idempotent }: RemoteRuns.Accepted
): Written<void> =>
  store.transact((transaction) =>
    Effect.gen(function* () {
      yield* transaction.execute(Dispatches, id, {
        _tag: "Accept",
        runIds,
        matched: runIds.length,
        ...(idempotent ? { idempotent } : {})
      })
      if (maintenanceAttemptId === undefined) return
      yield* transaction.execute(MaintenanceAttempts, maintenanceAttemptId, { _tag: "RecordRuns", runIds })
    })
  )

const recordFailed = (
  store: Opened,
  { id, createdAt, failedTries = 0, maintenanceAttemptId }: DispatchDocument,
  { error, httpStatus, retryAfterMillis, isFinal }: FailedTry,
  policy: OutboxPolicy
): Written<void> =>
  Effect.gen(function* () {
    const random = yield* Random.next
    const failure = { error, ...(httpStatus === undefined ? {} : { httpStatus }) }
    yield* store.transact((transaction) =>
      Effect.gen(function* () {
        const wait = waitAfter(policy, failedTries + 1, random, retryAfterMillis)
        const ageMillis = transaction.now - DateTime.unsafeMake(createdAt).epochMillis
        if (!isFinal && ageMillis + wait < policy.giveUpAfterMillis) {
          const nextTryAt = toIso(transaction.now + wait)
          yield* transaction.execute(Dispatches, id, { _tag: "FailTry", ...failure, nextTryAt })
          return
        }
        yield* transaction.execute(Dispatches, id, { _tag: "GiveUp", ...failure })
        if (maintenanceAttemptId === undefined) return
        yield* transaction.execute(MaintenanceAttempts, maintenanceAttemptId, {
          _tag: "RecordNotDispatched",
          error
        })
      })
    )
  })
