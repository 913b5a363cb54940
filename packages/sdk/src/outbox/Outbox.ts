/**
 * The outbox: hands the events that are queued for other backends over to them, and follows their runs.
 *
 * 1. What is queued is in the log, with its event. A process that dies loses nothing; what it sent without knowing is sent
 *    again under the same event id, which the other backend answers as a duplicate.
 * 2. Each backend gets its events in the order in which they were queued: the next one waits until the one before was
 *    accepted or given up; of the processes that share a record one sends to it at a time (`sendingLease.ts`). One backend
 *    that is away holds up no other.
 * 3. An attempt whose runs another backend has is concluded when they have ended, as if they had run here
 *    (`followTarget.ts`).
 */
import { Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import type { CallerOptions } from "@patchmoi/core/engine/Engine"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Fetch } from "../client/http/HttpClientOptions.ts"
import * as Transport from "../client/http/Transport.ts"
import { makeWorkerId } from "../executor/workerIdentity.ts"
import { lookAt } from "./followRuns.ts"
import { followTarget } from "./followTarget.ts"
import { type FailedTry, type OutboxPolicy, policyDefaults } from "./OutboxPolicy.ts"
import { Outbox } from "./OutboxService.ts"
import { dispatchOf, urlsToServe } from "./outboxRecord.ts"
import type { Variables } from "./RemoteTarget.ts"
import { heldLookMillis, whileSending } from "./sendingLease.ts"
import { millisUntilDue, oldestFor, sendOne } from "./sendNext.ts"

/** How an outbox reaches other backends. Which ones these are, and what waits for them, is in the store. */
export interface OutboxOptions {
  /** The variables that hold the secrets of other backends. They are looked up at each try. */
  readonly variables: Variables
  /** Whether it sends and follows by itself. Default: true. */
  readonly runs?: boolean
  /** How often and for how long it tries, field by field. Default: {@link policyDefaults}. */
  readonly policy?: Partial<OutboxPolicy>
  /** Default: the `fetch` of the platform. */
  readonly fetch?: Fetch
}

export { Outbox }

/** How long the outbox waits after a commit before it looks for what is queued, in milliseconds. */
const gatherMillis = 50

/** Makes an outbox over the store; it works until its scope closes. */
export const make = (options: OutboxOptions) =>
  Effect.gen(function* () {
    const store = yield* Store
    const policy = { ...policyDefaults, ...options.policy }
    const targets = new Map<string, Target>()
    const served = new Set<string>()
    const workerId = (yield* makeWorkerId) ?? "outbox"

    const targetOf = (url: string): Target => {
      const target = targets.get(url) ?? {
        turn: Effect.unsafeMakeSemaphore(1),
        toSend: Effect.unsafeMakeLatch(true),
        toFollow: Effect.unsafeMakeLatch(true)
      }
      targets.set(url, target)
      return target
    }

    const transportTo = (url: string, secretEnv: string | undefined) => openTransport(url, secretEnv, options)

    /** Tries the oldest dispatch to a backend, when it is due or `isWanted`; gives how long to wait for that, in milliseconds. */
    const sendOldest = (url: string, isWanted: boolean) =>
      Effect.gen(function* () {
        // Read under the lease: another process may just have sent it.
        const dispatch = yield* oldestFor(store, url)
        if (dispatch === undefined) return 0
        const millis = isWanted ? 0 : yield* millisUntilDue(dispatch)
        if (millis > 0) return millis
        yield* sendOne(store, transportTo(url, dispatch.secretEnv), policy, dispatch)
        yield* targetOf(url).toFollow.open
        return 0
      })

    /** The same while no other process sends to the backend; otherwise that is what to wait for. */
    const send = (url: string, isWanted = false) =>
      Effect.map(
        whileSending({ store, url, workerId }, sendOldest(url, isWanted)),
        Option.getOrElse(() => heldLookMillis)
      )

    const sendForever = (url: string) => {
      const { turn, toSend } = targetOf(url)
      return Effect.gen(function* () {
        // Closed before looking: what is queued after the look opens it again.
        yield* toSend.close
        const wait = yield* turn.withPermits(1)(
          Effect.gen(function* () {
            const dispatch = yield* oldestFor(store, url)
            if (dispatch === undefined) return "idle"
            const millis = yield* millisUntilDue(dispatch)
            return millis > 0 ? millis : yield* send(url)
          })
        )
        if (wait === "idle") yield* toSend.await
        else if (wait > 0) yield* Effect.race(Effect.sleep(wait), toSend.await)
      }).pipe(orSay(`The outbox for ${url}`, policy.firstWaitMillis), Effect.forever)
    }

    const followForever = (url: string) =>
      followTarget({
        store,
        policy,
        url,
        toFollow: targetOf(url).toFollow,
        transportOf: (attempt) =>
          Effect.flatMap(dispatchOf(store, attempt), (dispatch) => transportTo(url, dispatch?.secretEnv))
      }).pipe(orSay(`Following the runs of ${url}`, policy.firstWaitMillis), Effect.forever)

    /** Begins to work for a backend, or wakes who sends to it. */
    const wake = (url: string) =>
      Effect.gen(function* () {
        // Not by the targets: a sync makes one as well.
        if (served.has(url)) return yield* targetOf(url).toSend.open
        served.add(url)
        yield* Effect.forkScoped(sendForever(url))
        yield* Effect.forkScoped(followForever(url))
      })

    const work = Effect.gen(function* () {
      let head = yield* store.driver.head
      let urls = yield* urlsToServe(store)
      while (true) {
        yield* Effect.forEach(urls, wake, { discard: true })
        yield* store.driver.awaitBeyond(head)
        // Commits may come by the thousand: one look is for all that came together.
        yield* Effect.sleep(gatherMillis)
        head = yield* store.driver.head
        urls = yield* urlsToServe(store)
      }
    })

    if (options.runs !== false) {
      yield* Effect.forkScoped(
        work.pipe(orSay("The outbox", policy.firstWaitMillis), Effect.forever, Effect.interruptible)
      )
    }

    return Outbox.of({
      sync: Effect.fn("Outbox.sync")(function* (attemptId: string, caller: CallerOptions = {}) {
        const attempt = Option.getOrUndefined(yield* store.load(MaintenanceAttempts, attemptId))
        const url = attempt?.workspaceBackendUrl
        if (attempt === undefined || url === undefined) return attempt
        const dispatch = yield* dispatchOf(store, attempt)
        if (attempt.awaitsBackend === true && dispatch !== undefined) {
          yield* store.transact((transaction) =>
            transaction.execute(Dispatches, dispatch.id, { _tag: "TryNow", ...caller })
          )
          yield* targetOf(url).turn.withPermits(1)(sendUntil(store, url, dispatch.id, send))
        }
        const current = Option.getOrUndefined(yield* store.load(MaintenanceAttempts, attemptId))
        if (current?.awaitsBackend === true || current?.status !== "started") return current
        const transport = yield* Effect.option(transportTo(url, dispatch?.secretEnv))
        if (Option.isNone(transport)) return current
        yield* Effect.mapError(lookAt(store, transport.value, current), (error) =>
          error._tag === "Refusal" ? error.toFailure() : error
        )
        return Option.getOrUndefined(yield* store.load(MaintenanceAttempts, attemptId))
      })
    })
  })

/** The outbox as a layer. */
export const layer = (options: OutboxOptions): Layer.Layer<Outbox, never, Store> =>
  Layer.scoped(Outbox, make(options))

// --- internal ---

/** What is kept for one backend while the outbox is open. */
interface Target {
  /** One dispatch at a time. */
  readonly turn: Effect.Semaphore
  /** Open when there may be something to send. */
  readonly toSend: Effect.Latch
  /** Open when there may be runs to follow. */
  readonly toFollow: Effect.Latch
}

/** The way to a backend. A secret that is not there fails the try: it may be put right. */
const openTransport = (
  baseUrl: string,
  secretEnv: string | undefined,
  { variables, fetch }: OutboxOptions
): Effect.Effect<Transport.Transport, FailedTry> => {
  const secret = secretEnv === undefined ? undefined : variables[secretEnv]
  if (secretEnv !== undefined && (secret === undefined || secret === "")) {
    return Effect.fail({ _tag: "FailedTry", error: `The variable ${secretEnv} is not set`, isFinal: false })
  }
  return Effect.succeed(
    Transport.make({
      baseUrl,
      signsBody: true,
      retries: 0,
      ...(secret === undefined ? {} : { hmacSecret: Redacted.make(secret) }),
      ...(fetch === undefined ? {} : { fetch })
    })
  )
}

/** Sends what waits for a backend, oldest first, until this dispatch had its try, or one before it failed. */
const sendUntil = (
  store: typeof Store.Service,
  url: string,
  dispatchId: string,
  send: (url: string, isWanted: boolean) => Effect.Effect<number, StoreError | VersionConflict>
): Effect.Effect<void, StoreError | VersionConflict> =>
  Effect.gen(function* () {
    while (true) {
      const wanted = Option.getOrUndefined(yield* store.load(Dispatches, dispatchId))
      const oldest = yield* oldestFor(store, url)
      if (wanted?.status !== "pending" || oldest === undefined) return
      const waitMillis = yield* send(url, true)
      if (waitMillis > 0) {
        yield* Effect.sleep(waitMillis)
        continue
      }
      const after = Option.getOrUndefined(yield* store.load(Dispatches, oldest.id))
      if (oldest.id === dispatchId || after?.status === "pending") return
    }
  })

/** A store that refuses is told, and asked again after a while: what waits stays in it. */
const orSay = (what: string, waitMillis: number) =>
  Effect.catchAll((error: StoreError | VersionConflict) =>
    Effect.zipRight(Effect.logError(`${what} cannot go on`, error), Effect.sleep(waitMillis))
  )
