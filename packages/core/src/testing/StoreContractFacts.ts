/** The contract of facts: kept as they were given, folded into documents, readable by older and newer code. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Projector } from "../store/Projector.ts"
import { make as makeStore } from "../store/Store.ts"
import { it } from "./effectTest.ts"
import {
  accounts,
  commitOf,
  credited,
  encoded,
  type MakeDriver,
  opened,
  statusChanged
} from "./StoreContractLedger.ts"

/** Strings that have broken stores before: controls, quotes, line and paragraph separators, astral and lone halves. */
const hardStrings = [
  "",
  "\u0000\u0001\u0002\u001f\u007f",
  "line\nbreak\r\nand\ttab",
  `quotes " ' \` and \\ and ,"data": and ,"crc":"00000000"}`,
  "\u2028\u2029\ufeff\uffff",
  "𝕬𠮷👩‍👩‍👧‍👦",
  "half \ud800 of a pair",
  "e\u0301 and é"
]

/** More rows than any test here writes. */
const rowsMax = 10_000

/**
 * Holds a driver to this: any text and a fact of 1 MiB come back as they were given, facts of older and of newer writers are
 * kept, and documents are the fold of the log.
 */
export const factContract = (make: MakeDriver): void =>
  describe("facts", () => {
    it.live("strings come back as they were given, in facts, keys and documents", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        for (const text of hardStrings) {
          const key = `key ${text}`
          yield* store.transact((unit) =>
            unit.execute(accounts, key, [opened(text, text, 1), credited(1, text)])
          )
          expect(Option.getOrThrow(yield* store.load(accounts, key))).toMatchObject({
            owner: text,
            notes: [text]
          })
          const history = yield* store.history(accounts, key)
          expect(history.map(({ fact }) => fact)).toEqual([opened(text, text, 1), credited(1, text)])
          const listed = yield* store.list(accounts, { index: "byStatus", prefix: [text] })
          expect(listed.items.map(({ owner }) => owner)).toEqual([text])
        }
      })
    )

    it.live("a fact of 1 MiB comes back whole", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        const note = "0123456789abcdé\n".repeat(65_536)
        yield* store.transact((unit) => unit.execute(accounts, "large", [opened("a"), credited(1, note)]))
        const [, large] = yield* store.history(accounts, "large")
        expect(large?.fact).toEqual(credited(1, note))
        expect(Option.getOrThrow(yield* store.load(accounts, "large")).notes).toEqual([note])
      })
    )

    it.effect("facts have the time at which their unit began", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* TestClock.setTime(1_760_000_000_123)
        yield* store.transact((unit) => unit.execute(accounts, "a", [opened("a")]))
        yield* TestClock.setTime(1_760_000_999_999)
        yield* store.transact((unit) => unit.execute(accounts, "a", [credited(1)]))
        const history = yield* store.history(accounts, "a")
        expect(history.map(({ at }) => at)).toEqual([1_760_000_000_123, 1_760_000_999_999])
        expect(Option.getOrThrow(yield* store.load(accounts, "a")).changedAt).toBe(1_760_000_999_999)
      })
    )

    it.live(
      "a fact of a newer writer is kept and shown as unknown, counts, and leaves the document alone",
      () =>
        Effect.gen(function* () {
          const store = makeStore(yield* make)
          yield* store.transact((unit) => unit.execute(accounts, "a", [opened("a"), credited(2)]))
          const newer = { expected: [{ stream: "account/a", version: 2 }], documents: [] }
          const data = { until: 7, nested: { deep: [1, "x"] } }
          const documents = [
            {
              view: "account",
              key: "a",
              stream: "account/a",
              version: 3,
              value: (yield* store.driver.load("account", "a", "account/a")).value,
              indexes: { all: "" }
            }
          ]
          yield* store.driver.commit({
            ...newer,
            documents,
            facts: [encoded("account/a", 3, "Frozen", data)]
          })
          yield* store.transact((unit) => unit.execute(accounts, "a", [credited(5)]))
          const history = yield* store.history(accounts, "a")
          expect(history.map(({ version }) => version)).toEqual([1, 2, 3, 4])
          expect(history[2]?.fact).toEqual({ _tag: "UnknownFact", type: "Frozen", data })
          expect(Option.getOrThrow(yield* store.load(accounts, "a")).balance).toBe(7)
        })
    )

    it.live(
      "facts of older writers read as today's: missing fields have defaults, replaced types are brought up",
      () =>
        Effect.gen(function* () {
          const store = makeStore(yield* make)
          yield* store.driver.commit({
            expected: [],
            facts: [
              encoded("account/old", 1, "Opened", { owner: "o", status: "open" }),
              encoded("account/old", 2, "CreditedV0", { amount: 4 })
            ],
            documents: []
          })
          const history = yield* store.history(accounts, "old")
          expect(history.map(({ fact }) => fact)).toEqual([opened("o"), credited(4)])
        })
    )

    it.live("documents are the fold of the log", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* Effect.forEach(
          Array.from({ length: 40 }, (_, index) => index),
          (index) =>
            store.transact((unit) =>
              Effect.gen(function* () {
                const key = `k${index % 10}`
                if ((yield* unit.load(accounts, key)) === undefined) {
                  yield* unit.execute(accounts, key, [opened(key, "open", index)])
                }
                yield* unit.execute(accounts, key, [credited(index, `n${index}`)])
                if (index % 3 === 0) yield* unit.execute(accounts, key, [statusChanged(`s${index}`)])
              })
            ),
          { concurrency: 8 }
        )
        const projector = new Projector([accounts])
        for (const row of yield* store.driver.readAfter(0, rowsMax)) projector.apply(row)
        const { documents, unknown } = projector.project()
        expect(documents).toHaveLength(10)
        expect(unknown.size).toBe(0)
        for (const { view, key, stream, version, value } of documents) {
          const stored = yield* store.driver.load(view, key, stream)
          expect(stored.version).toBe(version)
          expect(JSON.parse(stored.value ?? "")).toEqual(JSON.parse(value ?? ""))
        }
      })
    )

    it.live("a stream whose facts nobody here knows has a version and no document", () =>
      Effect.gen(function* () {
        const driver = yield* make
        yield* driver.commit(commitOf("planet/x", 1))
        expect(yield* driver.load("planet", "x", "planet/x")).toEqual({
          key: "x",
          version: 1,
          created: 1,
          value: undefined
        })
      })
    )
  })
