import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as OutputWriter from "../../src/engine/OutputWriter.ts"
import type { OutputRecord } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"

/** What is kept of these chunks of standard output. */
const kept = (chunks: ReadonlyArray<string>, bytesMax: number): ReadonlyArray<OutputRecord> =>
  Effect.runSync(
    Effect.gen(function* () {
      const { outputs } = yield* DriverMemory.make
      const write = OutputWriter.make(outputs, "a1", bytesMax)
      for (const text of chunks) yield* write({ stream: "stdout", text })
      return yield* outputs.read("a1", 0, 1_000_000)
    })
  )
const bytesOf = (text: string): number => Buffer.byteLength(text)
const sum = (records: ReadonlyArray<OutputRecord>): number =>
  records.reduce((total, { bytes }) => total + bytes, 0)

const chunks = FastCheck.array(
  FastCheck.oneof(
    FastCheck.string({ unit: FastCheck.constantFrom("a", "ü", "한", "😀", "\n"), maxLength: 40 }),
    FastCheck.string({ unit: FastCheck.constantFrom("x", "😀"), minLength: 200, maxLength: 600 })
  ),
  { maxLength: 30 }
)

it.prop(
  "what is kept is in order, true to its place, and never more than the bound",
  drawnBy(FastCheck.tuple(chunks, FastCheck.integer({ min: 16, max: 400 }))),
  ([printed, bytesMax]) => {
    const whole = Buffer.from(printed.join(""))
    const records = kept(printed, bytesMax)
    expect(sum(records)).toBeLessThanOrEqual(bytesMax)
    let end = 0
    for (const { text, offset, bytes } of records) {
      expect(bytes).toBe(bytesOf(text))
      expect(offset).toBeGreaterThanOrEqual(end)
      expect(whole.subarray(offset, offset + bytes).toString()).toBe(text)
      end = offset + bytes
    }
    expect(end).toBe(whole.byteLength)
    if (whole.byteLength <= Math.floor(bytesMax / 2)) expect(sum(records)).toBe(whole.byteLength)
  },
  { runs: 300 }
)

describe("head and tail", () => {
  const lines = Array.from({ length: 100 }, (_, n) => `${String(n).padStart(9, "0")}\n`)

  test("what fits is kept whole", () => {
    expect(kept(lines, 2_000).map(({ text }) => text)).toEqual(lines)
    expect(kept(["", "a", ""], 10).map(({ text }) => text)).toEqual(["a"])
  })

  test("the first and the last stay, and the gap is told to the byte", () => {
    const records = kept(lines, 100)
    expect(records.map(({ text }) => text)).toEqual([...lines.slice(0, 5), ...lines.slice(-5)])
    expect(records[5]).toMatchObject({ offset: 950, sequence: 95 })
    expect((records[5]?.offset ?? 0) - 50).toBe(900)
  })

  test("one chunk that is larger than everything is split, and its ends stay", () => {
    const records = kept([lines.join("")], 100)
    expect(lines.join("").startsWith(records[0]?.text ?? "?")).toBe(true)
    expect(lines.join("").endsWith(records.at(-1)?.text ?? "?")).toBe(true)
    expect(sum(records)).toBeLessThanOrEqual(100)
    expect(sum(records)).toBeGreaterThanOrEqual(75)
  })

  test("the default bound keeps nearly all that it may", () => {
    const records = kept(
      Array.from({ length: 64 }, () => "x".repeat(65_536)),
      1_048_576
    )
    expect(sum(records)).toBeLessThanOrEqual(1_048_576)
    expect(sum(records)).toBeGreaterThan(1_000_000)
  })
})

test("a character is never split, nor is a surrogate pair at the border of a piece", () => {
  const text = `a${"😀".repeat(20_000)}`
  const records = kept([text], 1_048_576)
  expect(records.length).toBeGreaterThan(1)
  expect(records.every((record) => record.text.isWellFormed())).toBe(true)
  expect(records.map((record) => record.text).join("")).toBe(text)
})

test("half a pair in what was printed does not break the count", () => {
  const [record] = kept(["\ud83d"], 100)
  expect(record).toMatchObject({ bytes: 3, offset: 0 })
})

test("a bound without room for a character is raised to one that has some", () => {
  expect(sum(kept(["😀".repeat(100)], 1))).toBeLessThanOrEqual(16)
  expect(kept(["😀".repeat(100)], 1).at(-1)?.text).toBe("😀")
})

test("a flood of tiny chunks stays quick", () => {
  const flood = Array.from({ length: 20_000 }, () => "x")
  expect(sum(kept(flood, 2_000))).toBe(2_000)
})
