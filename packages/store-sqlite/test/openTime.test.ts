/**
 * Goal: opening does not depend on how long the log is. Method: a store with 1,000 facts and a large one, each opened
 * many times in turn; `TEST_LONG=1` fills the large one with 1,000,000 facts, otherwise with 30,000.
 */
import { expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { commitOf, open, temporaryFolder } from "./support.ts"

const largeFacts = process.env["TEST_LONG"] === "1" ? 1_000_000 : 30_000
const smallFacts = 1_000
const rounds = 11

/** How much longer the large store may take, in milliseconds. */
const differenceMillisMax = 50

it.live(
  `a store with ${largeFacts} facts opens as one with ${smallFacts} does`,
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const fileOf = (facts: number): string => `${folder}/${facts}.db`
      for (const facts of [smallFacts, largeFacts]) yield* fill(fileOf(facts), facts)
      const times = new Map<number, Array<number>>()
      for (let round = 0; round < rounds; round++) {
        for (const facts of [smallFacts, largeFacts]) {
          const startedAt = performance.now()
          const head = yield* Effect.scoped(Effect.flatMap(open(fileOf(facts)), (driver) => driver.head))
          times.set(facts, [...(times.get(facts) ?? []), performance.now() - startedAt])
          expect(head).toBe(facts)
        }
      }
      const median = (facts: number): number =>
        times.get(facts)?.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN
      expect(median(largeFacts) - median(smallFacts)).toBeLessThan(differenceMillisMax)
    }),
  600_000
)

// --- internal ---

/** Facts of one stream in a row: a store of one commit for each thousand. */
const fill = (filename: string, facts: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const driver = yield* open(filename, { synchronous: "normal" })
      for (let first = 1; first <= facts; first += 1_000) {
        yield* driver.commit(commitOf(`account/${first}`, 1, 1_000))
      }
    })
  )
