/**
 * Waiting without sleeping: a test that needs "until the engine has …" asks again after letting every other fiber take a
 * turn. Time stands still meanwhile, unless the test asks for it to move.
 */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { nextTurn } from "../internal/nextTurn.ts"

/** How many turns a condition is given before the test fails. */
export const turnsMax = 20_000

/** How many steps of the clock {@link untilLater} takes before the test fails. Each costs real milliseconds. */
export const stepsMax = 200

/**
 * Lets every fiber that can run take this many turns, and the event loop one for each {@link fiberTurns} of them. For "nothing
 * happens": the only way to see it is to give it time.
 */
export const turns = (count = 200): Effect.Effect<void> =>
  Effect.repeatN(
    Effect.zipRight(Effect.repeatN(Effect.yieldNow(), fiberTurns - 1), nextTurn),
    Math.ceil(count / fiberTurns) - 1
  )

/**
 * Asks until the answer fits, and gives it. Time does not move.
 *
 * Dies with the last answer when it does not fit after {@link turnsMax} turns.
 */
export const until = <A, E, R>(
  question: Effect.Effect<A, E, R>,
  fits: (answer: A) => boolean
): Effect.Effect<A, E, R> => ask(question, fits, Effect.yieldNow(), turnsMax)

/**
 * The same, while `TestClock` moves by `stepMillis` between two questions: for what needs time as well as turns, such as
 * a unit of work that runs again after a conflict.
 */
export const untilLater = <A, E, R>(
  stepMillis: number,
  question: Effect.Effect<A, E, R>,
  fits: (answer: A) => boolean
): Effect.Effect<A, E, R> => ask(question, fits, TestClock.adjust(stepMillis), stepsMax)

// --- internal ---

/** How many turns fibers take in one of the event loop. */
const fiberTurns = 20

const ask = <A, E, R>(
  question: Effect.Effect<A, E, R>,
  fits: (answer: A) => boolean,
  pause: Effect.Effect<void>,
  timesMax: number
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    let answer = yield* question
    for (let time = 0; !fits(answer); time++) {
      if (time === timesMax) {
        return yield* Effect.dieMessage(`After ${timesMax} turns it still is ${JSON.stringify(answer)}`)
      }
      yield* pause
      answer = yield* question
    }
    return answer
  })
