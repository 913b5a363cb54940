/**
 * Gives queued runs to attempts, as `RunQueue.ts` orders them.
 *
 * 1. At most `concurrency` attempts are under way in this engine; over all engines of a store at most what the limits of a
 *    run allow (`limit/Limits.ts`).
 * 2. Every commit to the log wakes the scheduler, so does every slot that becomes free, and so does the time of the next
 *    retry: no wake-up is lost.
 * 3. All free slots are given away in one claim, which is one commit; an attempt without limits hands its slot over in the
 *    commit that ends it.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Queue from "effect/Queue"
import type { RunId } from "../Ids.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { AttemptSignal, StopReason } from "./AttemptOutcomes.ts"
import type { Backpressure } from "./Backpressure.ts"
import type { Claim, ClaimedRun } from "./Claim.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import type { RunQueue } from "./RunQueue.ts"
import type { Slots } from "./Slots.ts"
import { type HandingOver, makeStartingNow, type StartingNow } from "./StartingNow.ts"

/** The pause after the store refused a pass or an attempt, in milliseconds. */
const refusedPauseMillis = 1_000

/** Claims queued runs and keeps their attempts under way; {@link make} gives one. It starts nothing before `loop` runs. */
export interface Scheduler {
  /** Starts runs in the commit that queues them, while slots are free; see `StartingNow.ts`. */
  readonly startingNow: StartingNow
  /** Claims and runs until it is interrupted. Attempts under way outlive the interruption; `drain` ends them. */
  readonly loop: Effect.Effect<never>
  /** Has the queue looked at again, for a reason that is no commit. */
  readonly wake: Effect.Effect<void>
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
    stop: Deferred.Deferred<AttemptSignal>,
    handingOver: HandingOver
  ) => Effect.Effect<void, StoreError>
  /** Does what takes runs off the queue, and counts them. */
  readonly claiming: Backpressure["claiming"]
  /** Whether no run waits, as far as is known without a look. */
  readonly isQueueEmpty: () => boolean
}

/** Makes a scheduler. */
export const make = (parts: SchedulerParts) =>
  Effect.gen(function* () {
    const store = yield* Store
    const { settings, slots } = parts
    const wakeUps = yield* Queue.sliding<void>(1)
    const wake = Effect.asVoid(Queue.offer(wakeUps, undefined))
    const hurry = yield* Deferred.make<void>()
    const passing = yield* Effect.makeSemaphore(1)
    let isStopping = false
    let isWorking = false

    const start = (claimed: ClaimedRun): Effect.Effect<void> =>
      slots.start(claimed.run.id, (stop) => attemptOf(parts, claimed, stop, handingOverFrom(claimed)), wake)

    /** What is claimed has to be started, also when the engine stops meanwhile. */
    const claimAndStart = (runIds: ReadonlyArray<RunId>) =>
      Effect.uninterruptible(
        Effect.gen(function* () {
          const claim = slots.claiming(runIds, parts.claim.all(runIds))
          const claimed = yield* parts.claiming(claim, ({ length }) => length)
          yield* Effect.forEach(claimed, start, { discard: true })
        })
      )

    const startingNow = makeStartingNow({ store, claim: parts.claim, start })
    const mayStart = (): boolean => isWorking && !isStopping

    /**
     * The run that takes over a slot. None after an attempt under limits: its places go to whoever is next, in any engine. A
     * queue that cannot be read is met again by the next pass.
     */
    const pickNext = ({ attempt: { limits } }: ClaimedRun): Effect.Effect<ReadonlyArray<RunId>> =>
      limits !== undefined || !mayStart() || parts.isQueueEmpty()
        ? Effect.succeed([])
        : Effect.orElseSucceed(
            Effect.map(parts.queue.pick(1), ({ runIds }) => runIds),
            () => []
          )

    const takingOver = startingNow({ reserve: () => (mayStart() ? 1 : 0), release: () => undefined })

    const handingOverFrom =
      (claimed: ClaimedRun): HandingOver =>
      (work) =>
        Effect.flatMap(
          Effect.suspend(() => pickNext(claimed)),
          (runIds) => {
            const ending = takingOver((claimNow) =>
              work((unit, decided) => {
                claimNow(unit, Either.isRight(decided) ? runIds : [])
                return decided
              })
            )
            return parts.claiming(slots.claiming(runIds, ending), ([, started]) => started)
          }
        ).pipe(Effect.map(([value]) => value))

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
      if (nextRetryAt === undefined) yield* Queue.take(wakeUps)
      else {
        const now = yield* Clock.currentTimeMillis
        yield* Effect.raceFirst(Queue.take(wakeUps), Effect.sleep(Math.max(0, nextRetryAt - now)))
      }
      yield* nextTurn
    })

    /** Wakes the scheduler after each commit: queued runs come in by any of them. */
    const watchLog = Effect.gen(function* () {
      let seen = yield* store.driver.head
      // What was committed before this look, as while one failed, was told to nobody.
      yield* wake
      while (true) {
        yield* store.driver.awaitBeyond(seen)
        yield* nextTurn
        seen = yield* store.driver.head
        yield* wake
      }
    })

    /** Returns when no pass is under way and none will claim anything. */
    const stopClaiming = Effect.suspend(() => {
      isStopping = true
      return passing.withPermits(1)(Effect.void)
    })

    const endAll = Effect.zipRight(slots.stopAll("stopped"), slots.waitForAll)

    const startNow = startingNow({
      reserve: (wanted) => (mayStart() ? slots.reserve(wanted) : 0),
      release: (granted) => slots.release(granted)
    })

    return {
      loop: Effect.suspend(() => {
        isWorking = true
        return Effect.raceFirst(forever(watchLog), forever(schedule))
      }),
      // A commit that failed gives its slots back, and is no commit that would wake.
      startingNow: (work) => Effect.tapErrorCause(startNow(work), () => wake),
      wake,
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

/** One turn of the event loop: who waits for what was committed goes first, and what comes meanwhile is looked at with it. */
const nextTurn = Effect.sleep(0)

const attemptOf = (
  { runAttempt }: SchedulerParts,
  claimed: ClaimedRun,
  stop: Deferred.Deferred<AttemptSignal>,
  handingOver: HandingOver
): Effect.Effect<void> =>
  runAttempt(claimed, stop, handingOver).pipe(
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
