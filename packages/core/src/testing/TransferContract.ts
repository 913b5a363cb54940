/** What `store/Transfer.ts` promises between two stores of any kind, as tests that every pair of them passes. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { Driver, OutputRecord } from "../store/Driver.ts"
import { make as makeStore } from "../store/Store.ts"
import { documentsDigest, exportLog, importLog } from "../store/Transfer.ts"
import { it } from "./effectTest.ts"
import { accounts, credited, encoded, type MakeDriver, opened, statusChanged } from "./StoreContractLedger.ts"

const aggregates = [accounts]

/** Registers the tests for moving from one kind of store to another. Both are empty when they are made. */
export const transferContract = (
  name: string,
  { from, to }: { readonly from: MakeDriver; readonly to: MakeDriver }
): void =>
  describe(`${name}: what is known moves`, () => {
    it.live("facts, outputs and views are the same afterwards, and writing goes on", () =>
      Effect.gen(function* () {
        const source = yield* from
        yield* fill(source)
        const lines = yield* exported(source)
        const target = yield* to
        const report = yield* imported(target, lines)
        const documents = yield* documentsDigest(source, aggregates)
        expect(report).toEqual({ source: source.kind, facts: 1_303, outputs: 150, documents })
        expect(yield* documentsDigest(target, aggregates)).toBe(documents)
        expect(yield* target.readAfter(0, 2_000)).toEqual(yield* source.readAfter(0, 2_000))
        expect(yield* target.outputs.read("attempt", 0, 200)).toEqual(outputs)
        // The header names another kind of store, and the end has another hash therefore.
        expect((yield* exported(target)).slice(1, -1)).toEqual(lines.slice(1, -1))
        yield* makeStore(target).transact((unit) => unit.execute(accounts, "k3", [credited(1)]))
        expect(yield* target.head).toBe(1_304)
        expect(yield* documentsDigest(target, aggregates)).not.toBe(documents)
      })
    )

    it.live("an empty store moves, too", () =>
      Effect.gen(function* () {
        const lines = yield* exported(yield* from)
        expect(lines).toHaveLength(2)
        expect(yield* imported(yield* to, lines)).toMatchObject({ facts: 0, outputs: 0 })
      })
    )

    it.live("a store that holds facts takes none", () =>
      Effect.gen(function* () {
        const source = yield* from
        yield* fill(source)
        const lines = yield* exported(source)
        const target = yield* to
        yield* target.commit({ expected: [], facts: [encoded("account/x", 1)], documents: [] })
        const refused = yield* Effect.flip(imported(target, lines))
        expect(refused).toMatchObject({ _tag: "TransferTargetNotEmpty", head: 1 })
      })
    )

    it.live("an export that was cut or altered is refused, with the line and the reason", () =>
      Effect.gen(function* () {
        const source = yield* from
        yield* fill(source, 3)
        const lines = yield* exported(source)
        for (const [why, hurt] of damages(lines)) {
          const refused = yield* Effect.either(imported(yield* to, hurt))
          expect([why, Either.isLeft(refused) && refused.left._tag]).toEqual([why, "TransferRefused"])
        }
      })
    )
  })

/** The lines of a store. */
export const exported = (driver: Driver) =>
  Effect.map(
    Stream.runCollect(
      exportLog(driver, {
        aggregates,
        attemptOf: ({ stream, version }) => (stream === "account/k1" && version === 1 ? "attempt" : undefined)
      })
    ),
    (lines) => [...lines]
  )

/** Takes lines into a store. */
export const imported = (driver: Driver, lines: ReadonlyArray<string>) =>
  importLog(driver, Stream.fromIterable(lines), { aggregates })

// --- internal ---

const outputs: ReadonlyArray<OutputRecord> = Array.from({ length: 150 }, (_, sequence) => ({
  sequence,
  offset: sequence * 2,
  bytes: 2,
  stream: sequence % 2 === 0 ? "stdout" : "stderr",
  at: sequence,
  text: `${sequence % 10}\n`
}))

/** Accounts with 13 facts each, facts of nobody's, and output. More than one commit of an import has. */
const fill = (driver: Driver, count = 100) =>
  Effect.gen(function* () {
    const store = makeStore(driver)
    for (let index = 0; index < count; index++) {
      const credits = Array.from({ length: 11 }, (_, amount) => credited(amount, `\u2028"é\n${amount} 𝄞`))
      yield* store.transact((unit) =>
        unit.execute(accounts, `k${index}`, [opened(`o${index % 7}`, "open", index % 3), ...credits])
      )
    }
    for (let index = count - 1; index >= 0; index--) {
      yield* store.transact((unit) => unit.execute(accounts, `k${index}`, [statusChanged("closed")]))
    }
    const unknown = [1, 2, 3].map((version) => encoded("planet/x", version, "Formed", { version }))
    yield* driver.commit({ expected: [], facts: unknown, documents: [] })
    yield* driver.outputs.append("attempt", outputs, undefined, undefined)
  })

/** Ways to hurt an export of a few lines, each with its name. */
const damages = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [string, ReadonlyArray<string>]> => {
  const changed = (at: number, change: (line: string) => string) =>
    lines.map((line, index) => (index === at ? change(line) : line))
  return [
    ["nothing", []],
    ["no header", lines.slice(1)],
    ["two headers", [lines[0] ?? "", ...lines]],
    ["no end", lines.slice(0, -1)],
    ["half of the end", changed(lines.length - 1, (line) => line.slice(0, 20))],
    ["lines behind the end", [...lines, lines[1] ?? ""]],
    ["a fact is missing", lines.filter((_, index) => index !== 2)],
    ["a fact is there twice", [...lines.slice(0, 3), lines[2] ?? "", ...lines.slice(3)]],
    ["a fact is altered", changed(2, (line) => line.replace("amount", "amounT"))],
    ["an output is missing", lines.filter((_, index) => index !== 20)],
    ["half a line", changed(5, (line) => line.slice(0, 30))],
    ["another version of the format", changed(0, (line) => line.replace('"version":1', '"version":2'))],
    ["a line of an unknown kind", [...lines.slice(0, -1), documentLine, lines.at(-1) ?? ""]],
    ["not JSON", changed(3, () => "hello")]
  ]
}

const documentLine = `{"kind":"document","view":"account","key":"k1","version":2,"value":"{}"}`
