import { describe, expect, test } from "bun:test"
import { job, measure, quantile, toMarkdown } from "../../bench/support.ts"

describe("measure", () => {
  test("runs every variant once in every round, turning the order, and prepares outside the time", async () => {
    const calls: Array<string> = []
    const table = await measure({
      name: "calls",
      baseline: "a",
      warmupRounds: 1,
      rounds: 2,
      variants: {
        a: () => calls.push("a"),
        b: job(() => calls.push("b"), { prepare: () => calls.push("prepare b") }),
        c: async () => calls.push("c")
      }
    })
    expect(calls.join(" ")).toBe("a prepare b b c prepare b b c a c a prepare b b")
    expect(table.rows.map(({ variant }) => variant)).toEqual(["a", "b", "c"])
    expect(table.rows[0]?.ratio).toBe(1)
  })

  test("tells a slow variant from a quick one", async () => {
    const spin = (millis: number) => () => {
      const until = performance.now() + millis
      while (performance.now() < until);
    }
    const { rows } = await measure({
      name: "spin",
      baseline: "1 ms",
      rounds: 5,
      variants: { "1 ms": spin(1), "6 ms": spin(6) }
    })
    expect(rows[1]?.ratio).toBeGreaterThan(2)
    expect(rows[1]?.medianMillis).toBeGreaterThanOrEqual(6)
  })

  test("refuses a baseline that is not there, and lets a failing job fail", async () => {
    await expect(measure({ name: "n", baseline: "x", variants: {} })).rejects.toThrow(
      `the baseline "x" is not one`
    )
    const failing = measure({
      name: "n",
      baseline: "x",
      variants: { x: () => Promise.reject(new Error("broken")) }
    })
    await expect(failing).rejects.toThrow("broken")
  })
})

test("quantile", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2)
  expect(quantile([1, 2], 0.5)).toBe(1.5)
  expect(quantile([0, 10], 0.9)).toBe(9)
  expect(quantile([], 0.5)).toBeNaN()
})

test("toMarkdown", () => {
  const rows = [
    { variant: "empty", medianMillis: 3.3, p90Millis: 4.9, ratio: 1 },
    { variant: "flow fire", medianMillis: 123.4, p90Millis: 0.0012, ratio: 12.345 }
  ]
  expect(toMarkdown({ name: "start", baseline: "empty", rounds: 21, rows })).toBe(
    `| start     | median ms |  p90 ms | × empty |
|-----------|----------:|--------:|--------:|
| empty     |      3.30 |    4.90 |    1.00 |
| flow fire |       123 | 0.00120 |   12.35 |

21 rounds, interleaved; ratios are medians within a round.`
  )
})
