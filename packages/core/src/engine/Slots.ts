/** The attempts that this engine has under way: each holds one of its slots from its claim until it has ended. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type { RunId } from "../Ids.ts"
import type { AttemptSignal, StopReason } from "./AttemptOutcomes.ts"

interface Slot {
  readonly stop: Deferred.Deferred<AttemptSignal>
  readonly fiber: Fiber.RuntimeFiber<void>
}

/**
 * The slots of one engine. Attempts run on its runtime: forked from each other as they take over slots, each would keep what
 * those before it had in their fibers.
 */
export class Slots {
  readonly #slots = new Map<RunId, Slot>()
  /** Runs that are being claimed. */
  readonly #claiming = new Set<RunId>()
  #reserved = 0
  #stopping: StopReason | undefined

  constructor(
    /** How many attempts may be under way. */
    readonly concurrency: number,
    readonly runtime: Runtime.Runtime<never>
  ) {}

  /** Sets aside up to so many free slots for runs that are about to be claimed, and gives how many; to be given back by `release`. */
  reserve(wanted: number): number {
    const granted = Math.max(0, Math.min(wanted, this.concurrency - this.#slots.size - this.#reserved))
    this.#reserved += granted
    return granted
  }

  /** Gives back what `reserve` gave: what was claimed has started, or nothing will. */
  release(granted: number): void {
    this.#reserved -= granted
  }

  /** Whether an attempt of the run is under way here, or about to be. */
  has(runId: RunId): boolean {
    return this.#slots.has(runId) || this.#claiming.has(runId)
  }

  /** How many runs are being claimed: until their commit the store has them as ready. */
  claimingCount(): number {
    return this.#claiming.size
  }

  /** Does what claims these runs; meanwhile nobody else here does. */
  claiming<A, E>(runIds: ReadonlyArray<RunId>, work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      for (const runId of runIds) this.#claiming.add(runId)
      const done = Effect.sync(() => {
        for (const runId of runIds) this.#claiming.delete(runId)
      })
      return Effect.ensuring(work, done)
    })
  }

  /** Starts an attempt, in a fiber that outlives the caller; `onFree` runs when its slot is free again. */
  start(
    runId: RunId,
    attempt: (stop: Deferred.Deferred<AttemptSignal>) => Effect.Effect<void>,
    onFree: Effect.Effect<void>
  ): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.gen(this, function* () {
        const stop = yield* Deferred.make<AttemptSignal>()
        if (this.#stopping !== undefined) yield* Deferred.succeed(stop, this.#stopping)
        const begin = yield* Deferred.make<void>()
        const free = Effect.suspend(() => {
          this.#slots.delete(runId)
          return onFree
        })
        // The engine may have been made where nothing may be interrupted, and its runtime with it.
        const fiber = Runtime.runFork(this.runtime)(
          Effect.ensuring(Effect.interruptible(Effect.zipRight(Deferred.await(begin), attempt(stop))), free)
        )
        this.#slots.set(runId, { stop, fiber })
        yield* Deferred.succeed(begin, undefined)
      })
    )
  }

  /** Tells the attempt of the run, if it is under way here, to stop. */
  stop(runId: RunId, reason: StopReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      const slot = this.#slots.get(runId)
      return slot === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(slot.stop, reason))
    })
  }

  /** Tells every attempt to stop, also those that start later. */
  stopAll(reason: StopReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#stopping = reason
      return Effect.forEach([...this.#slots.values()], ({ stop }) => Deferred.succeed(stop, reason), {
        discard: true
      })
    })
  }

  /** Returns when every attempt that is under way has ended, with those that took over the slot of one. */
  readonly waitForAll: Effect.Effect<void> = Effect.suspend(() =>
    this.#slots.size === 0
      ? Effect.void
      : Effect.zipRight(
          Effect.forEach([...this.#slots.values()], ({ fiber }) => Fiber.await(fiber), { discard: true }),
          this.waitForAll
        )
  )
}
