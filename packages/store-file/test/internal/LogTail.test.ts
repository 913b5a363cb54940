import { expect, test } from "bun:test"
import { LogTail } from "../../src/internal/LogTail.ts"

test("where each fact begins is known, however many are added and however they come together", () => {
  const tail = new LogTail(7)
  const counts = [1, 3, 100, 1, 5_000, 2, 40_000]
  for (const count of counts) {
    const rows = Array.from({ length: count }, (_, index) => {
      const position = tail.head + 1 + index
      return { position, stream: `s${position % 3}`, version: position, at: 0, type: "t", data: "{}" }
    })
    tail.add(
      rows,
      rows.map(({ position }) => position * 10)
    )
  }
  const last = 7 + counts.reduce((sum, count) => sum + count)
  expect(tail.head).toBe(last)
  const positions = Array.from({ length: last - 7 }, (_, index) => index + 8)
  expect(positions.filter((position) => tail.offset(position) !== position * 10)).toEqual([])
  expect(tail.stream("s0")).toMatchObject({ firstVersion: 9 })
  expect(tail.stream("s0")?.positions.slice(0, 3)).toEqual([9, 12, 15])
  expect(tail.stream("s3")).toBeUndefined()
})
