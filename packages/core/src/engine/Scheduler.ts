/**
 * Gives queued runs to attempts, as `RunQueue.ts` orders them.
 *
 * 1. At most `concurrency` attempts are under way in this engine; over all engines of a store at most what the limits of a
 *    run allow (`limit/Limits.ts`).
 * 2. Every commit to the log wakes the scheduler, so does every slot that becomes free, and so does the time of the next
 *    retry: no wake-up is lost.
 * 3. All free slots are given away in one claim, which is one commit.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { RunId } from "../Ids.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { AttemptSignal, StopReason } from "./AttemptOutcomes.ts"
import type { Claim, ClaimedRun } from "./Claim.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import type { RunQueue } from "./RunQueue.ts"
import type { Slots } from "./Slots.ts"

/** The pause after the store refused a pass or an attempt, in milliseconds. */
const refusedPauseMillis = 1_000

/**
 * Claims runs in the unit of work that queues them, as far as slots are free. To be called each time that the unit runs, with
 * none where it queued none: what an earlier try claimed is then forgotten, as the try itself.
 */
export type ClaimNow = (unit: Unit, runIds: ReadonlyArray<RunId>) => void

export interface Scheduler {
  /**
   * Does a unit of work whose runs may be claimed in it, and starts those that were: no second commit, and no turn of the
   * queue. For runs that nothing waits before. Gives what the unit gave and how many were claimed.
   */
  readonly startingNow: <A, E>(
    work: (claimNow: ClaimNow) => Effect.Effect<A, E>
  ) => Effect.Effect<readonly [A, number], E>
  /** Claims and runs until it is interrupted. Attempts under way outlive the interruption; `drain` ends them. */
  readonly loop: Effect.Effect<never>
  /** Tells the attempt of the run, if it is under way here, to stop. */
  readonly stop: (runId: RunId, reason: StopReason) => Effect.Effect<void>
  /** Claims nothing more, waits for the attempts under way, for the grace period at most; then ends the rest as lost. */
  readonly drain: Effect.Effect<void>
  /** Claims nothing more and ends the attempts under way as lost at once; a drain that waits ends with it. */
  readonly stopNow: Effect.Effect<void>
}

/** What a scheduler works with. */
export interface SchedulerParts {
  readonly settings: EngineSettings
  readonly queue: RunQueue
  readonly slots: Slots
  readonly claim: Claim
  readonly runAttempt: (
    claimed: ClaimedRun,
    stop: Deferred.Deferred<AttemptSignal>
  ) => Effect.Effect<void, StoreError>
  /** Told how many runs left the queue. */
  readonly onClaimed: (count: number) => void
}

/** Makes a scheduler. */
export const make = (parts: SchedulerParts) =>
  Effect.gen(function* () {
    const store = yield* Store
    const { settings, slots } = parts
    const wake = yield* Queue.sliding<void>(1)
    const hurry = yield* Deferred.make<void>()
    const passing = yield* Effect.makeSemaphore(1)
    let isStopping = false
    let isWorking = false

    const start = (claimed: ClaimedRun): Effect.Effect<void> =>
      slots.start(
        claimed.run.id,
        (stop) => attemptOf(parts, claimed, stop),
        Effect.asVoid(Queue.offer(wake, undefined))
      )

    const startAll = (claimed: ReadonlyArray<ClaimedRun>) => Effect.forEach(claimed, start, { discard: true })

    /** What is claimed has to be started, also when the engine stops meanwhile. */
    const claimAndStart = (runIds: ReadonlyArray<RunId>) =>
      Effect.uninterruptible(
        Effect.gen(function* () {
          const claimed = yield* parts.claim.all(runIds)
          parts.onClaimed(claimed.length)
          yield* startAll(claimed)
        })
      )

    /** A commit that failed may have been written all the same: what it claimed is this engine's to run. */
    const startWritten = (claimed: ReadonlyArray<ClaimedRun>): Effect.Effect<void> =>
      Effect.forEach(
        claimed,
        ({ run, attempt }) =>
          Effect.flatMap(Effect.option(store.load(Runs, run.id)), (found) => {
            const current = Option.getOrUndefined(Option.flatten(found))
            const isWritten = current?.attempts.at(-1)?.leaseToken === attempt.leaseToken
            return isWritten ? start({ run, attempt }) : Effect.void
          }),
        { discard: true }
      )

    const startingNow: Scheduler["startingNow"] = (work) =>
      Effect.suspend(() => {
        let reserved = 0
        let claimed: Array<ClaimedRun> = []
        const giveBack = (): void => {
          slots.release(reserved)
          reserved = 0
          claimed = []
        }
        const claimNow: ClaimNow = (unit, runIds) => {
          giveBack()
          if (isStopping || !isWorking) return
          reserved = slots.reserve(runIds.length)
          claimed = runIds.slice(0, reserved).flatMap((runId) => parts.claim.one(unit, runId) ?? [])
        }
        // Whoever asked may go away; what was claimed is started all the same.
        return work(claimNow).pipe(
          Effect.tap(() => startAll(claimed)),
          Effect.tapError(() => startWritten(claimed)),
          Effect.map((value) => [value, claimed.length] as const),
          Effect.ensuring(Effect.sync(() => slots.release(reserved))),
          Effect.uninterruptible,
          Effect.disconnect
        )
      })

    /** Starts what the limits allow, and gives the time of the next retry, if one is waiting. */
    const pass = passing.withPermits(1)(
      Effect.acquireUseRelease(
        Effect.sync(() => (isStopping ? 0 : slots.reserve(Number.POSITIVE_INFINITY))),
        (free) =>
          Effect.gen(function* () {
            if (free === 0) return undefined
            const { runIds, nextRetryAt } = yield* parts.queue.pick(free)
            if (runIds.length > 0) yield* claimAndStart(runIds)
            return nextRetryAt
          }),
        (free) => Effect.sync(() => slots.release(free))
      )
    )

    const schedule = Effect.gen(function* () {
      const nextRetryAt = yield* pass
      if (nextRetryAt === undefined) return yield* Queue.take(wake)
      const now = yield* Clock.currentTimeMillis
      yield* Effect.raceFirst(Queue.take(wake), Effect.sleep(Math.max(0, nextRetryAt - now)))
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

    /** Returns when no pass is under way and none will claim anything. */
    const stopClaiming = Effect.suspend(() => {
      isStopping = true
      return passing.withPermits(1)(Effect.void)
    })

    const endAll = Effect.zipRight(slots.stopAll("stopped"), slots.waitForAll)

    return {
      loop: Effect.suspend(() => {
        isWorking = true
        return Effect.raceFirst(forever(watchLog), forever(schedule))
      }),
      startingNow,
      stop: (runId, reason) => slots.stop(runId, reason),
      drain: Effect.gen(function* () {
        yield* stopClaiming
        const waited = Effect.raceFirst(slots.waitForAll, Deferred.await(hurry))
        // Interruptible, because a finalizer is not, and a time-out has to interrupt what it bounds.
        yield* Effect.timeoutOption(Effect.interruptible(waited), settings.shutdownGraceMillis)
        yield* endAll
      }),
      stopNow: Effect.gen(function* () {
        yield* Deferred.succeed(hurry, undefined)
        yield* slots.stopAll("stopped")
        yield* stopClaiming
        yield* endAll
      })
    } satisfies Scheduler
  })

// --- internal ---

const attemptOf = (
  { runAttempt }: SchedulerParts,
  claimed: ClaimedRun,
  stop: Deferred.Deferred<AttemptSignal>
): Effect.Effect<void> =>
  runAttempt(claimed, stop).pipe(
    Effect.catchAll((error) =>
      Effect.zipRight(
        Effect.logWarning(`The attempt of run ${claimed.run.id} was given up`, error),
        // A free slot would try the next run at once, against the same store.
        Effect.asVoid(Effect.raceFirst(Deferred.await(stop), Effect.sleep(refusedPauseMillis)))
      )
    ),
    Effect.tapDefect((cause) => Effect.logError(`The attempt of run ${claimed.run.id} broke down`, cause))
  )

const forever = (work: Effect.Effect<void, StoreError | VersionConflict>): Effect.Effect<never> =>
  Effect.forever(
    Effect.catchAll(work, (error) =>
      Effect.zipRight(
        Effect.logError("The queue could not be worked on", error),
        Effect.sleep(refusedPauseMillis)
      )
    )
  )
