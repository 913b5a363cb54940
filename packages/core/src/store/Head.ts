/** How far the log is, and who waits for it to go on. Drivers of one process share it; a stream per waiter would cost more than a commit. */
import * as Effect from "effect/Effect"

interface Waiter {
  readonly position: number
  readonly resume: () => void
}

/** The head of a log of this process: a driver keeps one, and calls `announce` after each commit. */
export class Head {
  readonly #waiters = new Set<Waiter>()

  /** `read` gives the position of the last fact; 0 when there is none. */
  constructor(readonly read: () => number) {}

  /** Wakes whoever waited for a position that is there now. Call it after each commit. */
  announce(): void {
    const position = this.read()
    for (const waiter of [...this.#waiters]) {
      if (position <= waiter.position) continue
      this.#waiters.delete(waiter)
      waiter.resume()
    }
  }

  /** Returns when the head is beyond a position. */
  awaitBeyond(position: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.read() > position) return resume(Effect.void)
      const waiter = { position, resume: () => resume(Effect.void) }
      this.#waiters.add(waiter)
      return Effect.sync(() => void this.#waiters.delete(waiter))
    })
  }
}
