import { describe, expect, test } from "bun:test"
import { EventId } from "../../src/Ids.ts"
import {
  quietPollMillis,
  type SourceCommand,
  type SourceFact,
  type SourcePolled,
  Sources,
  skippedEntriesMax
} from "../../src/source/Sources.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const primed: SourceFact = { _tag: "SourcePrimed", entryIds: ["b", "a"] }
const signal = { title: "v1" }
const received = (entryId: string): SourceFact => ({ _tag: "SignalReceived", entryId, signal })

describe("prime", () => {
  test("marks what was there as seen, the newest last seen", () => {
    given(Sources, "s")
      .when({ _tag: "Prime", entryIds: ["b", "a"] })
      .then(primed)
      .document({ primed: true, seenIds: ["b", "a"], lastSeenId: "b" })
  })

  test("of an empty feed counts, so that its first entry is a signal", () => {
    const empty: SourceFact = { _tag: "SourcePrimed", entryIds: [] }
    given(Sources, "s")
      .when({ _tag: "Prime", entryIds: [] })
      .then(empty)
      .document({ primed: true, seenIds: [] })
    given(Sources, "s", empty).when({ _tag: "ReceiveSignal", entryId: "a", signal }).then(received("a"))
  })

  test("goes on from a predecessor's state", () => {
    given(Sources, "s")
      .when({ _tag: "Prime", entryIds: [], importedLastSeenId: "x" })
      .document({ lastSeenId: "x" })
  })

  test("a second time changes nothing", () => {
    given(Sources, "s", primed)
      .when({ _tag: "Prime", entryIds: ["c"] })
      .thenNothing()
  })
})

describe("receive a signal", () => {
  test("from an entry that was not seen", () => {
    const eventId = EventId.make("patch:s:c:upstream.release")
    given(Sources, "s", primed)
      .when({ _tag: "ReceiveSignal", entryId: "c", signal, eventId })
      .then({ _tag: "SignalReceived", entryId: "c", signal, eventId })
      .document({ seenIds: ["b", "a", "c"], lastSeenId: "c" })
  })

  test("not from one that was, at priming or as a signal", () => {
    const source = given(Sources, "s", primed, received("c"))
    for (const entryId of ["a", "b", "c"]) {
      source.when({ _tag: "ReceiveSignal", entryId, signal }).thenNothing()
    }
  })
})

describe("skip an entry", () => {
  const skip = { _tag: "SkipEntry", entryId: "x", reason: "no link" } as const
  const skipped = (entryId: string, reason: string): SourceFact => ({ _tag: "EntrySkipped", entryId, reason })

  test("tells each reason once, and does not count as seen: a repaired entry is news", () => {
    given(Sources, "s", primed)
      .when(skip)
      .then(skipped("x", "no link"))
      .document({ seenIds: ["b", "a"], skipped: [{ entryId: "x", reason: "no link" }] })
    const told = given(Sources, "s", primed, skipped("x", "no link"))
    told.when(skip).thenNothing()
    told.when({ ...skip, reason: "no title" }).then(skipped("x", "no title"))
    told.when({ _tag: "ReceiveSignal", entryId: "x", signal }).then(received("x"))
  })

  test("remembers a bounded number by name", () => {
    const many = Array.from({ length: skippedEntriesMax + 5 }, (_, n) => skipped(`x${n}`, "bad"))
    const { document } = given(Sources, "s", ...many)
    expect(document?.skipped).toHaveLength(skippedEntriesMax)
    expect(document?.skipped.at(-1)?.entryId).toBe(`x${skippedEntriesMax + 4}`)
  })
})

describe("record a poll", () => {
  const poll = (now: number, more: Partial<typeof SourcePolled.Type> = {}): SourceCommand => ({
    outcome: "ok",
    etag: "1",
    ...more,
    _tag: "RecordPoll",
    now
  })
  const polled: typeof SourcePolled.Type = { _tag: "SourcePolled", outcome: "ok", etag: "1" }

  test("the first", () => {
    given(Sources, "s")
      .at(5)
      .when(poll(5))
      .then(polled)
      .document({ primed: false, lastPoll: { at: "1970-01-01T00:00:00.005Z", outcome: "ok", etag: "1" } })
  })

  test("one that differs in anything, or comes an hour later; not a quiet one", () => {
    const known = given(Sources, "s", polled)
    known.when(poll(quietPollMillis - 1)).thenNothing()
    known.when(poll(quietPollMillis)).then(polled)
    known.when(poll(1, { etag: "2" })).then({ ...polled, etag: "2" })
    known.when(poll(1, { lastModified: "x" })).then({ ...polled, lastModified: "x" })
    known
      .when(poll(1, { outcome: "failed", error: "HTTP 500" }))
      .then({ ...polled, outcome: "failed", error: "HTTP 500" })
  })

  test("a failure leaves what was seen", () => {
    given(Sources, "s", primed)
      .when(poll(0, { outcome: "failed", error: "no route" }))
      .document({ primed: true, seenIds: ["b", "a"] })
  })
})
