/** The half of an engine that executes: the queue, the slots, the scheduler over them, and recovery beside it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { RunId } from "../Ids.ts"
import * as Attempt from "./Attempt.ts"
import type { Backpressure } from "./Backpressure.ts"
import * as Claim from "./Claim.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import * as Recovery from "./Recovery.ts"
import * as RunQueue from "./RunQueue.ts"
import * as Scheduler from "./Scheduler.ts"
import { Slots } from "./Slots.ts"

/** What a worker works with. */
export interface WorkerParts {
  readonly settings: EngineSettings
  readonly dispatcher: Dispatcher
  /** The runs that were queued through this engine, when it claims no others. */
  readonly own: Set<RunId>
  readonly isOwn: (runId: RunId) => boolean
  readonly claiming: Backpressure["claiming"]
  /** Whether no run waits, as far as is known without a look. */
  readonly isQueueEmpty: () => boolean
}

/** Makes a worker. It does nothing before `run`. */
export const makeWorker = ({ settings, dispatcher, own, isOwn, claiming, isQueueEmpty }: WorkerParts) =>
  Effect.gen(function* () {
    const slots = new Slots(settings.concurrency, yield* Effect.runtime())
    const scheduler = yield* Scheduler.make({
      settings,
      slots,
      claiming,
      isQueueEmpty,
      queue: yield* settings.claims === "all"
        ? RunQueue.makeAll(settings, slots)
        : RunQueue.makeOwn(settings, own, slots),
      claim: yield* Claim.make(dispatcher, settings),
      runAttempt: yield* Attempt.make(dispatcher, settings)
    })
    const recover = yield* Recovery.make(dispatcher, settings, (runId) => slots.has(runId) || !isOwn(runId))
    const watch = Effect.forever(
      Effect.zipRight(
        Effect.sleep(Recovery.recoveryMillis(settings)),
        // Also what is a bug: without recovery, what is lost stays lost.
        Effect.catchAllCause(recover, (cause) =>
          Cause.isInterrupted(cause) ? Effect.interrupt : Effect.logError("Recovery failed", cause)
        )
      )
    )
    // Nobody waits for these fibers: one that broke down would be missed by nobody.
    const told = (cause: Cause.Cause<unknown>) =>
      Effect.logError("The engine broke down and runs nothing more; start it again", cause)
    /** Recovers what is lost, then works until the scope closes, which drains. */
    const run = Effect.zipRight(
      recover,
      Effect.acquireRelease(
        // An acquisition is uninterruptible, and what it forks would be too.
        Effect.forEach([scheduler.loop, watch], (fiber) =>
          Effect.forkDaemon(Effect.interruptible(Effect.tapDefect(fiber, told)))
        ),
        (fibers) => Effect.zipRight(Fiber.interruptAll(fibers), scheduler.drain)
      )
    )
    return {
      run,
      recover,
      startingNow: scheduler.startingNow,
      wake: scheduler.wake,
      stop: scheduler.stop,
      drain: scheduler.drain,
      stopNow: scheduler.stopNow
    }
  })
