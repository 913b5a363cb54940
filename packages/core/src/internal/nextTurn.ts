/** A turn of the event loop. */
import * as Effect from "effect/Effect"

/**
 * Returns when the event loop has gone round: what has come in meanwhile over sockets and pipes was read, and everything that
 * follows at once from it was done. Costs some 10 µs where there is `setImmediate`; a timer is what is left elsewhere.
 */
export const nextTurn: Effect.Effect<void> =
  typeof setImmediate === "function"
    ? Effect.async<void>((resume) => {
        setImmediate(() => resume(Effect.void))
      })
    : Effect.sleep(0)
