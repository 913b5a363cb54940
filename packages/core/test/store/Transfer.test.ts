import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { aggregates } from "../../src/Aggregates.ts"
import { make } from "../../src/store/DriverMemory.ts"
import { make as makeStore } from "../../src/store/Store.ts"
import { documentsDigest, importLog } from "../../src/store/Transfer.ts"
import { it } from "../../src/testing/effectTest.ts"
import type { LedgerFact } from "../../src/testing/StoreContractLedger.ts"
import { accounts, opened } from "../../src/testing/StoreContractLedger.ts"
import { exported, transferContract } from "../../src/testing/TransferContract.ts"
import {
  compactedRecord,
  imported as importCompacted,
  transferContractCompacted
} from "../../src/testing/TransferContractCompacted.ts"

transferContract("memory to memory", { from: make, to: make })
transferContractCompacted("memory to memory", { from: make, to: make })

const restored = (lines: ReadonlyArray<string>) =>
  Effect.tap(make, (driver) => importCompacted(driver, lines))

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
  "history that was compacted away leaves gaps, and a store that cannot have any says where to go",
  () =>
    Effect.gen(function* () {
      const source = yield* make
      const lines = yield* compactedRecord(source)
      const stream = lines.findIndex((line) => line.startsWith('{"kind":"stream"'))
      expect(JSON.parse(lines[stream] ?? "")).toEqual({
        kind: "stream",
        stream: "event/ended-0",
        created: 1,
        version: 1
      })
      expect(JSON.parse(lines[stream + 1] ?? "")).toMatchObject({
        kind: "fact",
        stream: "event/ended-0",
        version: 2,
        type: "EventCompacted"
      })
      const { restore: _, ...whole } = yield* make
      const refused = yield* Effect.flip(importCompacted({ ...whole, kind: "file" }, lines))
      expect(refused).toMatchObject({ _tag: "TransferUnsupported", kind: "file" })
      expect(refused.message).toContain("--store sqlite")
      expect(yield* documentsDigest(yield* restored(lines), aggregates)).toBe(
        yield* documentsDigest(source, aggregates)
      )
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
