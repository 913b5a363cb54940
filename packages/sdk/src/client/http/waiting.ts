/** How long to wait before a request is sent again. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Trouble } from "./trouble.ts"

/** Longest wait that a server may ask for, in milliseconds; with a longer one the caller is told at once. */
export const retryAfterMillisMax = 60_000

/** The first wait, in milliseconds; each one after it is twice as long. */
const firstWaitMillis = 100

/** Longest wait that the server did not ask for, in milliseconds. */
const waitMillisMax = 5_000

/** The wait after this many tries; undefined when the server asks for a longer one than is waited for. */
export const waitMillisBefore = (
  { afterMillis }: Pick<Trouble, "afterMillis">,
  tried: number
): Effect.Effect<number | undefined> => {
  if (afterMillis !== undefined && afterMillis > retryAfterMillisMax) return noWait
  const grown = Math.min(waitMillisMax, firstWaitMillis * 2 ** Math.min(tried - 1, 16))
  // Jitter, so that clients that failed together do not come back together. Never before the time that was asked for.
  return Effect.map(Random.next, (random) => (afterMillis ?? 0) + Math.ceil(grown * (0.5 + random / 2)))
}

// --- internal ---

const noWait: Effect.Effect<number | undefined> = Effect.succeed<number | undefined>(undefined)
