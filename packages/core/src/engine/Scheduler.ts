/**
 * Gives queued runs to attempts: higher priority first, then older, within the limits.
 *
 * 1. At most `concurrency` attempts are under way, at most `concurrencyPerFlow` of one flow, and of a concurrency group
 *    at most what the run's plan says (1 when it names a key and no number).
 * 2. A run that its limits hold back does not hold back the runs behind it.
 * 3. Every commit to the log wakes the scheduler, so does every slot that becomes free, and so does the time of the next
 *    retry: no wake-up is lost.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type { RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { RunRejection } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import type { CursorInvalid } from "../store/Cursor.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { AttemptSignal, StopReason } from "./AttemptOutcomes.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** How many queued runs one pass looks at before it waits for the next wake-up. */
const candidatesMax = 10_000

/** How many queued runs are read at a time. */
const pageSize = 100

/** The pause after the store refused a pass or an attempt, in milliseconds. */
const refusedPauseMillis = 1_000

interface Slot {
  readonly flowName: string
  readonly group: string | undefined
  readonly stop: Deferred.Deferred<AttemptSignal>
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
export const make = (
  settings: EngineSettings,
  runAttempt: (
    runId: RunId,
    stop: Deferred.Deferred<AttemptSignal>
  ) => Effect.Effect<void, RunRejection | StoreError | VersionConflict>
) =>
  Effect.gen(function* () {
    const store = yield* Store
    const slots = new Map<RunId, Slot>()
    const wake = yield* Queue.sliding<void>(1)

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
      const stop = yield* Deferred.make<AttemptSignal>()
      const attempt = runAttempt(run.id, stop).pipe(
        Effect.catchTag("RunNotReady", ({ message }) => Effect.logDebug(message)),
        Effect.catchAll((error) =>
          Effect.zipRight(
            Effect.logWarning(`The attempt of run ${run.id} was given up`, error),
            // A free slot would try again at once.
            Effect.asVoid(Effect.raceFirst(Deferred.await(stop), Effect.sleep(refusedPauseMillis)))
          )
        ),
        Effect.tapDefect((cause) => Effect.logError(`The attempt of run ${run.id} broke down`, cause)),
        Effect.ensuring(
          Effect.suspend(() => {
            slots.delete(run.id)
            return Queue.offer(wake, undefined)
          })
        )
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

    /** Looks at queued runs in the order of an index, page by page, until `visit` has seen enough. */
    const scan = Effect.fnUntraced(function* (
      index: "ready" | "retry",
      visit: (run: RunDocument) => Effect.Effect<"go on" | "enough">
    ) {
      let cursor: string | undefined
      for (let looked = 0; looked < candidatesMax; ) {
        const options = withoutUndefined({ index, order: "ascending", limit: pageSize, cursor })
        const page = yield* store.list(Runs, options)
        for (const run of page.items) {
          if ((yield* visit(run)) === "enough") return
        }
        looked += page.items.length
        cursor = page.cursor
        if (cursor === undefined) return
      }
    })

    const isFull = (): boolean => slots.size >= settings.concurrency

    const offer = (run: RunDocument): Effect.Effect<void> =>
      isFull() || !isAllowed(run) ? Effect.void : start(run)

    /** Starts what the limits allow, and gives the time of the next retry, if one is waiting. */
    const pass = Effect.gen(function* () {
      if (isFull()) return undefined
      const now = yield* Clock.currentTimeMillis
      const due: Array<RunDocument> = []
      let nextRetryAt: number | undefined
      yield* scan("retry", (run) =>
        Effect.sync(() => {
          if (run.retryAt === undefined || run.retryAt <= now) {
            due.push(run)
            return "go on"
          }
          nextRetryAt = run.retryAt
          return "enough"
        })
      )
      due.sort(byPriorityThenAge)
      let next = 0
      yield* scan("ready", (run) =>
        Effect.gen(function* () {
          for (
            let retry = due[next];
            retry !== undefined && byPriorityThenAge(retry, run) < 0;
            retry = due[++next]
          ) {
            yield* offer(retry)
          }
          yield* offer(run)
          return isFull() ? "enough" : "go on"
        })
      )
      yield* Effect.forEach(due.slice(next), offer, { discard: true })
      return nextRetryAt
    })

    /** Wakes the scheduler after each commit: queued runs come in by any of them. */
    const watchLog = Effect.gen(function* () {
      let seen = yield* store.driver.head
      while (true) {
        yield* store.driver.awaitBeyond(seen)
        seen = yield* store.driver.head
        yield* Queue.offer(wake, undefined)
      }
    })

    const schedule = Effect.gen(function* () {
      const nextRetryAt = yield* pass
      if (nextRetryAt === undefined) return yield* Queue.take(wake)
      const now = yield* Clock.currentTimeMillis
      yield* Effect.raceFirst(Queue.take(wake), Effect.sleep(Math.max(0, nextRetryAt - now)))
    })

    const forever = (work: Effect.Effect<void, StoreError | CursorInvalid>): Effect.Effect<never> =>
      Effect.forever(
        Effect.catchAll(work, (error) =>
          Effect.zipRight(
            Effect.logError("The queue could not be read", error),
            Effect.sleep(refusedPauseMillis)
          )
        )
      )

    const loop = Effect.raceFirst(forever(watchLog), forever(schedule))

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

// --- internal ---

const byPriorityThenAge = (left: RunDocument, right: RunDocument): number =>
  right.plan.priority - left.plan.priority || (left.createdAt < right.createdAt ? -1 : 1)
