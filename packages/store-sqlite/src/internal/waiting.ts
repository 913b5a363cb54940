/** How this process waits for another one: the thread a moment at most, the fiber for as long as it takes. */
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isBusy, storeError } from "./sqliteError.ts"

/** How long SQLite itself waits for a lock, in milliseconds. The thread stands still meanwhile, and every fiber with it. */
export const busyTimeoutMillis = 50

/** Longest wait between two tries, in milliseconds. */
const retryMillisMax = 25

/** How long a lock may be held by others before that is an error, in milliseconds. */
export const busyMillisMax = 60_000

/** When to try again after a lock was found taken: soon, then every {@link retryMillisMax}, for {@link busyMillisMax}. */
export const busySchedule = Schedule.jittered(
  Schedule.union(Schedule.exponential("1 millis", 2), Schedule.spaced(retryMillisMax))
).pipe(Schedule.upTo(busyMillisMax))

/** Waits by the clock of the machine, as other processes do: a clock that a test has stopped says nothing about them. */
export const inRealTime: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =
  Effect.withClock(Clock.make())

/** What was thrown by a piece of database work. */
export class Refused extends Data.TaggedError("Refused")<{ readonly thrown: unknown }> {}

/** Runs a synchronous piece of database work, again while another connection is in the way. */
export const patiently = <A>(run: () => A): Effect.Effect<A, Refused> =>
  Effect.try({ try: run, catch: (thrown) => new Refused({ thrown }) }).pipe(
    Effect.retry({ while: ({ thrown }) => isBusy(thrown), schedule: busySchedule }),
    inRealTime
  )

/** The same for the parts of a driver. `operation` completes the sentence "The store could not …". */
export const storing = <A>(operation: string, run: () => A): Effect.Effect<A, StoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run())
    } catch (error) {
      if (!isBusy(error)) return Effect.fail(storeError(operation, error))
      // Only now: an effect with a schedule costs more than most statements.
      return Effect.mapError(patiently(run), ({ thrown }) => storeError(operation, thrown))
    }
  })
