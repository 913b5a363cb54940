import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { make } from "../../src/store/DriverMemory.ts"
import { make as makeStore } from "../../src/store/Store.ts"
import { documentsDigest, importLog } from "../../src/store/Transfer.ts"
import { it } from "../../src/testing/effectTest.ts"
import type { LedgerFact } from "../../src/testing/StoreContractLedger.ts"
import { accounts, opened } from "../../src/testing/StoreContractLedger.ts"
import { exported, transferContract } from "../../src/testing/TransferContract.ts"

transferContract("memory to memory", { from: make, to: make })

const withAccounts = (facts: ReadonlyArray<readonly [string, LedgerFact]>) =>
  Effect.gen(function* () {
    const driver = yield* make
    for (const [key, fact] of facts) {
      yield* makeStore(driver).transact((unit) => unit.execute(accounts, key, [fact]))
    }
    return driver
  })

const digestOf = (facts: ReadonlyArray<readonly [string, LedgerFact]>) =>
  Effect.flatMap(withAccounts(facts), (driver) => documentsDigest(driver, [accounts]))

it.effect("the digest tells documents, keys and places in lists apart", () =>
  Effect.gen(function* () {
    const digests = yield* Effect.all([
      digestOf([]),
      digestOf([["a", opened("x")]]),
      digestOf([["b", opened("x")]]),
      digestOf([["a", opened("y")]]),
      digestOf([["a", opened("x", "closed")]]),
      digestOf([["a", opened("x", "open", 1)]]),
      digestOf([
        ["a", opened("x")],
        ["b", opened("x")]
      ]),
      digestOf([
        ["b", opened("x")],
        ["a", opened("x")]
      ])
    ])
    expect(new Set(digests).size).toBe(digests.length)
    expect(digests[1]).toBe(yield* digestOf([["a", opened("x")]]))
  })
)

it.effect(
  "history that was compacted away travels as documents, and a store that needs all of it says so",
  () =>
    Effect.gen(function* () {
      const whole = yield* withAccounts([
        ["a", opened("x")],
        ["b", opened("y")]
      ])
      // As after a compaction: the first fact is gone, and its document stays.
      const compacted = {
        ...whole,
        readAfter: (position: number, limit: number) => whole.readAfter(Math.max(1, position), limit),
        readStream: (stream: string, after: number, limit: number) =>
          whole.readStream(stream, stream === "account/a" ? Math.max(1, after) : after, limit)
      }
      const lines = yield* exported(compacted)
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { kind: "header", head: 2 },
        { kind: "fact", position: 2, stream: "account/b" },
        { kind: "document", view: "account", key: "a", version: 1 },
        { kind: "end", facts: 1 }
      ])
      const refused = yield* Effect.flip(
        importLog(yield* make, Stream.fromIterable(lines), { aggregates: [accounts] })
      )
      expect(refused).toMatchObject({ _tag: "TransferRefused", line: 2 })
      expect(refused.message).toContain("compacted")
    })
)

it.effect("a writer that goes on meanwhile leaves an export without a digest", () =>
  Effect.gen(function* () {
    const driver = yield* withAccounts([["a", opened("x")]])
    const moving = {
      ...driver,
      list: (query: Parameters<typeof driver.list>[0]) =>
        Effect.tap(driver.list(query), () =>
          Effect.orDie(makeStore(driver).transact((unit) => unit.execute(accounts, "b", [opened("y")])))
        )
    }
    const lines = yield* exported(moving)
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ facts: 1, documents: null })
    const target = yield* make
    expect(yield* importLog(target, Stream.fromIterable(lines), { aggregates: [accounts] })).toMatchObject({
      facts: 1,
      documents: null
    })
  })
)
