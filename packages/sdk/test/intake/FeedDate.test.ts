import { expect, test } from "bun:test"
import * as Option from "effect/Option"
import { parseFeedDate } from "../../src/intake/FeedDate.ts"

test("dates of both forms come to UTC with milliseconds", () => {
  const read = {
    "2016-10-19T05:31:45+08:00": "2016-10-18T21:31:45.000Z",
    "2013-12-03T01:33:50.1239-05:00": "2013-12-03T06:33:50.123Z",
    " 2025-06-30t11:34:35z\n": "2025-06-30T11:34:35.000Z",
    "2024-12-31T23:59:60Z": "2024-12-31T23:59:59.000Z",
    "Mon, 02 Jan 2006 15:04:05 -0700": "2006-01-02T22:04:05.000Z",
    "2 January 2006 15:04 EST": "2006-01-02T20:04:00.000Z"
  }
  for (const [text, iso] of Object.entries(read)) expect(Option.getOrNull(parseFeedDate(text))).toBe(iso)
})

test("what is no date that exists is none", () => {
  const refused = [
    "",
    "yesterday",
    "2024-02-30T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:00",
    "2024-01-01",
    "2024-01-01T00:00:00+99:00",
    "0000-01-01T00:00:00+10:00",
    "9999-12-31T23:59:59-10:00",
    "Mon, 02 Foo 2006 15:04:05 GMT",
    "02 Jan 2006 15:04:05 XYZ",
    "1767225600",
    " ".repeat(1_000_000)
  ]
  for (const text of refused) expect(Option.isNone(parseFeedDate(text))).toBe(true)
})
