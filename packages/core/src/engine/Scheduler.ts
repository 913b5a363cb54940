/**
 * Gives queued runs to attempts: higher priority first, then older, within the limits.
 *
 * 1. At most `concurrency` attempts are under way, at most `concurrencyPerFlow` of one flow, and of a concurrency group
 *    at most what the run's plan says (1 when it names a key and no number).
 * 2. A run that its limits hold back does not hold back the runs behind it.
 * 3. Every commit to the log wakes the scheduler, and so does the time of the next retry: no wake-up is lost.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { RunId } from "../Ids.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { Store } from "../store/Store.ts"
import type { StopReason } from "./Attempt.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** How many queued runs one pass looks at before it waits for the next wake-up. */
const candidatesMax = 10_000

/** The pause after the store refused a pass, in milliseconds. */
const refusedPauseMillis = 1_000

interface Slot {
  readonly flowName: string
  readonly group: string | undefined
  readonly stop: Deferred.Deferred<StopReason>
  readonly fiber: Fiber.RuntimeFiber<void>
}

export interface Scheduler {
  /** Claims and runs until it is interrupted. Attempts under way outlive the interruption; `drain` ends them. */
  readonly loop: Effect.Effect<never>
  /** Whether this engine has an attempt of the run under way. */
  readonly isRunning: (runId: RunId) => boolean
  /** Tells the attempt of the run, if it is under way here, to stop. */
  readonly stop: (runId: RunId, reason: StopReason) => Effect.Effect<void>
  /** Waits for the attempts under way, for the grace period at most; then ends the rest as lost. */
  readonly drain: Effect.Effect<void>
}

/** Makes a scheduler that runs attempts with `runAttempt`. */
export const make = <E>(
  settings: EngineSettings,
  runAttempt: (runId: RunId, stop: Deferred.Deferred<StopReason>) => Effect.Effect<void, E>
) =>
  Effect.gen(function* () {
    const store = yield* Store
    const slots = new Map<RunId, Slot>()

    const isAllowed = (run: RunDocument): boolean => {
      const underWay = [...slots.values()]
      const ofFlow = underWay.filter(({ flowName }) => flowName === run.flowName).length
      const ofGroup = underWay.filter(({ group }) => group === run.concurrencyKey).length
      return (
        !slots.has(run.id) &&
        ofFlow < settings.concurrencyPerFlow &&
        (run.concurrencyKey === undefined || ofGroup < (run.plan.concurrency ?? 1))
      )
    }

    const start = Effect.fnUntraced(function* (run: RunDocument) {
      const stop = yield* Deferred.make<StopReason>()
      const attempt = runAttempt(run.id, stop).pipe(
        Effect.catchAll((error) => Effect.logWarning(`No attempt of run ${run.id} could be made`, error)),
        Effect.ensuring(Effect.sync(() => slots.delete(run.id)))
      )
      yield* Effect.uninterruptible(
        Effect.gen(function* () {
          const begin = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkDaemon(
            Effect.interruptible(Effect.zipRight(Deferred.await(begin), attempt))
          )
          slots.set(run.id, { flowName: run.flowName, group: run.concurrencyKey, stop, fiber })
          yield* Deferred.succeed(begin, undefined)
        })
      )
    })

    /** Starts what the limits allow, and gives the time of the next retry, if one is waiting. */
    const pass = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const retries = yield* store.list(Runs, { index: "retry", order: "ascending", limit: 500 })
      const due = retries.items.filter(({ retryAt = 0 }) => retryAt <= now)
      for (const run of due) {
        if (slots.size < settings.concurrency && isAllowed(run)) yield* start(run)
      }
      let cursor: string | undefined
      for (let looked = 0; looked < candidatesMax && slots.size < settings.concurrency; ) {
        const page = yield* store.list(Runs, {
          index: "ready",
          order: "ascending",
          limit: 100,
          ...(cursor === undefined ? {} : { cursor })
        })
        for (const run of page.items) {
          if (slots.size < settings.concurrency && isAllowed(run)) yield* start(run)
        }
        looked += page.items.length
        cursor = page.cursor
        if (cursor === undefined) break
      }
      return retries.items.find(({ retryAt = 0 }) => retryAt > now)?.retryAt
    })

    const loop = Effect.gen(function* () {
      const seen = yield* store.driver.head
      const nextRetryAt = yield* pass
      const changed = store.driver.awaitBeyond(seen)
      if (nextRetryAt === undefined) return yield* changed
      const now = yield* Clock.currentTimeMillis
      yield* Effect.raceFirst(changed, Effect.sleep(Math.max(0, nextRetryAt - now)))
    }).pipe(
      Effect.catchAll((error) =>
        Effect.zipRight(
          Effect.logError("The queue could not be read", error),
          Effect.sleep(refusedPauseMillis)
        )
      ),
      Effect.forever
    )

    const waitForAll = Effect.suspend(() =>
      Effect.forEach([...slots.values()], ({ fiber }) => Fiber.await(fiber), { discard: true })
    )

    const drain = Effect.gen(function* () {
      // Interruptible, because a finalizer is not, and a time-out has to interrupt what it bounds.
      yield* Effect.timeoutOption(Effect.interruptible(waitForAll), settings.shutdownGraceMillis)
      yield* Effect.forEach([...slots.values()], ({ stop }) => Deferred.succeed(stop, "lost"), {
        discard: true
      })
      yield* waitForAll
    })

    return {
      loop,
      isRunning: (runId) => slots.has(runId),
      stop: (runId, reason) =>
        Effect.suspend(() => {
          const slot = slots.get(runId)
          return slot === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(slot.stop, reason))
        }),
      drain
    } satisfies Scheduler
  })
