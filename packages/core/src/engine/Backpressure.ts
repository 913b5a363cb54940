/**
 * The bound on the queue: an event that would queue runs is refused while so many wait already. How many wait is counted in
 * the store once a second at most; in between, what this engine has queued and claimed since is added and taken off.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import { encodeSortKey } from "../store/SortKey.ts"
import { Store } from "../store/Store.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** How long a count holds, in milliseconds; and how long a sender that was refused should wait. */
export const recountMillis = 1_000

/** How many runs beyond the bound a count looks at: more than that are not taken off the queue while a count holds. */
const countedBeyondMax = 10_000

/** So many runs wait already; nothing was recorded. Send the event again later: the same id makes sure that it counts once. */
export class QueueFull extends Schema.TaggedError<QueueFull>("patchmoi/QueueFull")("QueueFull", {
  /** How many runs wait, as far as they were counted. */
  queued: Schema.Int,
  queueMax: Schema.Int,
  retryAfterMillis: Schema.Int
}) {
  override get message() {
    return `${this.queued} runs wait already, and at most ${this.queueMax} may: send the event again in ${this.retryAfterMillis} ms`
  }
}

/**
 * The bound on the queue, as one engine keeps it; {@link make} gives one. Engines that share a store count each for
 * themselves: between two counts none sees what the others queue.
 */
export interface Backpressure {
  /** Brings the count up to date, when it is old. Before the unit of work. */
  readonly recount: Effect.Effect<void, StoreError>
  /** To be called when a unit of work begins that asks `admit`: what an earlier try of it was admitted counts no more. */
  readonly beginUnit: () => void
  /** Whether this many runs may be queued, after those that the unit of work was admitted before. Asked inside of it. */
  readonly admit: (runs: number) => Either.Either<void, QueueFull>
  /** Whether no run waits, as far as they were counted; not before they were. */
  readonly isEmpty: () => boolean
  /** Told how many runs this engine has queued. */
  readonly queued: (runs: number) => void
  /** Does what claims runs of the queue, and takes as many off the count as it has claimed. */
  readonly claiming: <A, E>(claim: Effect.Effect<A, E>, runsOf: (claimed: A) => number) => Effect.Effect<A, E>
}

/** Makes the bound over the store of the context. */
export const make = ({ queueMax }: EngineSettings) =>
  Effect.map(Store, ({ driver }): Backpressure => {
    let countedAt = Number.NEGATIVE_INFINITY
    let queued = 0
    let admitted = 0
    const count = driver.count(
      { view: Runs.name, index: "byStatus", prefix: encodeSortKey(["queued"]) },
      queueMax + countedBeyondMax
    )
    return {
      recount: Effect.flatMap(Clock.currentTimeMillis, (now) => {
        // A clock that was set back is no reason to trust an old count for longer.
        if (Math.abs(now - countedAt) < recountMillis) return Effect.void
        return Effect.map(count, (counted) => {
          countedAt = now
          queued = counted
        })
      }),
      beginUnit: () => {
        admitted = 0
      },
      admit: (runs) => {
        const waiting = queued + admitted
        if (waiting >= queueMax) {
          return Either.left(new QueueFull({ queued: waiting, queueMax, retryAfterMillis: recountMillis }))
        }
        admitted += runs
        return Either.void
      },
      isEmpty: () => queued === 0 && countedAt > Number.NEGATIVE_INFINITY,
      queued: (runs) => {
        queued += runs
      },
      claiming: (claim, runsOf) =>
        Effect.suspend(() => {
          const before = countedAt
          return Effect.map(claim, (claimed) => {
            // A count that was made meanwhile may have left them out already; it must not be too small.
            if (countedAt === before) queued = Math.max(0, queued - runsOf(claimed))
            return claimed
          })
        })
    }
  })
