/** How far the log is, and who waits for it to go on. Drivers of one process share it; a stream per waiter would cost more than a commit. */
import * as Effect from "effect/Effect"

interface Waiter {
  readonly position: number
  readonly resume: () => void
}

export class Head {
  readonly #waiters = new Set<Waiter>()
  #position = 0

  constructor(position = 0) {
    this.#position = position
  }

  /** The position of the last fact; 0 when there is none. */
  get position(): number {
    return this.#position
  }

  /** Moves on, and wakes whoever waited for that. Call it after the commit, in position order. */
  advance(position: number): void {
    this.#position = position
    for (const waiter of [...this.#waiters]) {
      if (position <= waiter.position) continue
      this.#waiters.delete(waiter)
      waiter.resume()
    }
  }

  /** Returns when the head is beyond a position. */
  awaitBeyond(position: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.#position > position) return resume(Effect.void)
      const waiter = { position, resume: () => resume(Effect.void) }
      this.#waiters.add(waiter)
      return Effect.sync(() => void this.#waiters.delete(waiter))
    })
  }
}
