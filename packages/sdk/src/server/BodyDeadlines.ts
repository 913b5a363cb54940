/**
 * Gives up bodies that take too long to arrive, however steadily they drip. One look a second is for all that are under way:
 * a timer of its own would cost a small body more than reading it.
 */
import * as Effect from "effect/Effect"
import { HttpFailure } from "./HttpFailure.ts"

/** Between two looks, in milliseconds: a body may take so much longer than the limit. */
export const deadlineLookMillis = 1_000

/** The limit, and the clock and the fibers of the server that has it. */
export interface BodyDeadlinesOptions {
  /** How long a body may take, in milliseconds. */
  readonly millisMax: number
  /** The time in milliseconds since the Unix epoch. */
  readonly nowMillis: () => number
  /** Runs the looks, which end by themselves when no body is under way. */
  readonly fork: (looks: Effect.Effect<void>) => void
}

/** The bodies of a server that are under way. */
export class BodyDeadlines {
  /** In the order of their deadlines. */
  readonly #pending = new Set<Pending>()
  #isLooking = false

  constructor(readonly options: BodyDeadlinesOptions) {}

  /** What is read, or a rejection with {@link HttpFailure} when it takes too long. */
  async inTime<A>(reading: Promise<A>): Promise<A> {
    const { millisMax, nowMillis, fork } = this.options
    const { promise: late, reject } = Promise.withResolvers<never>()
    const pending = { untilMillis: nowMillis() + millisMax, reject }
    this.#pending.add(pending)
    if (!this.#isLooking) {
      this.#isLooking = true
      fork(this.#looks)
    }
    try {
      return await Promise.race([reading, late])
    } finally {
      this.#pending.delete(pending)
    }
  }

  get #looks(): Effect.Effect<void> {
    const { millisMax } = this.options
    return Effect.sleep(Math.min(deadlineLookMillis, millisMax)).pipe(
      Effect.zipRight(Effect.sync(() => this.#giveUpLate())),
      Effect.repeat({ until: () => this.#pending.size === 0 }),
      Effect.ensuring(Effect.sync(() => (this.#isLooking = false))),
      Effect.asVoid
    )
  }

  #giveUpLate(): void {
    const { millisMax, nowMillis } = this.options
    const now = nowMillis()
    for (const { untilMillis, reject } of this.#pending) {
      if (untilMillis > now) return
      reject(new HttpFailure("RequestTimeout", `The body did not arrive within ${millisMax} ms`))
    }
  }
}

// --- internal ---

interface Pending {
  readonly untilMillis: number
  readonly reject: (failure: HttpFailure) => void
}
