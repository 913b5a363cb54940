import { Database } from "bun:sqlite"
import { describe, expect } from "bun:test"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { accounts, credited, opened } from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { verify } from "../src/LogMaintenance.ts"
import { commitOf, open, temporaryFile } from "./support.ts"

/** A database with accounts and a stream that nobody knows, closed. */
const filled = Effect.gen(function* () {
  const filename = yield* temporaryFile
  yield* Effect.scoped(
    Effect.gen(function* () {
      const store = makeStore(yield* open(filename))
      for (let index = 0; index < 300; index++) {
        yield* store.transact((unit) =>
          unit.execute(accounts, `k${index}\ud800`, [opened(`${index}`, "open", index), credited(index)])
        )
      }
      yield* store.driver.commit(commitOf("planet/x", 1, 1_200))
    })
  )
  return filename
})

describe("verify", () => {
  it.live("a whole database is whole, also while somebody writes", () =>
    Effect.gen(function* () {
      const filename = yield* filled
      const report = yield* verify({ filename, aggregates: [accounts] })
      expect(report).toEqual({ facts: 1_800, streams: 301, documents: 300, flaws: [] })
      const store = makeStore(yield* open(filename))
      const writing = yield* Effect.fork(
        Effect.forever(store.transact((unit) => unit.execute(accounts, "k1\ud800", [credited(1)])))
      )
      expect((yield* verify({ filename, aggregates: [accounts] })).flaws).toEqual([])
      yield* Fiber.interrupt(writing)
    })
  )

  for (const [what, statement, flaw] of [
    [
      "a document that was changed",
      "UPDATE streams SET document = '{}' WHERE id = 3",
      "not what its facts lead to"
    ],
    [
      "a document that is no JSON any more",
      "UPDATE streams SET document = substr(document, 2) WHERE id = 3",
      "not what its facts lead to"
    ],
    [
      "what a stream is listed by that is no JSON any more",
      "UPDATE streams SET sorts = '{' WHERE id = 3",
      "what it is listed by is damaged"
    ],
    ["a fact that is missing", "DELETE FROM facts WHERE position = 3", "not what its facts lead to"],
    ["a fact that is missing at the end", "DELETE FROM facts WHERE position = 4", "version"],
    ["a place in a list that is missing", "DELETE FROM entries WHERE stream = 3", "is missing in the list"],
    [
      "a place in a list that is too much",
      "INSERT INTO entries SELECT index_id, 'x', stream FROM entries LIMIT 1",
      "the lists have"
    ],
    ["facts without their stream", "DELETE FROM streams WHERE id = 3", "belong to no stream"]
  ] as const) {
    it.live(`${what} is found`, () =>
      Effect.gen(function* () {
        const filename = yield* filled
        const database = new Database(filename)
        database.run("PRAGMA foreign_keys = OFF")
        database.run(statement)
        database.close()
        const { flaws } = yield* verify({ filename, aggregates: [accounts] })
        expect(flaws.join("\n")).toContain(flaw)
      })
    )
  }
})
