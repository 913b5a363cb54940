/** The contract of the output of attempts. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import type { OutputRecord } from "../store/Driver.ts"
import { it } from "./effectTest.ts"
import type { MakeDriver } from "./StoreContractLedger.ts"

/**
 * Holds a driver to this: output comes back in order and for each attempt its own, whatever the ids look like; and what is
 * dropped takes no more room than what is kept.
 */
export const outputContract = (make: MakeDriver): void =>
  describe("outputs", () => {
    it.live("output comes back in order, from any sequence on, for each attempt its own", () =>
      Effect.gen(function* () {
        const { outputs } = yield* make
        const written = Array.from({ length: 50 }, (_, sequence) =>
          record(sequence, `line ${sequence}\n\u0000é`)
        )
        yield* outputs.append("run_1:attempt:1", written.slice(0, 20), undefined, undefined)
        yield* outputs.append("run_1:attempt:2", [record(0, "other")], undefined, undefined)
        yield* outputs.append("run_1:attempt:1", written.slice(20), undefined, undefined)
        expect(yield* outputs.read("run_1:attempt:1", 0, 1_000)).toEqual(written)
        expect(yield* outputs.read("run_1:attempt:1", 17, 5)).toEqual(written.slice(17, 22))
        expect(yield* outputs.read("run_1:attempt:1", 50, 5)).toEqual([])
        expect(yield* outputs.read("run_1:attempt:2", 0, 10)).toEqual([record(0, "other")])
        expect(yield* outputs.read("run_1:attempt:3", 0, 10)).toEqual([])
      })
    )

    it.live("attempt ids that look alike, or like paths, are kept apart", () =>
      Effect.gen(function* () {
        const { outputs } = yield* make
        const ids = [
          "a/b",
          "a-b",
          "a:b",
          "A-b",
          "a%2fb",
          "../a",
          "..",
          ".",
          "é",
          "x".repeat(600),
          "x".repeat(601)
        ]
        for (const id of ids) yield* outputs.append(id, [record(0, id)], undefined, undefined)
        for (const id of ids) {
          expect((yield* outputs.read(id, 0, 10)).map(({ text }) => text)).toEqual([id])
        }
      })
    )

    it.live("what is dropped leaves a gap; head and tail stay, and what is kept stays bounded", () =>
      Effect.gen(function* () {
        const { outputs } = yield* make
        const text = "x".repeat(1_000)
        for (let sequence = 0; sequence < 2_000; sequence++) {
          const before = sequence - 300
          const drop = before > 100 ? { from: 100, before } : undefined
          yield* outputs.append("flood", [record(sequence, text)], drop, undefined)
        }
        const kept = (yield* outputs.read("flood", 0, 10_000)).map(({ sequence }) => sequence)
        const wanted = [...range(0, 100), ...range(1_699, 2_000)]
        expect(kept.filter((sequence) => sequence < 100 || sequence >= 1_699)).toEqual(wanted)
        expect(kept).toEqual([...kept].sort((a, b) => a - b))
        expect(kept.length).toBeLessThanOrEqual(2 * wanted.length)
      })
    )
  })

// --- internal ---

const record = (sequence: number, text: string): OutputRecord => ({
  sequence,
  offset: sequence * 10,
  bytes: new TextEncoder().encode(text).length,
  stream: sequence % 2 === 0 ? "stdout" : "stderr",
  at: 1_760_000_000_000 + sequence,
  text
})

const range = (from: number, before: number): ReadonlyArray<number> =>
  Array.from({ length: before - from }, (_, index) => from + index)
