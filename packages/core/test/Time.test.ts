import { expect, test } from "bun:test"
import { parseTime, toIso } from "../src/Time.ts"

test("a month, a day and an instant are read; a day that no month has is none", () => {
  for (const [text, iso] of [
    ["2026-02", "2026-02-01T00:00:00.000Z"],
    ["2026-02-28", "2026-02-28T00:00:00.000Z"],
    ["2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000Z"],
    ["2026-12-31T00:00:00.5Z", "2026-12-31T00:00:00.500Z"]
  ] as const) {
    expect(toIso(parseTime(text))).toBe(iso)
  }
  for (const text of [
    "",
    "now",
    "2026",
    "2026-13",
    "2026-00-01",
    "2026-02-29",
    "2026-02-31T10:00:00Z",
    "2026-04-31"
  ]) {
    expect([text, parseTime(text)]).toEqual([text, Number.NaN])
  }
})
