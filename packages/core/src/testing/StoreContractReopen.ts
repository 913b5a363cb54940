/** The contract of a store that outlives its process: opened again, it is as it was left. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Driver } from "../store/Driver.ts"
import { make as makeStore } from "../store/Store.ts"
import { it } from "./effectTest.ts"
import { accounts, credited, encoded, opened, statusChanged } from "./StoreContractLedger.ts"

/** Makes the place of a store and gives what opens it. */
type MakePlace = Effect.Effect<Effect.Effect<Driver, never, Scope.Scope>, never, Scope.Scope>

/** More rows than the test writes. */
const rowsMax = 10_000

/** Holds a store to this: opened again it has the same facts, documents, lists and output, and its positions go on. */
export const reopenContract = (place: MakePlace): void =>
  describe("opened again", () => {
    it.live("facts, documents, lists and output are as they were, and writing goes on", () =>
      Effect.gen(function* () {
        const open = yield* place
        const look = (driver: Driver) =>
          Effect.gen(function* () {
            const store = makeStore(driver)
            return {
              head: yield* driver.head,
              rows: yield* driver.readAfter(0, rowsMax),
              stream: yield* driver.readStream("account/k3", 1, 10),
              list: yield* store.list(accounts, { index: "byStatus", limit: 7 }),
              ranks: yield* store.list(accounts, { index: "byRank", order: "ascending" }),
              unknown: yield* driver.load("planet", "x", "planet/x"),
              output: yield* driver.outputs.read("attempt", 0, 10)
            }
          })
        const left = yield* Effect.scoped(
          Effect.gen(function* () {
            const driver = yield* open
            const store = makeStore(driver)
            for (let index = 0; index < 12; index++) {
              yield* store.transact((unit) =>
                unit.execute(accounts, `k${index}`, [
                  opened(`${index}`, "open", index),
                  credited(index, "\u2028é\n")
                ])
              )
            }
            yield* store.transact((unit) => unit.execute(accounts, "k3", [statusChanged("closed")]))
            yield* driver.commit({
              expected: [],
              documents: [],
              facts: [encoded("planet/x", 1, "Formed", {})]
            })
            const record = { sequence: 0, offset: 0, bytes: 2, stream: "stdout", at: 1, text: "hi" } as const
            yield* driver.outputs.append("attempt", [record], undefined, undefined)
            return yield* look(driver)
          })
        )
        expect(left.head).toBe(26)
        const driver = yield* open
        expect(yield* look(driver)).toEqual(left)
        yield* makeStore(driver).transact((unit) => unit.execute(accounts, "k3", [credited(1)]))
        expect(yield* driver.head).toBe(27)
      })
    )
  })
