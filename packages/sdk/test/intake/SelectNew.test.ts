import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { FeedEntry } from "../../src/intake/Entry.ts"
import { decodeFeedState, startFromFeedState } from "../../src/intake/FeedState.ts"
import { selectNew } from "../../src/intake/SelectNew.ts"

const entry = (id: string, day?: number): FeedEntry => ({
  id,
  title: id,
  ...(day === undefined ? {} : { publishedAt: `2026-01-${String(day).padStart(2, "0")}T00:00:00.000Z` }),
  raw: {}
})
const ids = (entries: ReadonlyArray<FeedEntry>) => entries.map((each) => each.id)
const primed = { primed: true }

describe("the first poll", () => {
  test("remembers what is there and emits nothing", () => {
    expect(selectNew(new Set(), [entry("b", 2), entry("a", 1)], { primed: false })).toEqual({
      emit: [],
      seen: ["a", "b"],
      primes: true
    })
  })

  test("primes on an empty feed too, so that the first release after it is emitted", () => {
    const first = selectNew(new Set(), [], { primed: false })
    expect(first).toEqual({ emit: [], seen: [], primes: true })
    const second = selectNew(new Set(first.seen), [entry("a", 1)], { primed: first.primes })
    expect(ids(second.emit)).toEqual(["a"])
    expect(second.primes).toBe(false)
  })

  test("emits all, the oldest first, where primeOnly is false", () => {
    const all = selectNew(new Set(), [entry("b", 2), entry("a", 1)], { primed: false, primeOnly: false })
    expect(ids(all.emit)).toEqual(["a", "b"])
    expect(all.primes).toBe(true)
  })

  test("remembers what it could not read, and a later poll emits what it could not read then", () => {
    const skipped = [
      { id: "bad", index: 0, reason: "r" },
      { index: 1, reason: "r" }
    ]
    const first = selectNew(new Set(), [entry("a", 1)], { primed: false, skipped })
    expect(first.seen).toEqual(["a", "bad"])
    expect(selectNew(new Set(first.seen), [entry("bad", 1), entry("a", 1)], primed).emit).toEqual([])
    expect(selectNew(new Set(["a"]), [entry("a", 1)], { primed: true, skipped }).seen).toEqual([])
  })
})

describe("a later poll", () => {
  test("emits new entries wherever they stand, the oldest first", () => {
    const seen = new Set(["a", "c"])
    // A tag that is pushed on an old commit stands below entries that were seen.
    const selection = selectNew(seen, [entry("d", 4), entry("c", 3), entry("b", 2), entry("a", 1)], primed)
    expect(ids(selection.emit)).toEqual(["b", "d"])
    expect(selection.seen).toEqual(["b", "d"])
  })

  test("repeats nothing when entries are deleted, reordered or edited", () => {
    const seen = new Set(["a", "b", "c"])
    expect(selectNew(seen, [entry("b", 2), entry("a", 1)], primed).emit).toEqual([])
    expect(selectNew(seen, [entry("a", 9), entry("c", 3), entry("b", 2)], primed).emit).toEqual([])
    expect(selectNew(seen, [], primed).emit).toEqual([])
  })

  test("takes an id once, the first one of the document", () => {
    const [only, ...others] = selectNew(
      new Set(),
      [{ ...entry("a", 2), title: "new" }, entry("a", 1)],
      primed
    ).emit
    expect(only?.title).toBe("new")
    expect(others).toEqual([])
  })

  test("orders entries of one date, and those without one, from the bottom up", () => {
    expect(ids(selectNew(new Set(), [entry("c", 1), entry("b", 1), entry("a", 1)], primed).emit)).toEqual([
      "a",
      "b",
      "c"
    ])
    expect(ids(selectNew(new Set(), [entry("c"), entry("b"), entry("a")], primed).emit)).toEqual([
      "a",
      "b",
      "c"
    ])
    expect(
      ids(selectNew(new Set(), [entry("d", 5), entry("c"), entry("b", 2), entry("a")], primed).emit)
    ).toEqual(["a", "b", "c", "d"])
  })

  test("asks an index as well as a set", () => {
    expect(ids(selectNew((id) => id === "a", [entry("b"), entry("a")], primed).emit)).toEqual(["b"])
  })

  test("over any sequence of documents, each id is emitted exactly once, unless it was there at priming", () => {
    const document = FastCheck.array(
      FastCheck.tuple(FastCheck.nat(12), FastCheck.option(FastCheck.integer({ min: 1, max: 28 }))),
      {
        maxLength: 12
      }
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(document, { minLength: 1, maxLength: 8 }), (documents) => {
        const seen = new Set<string>()
        const emitted: Array<string> = []
        let isPrimed = false
        for (const parts of documents) {
          const entries = parts.map(([id, day]) => entry(String(id), day ?? undefined))
          const selection = selectNew(seen, entries, { primed: isPrimed })
          emitted.push(...ids(selection.emit))
          for (const id of selection.seen) seen.add(id)
          isPrimed = true
        }
        const atPriming = new Set((documents[0] ?? []).map(([id]) => String(id)))
        const later = new Set(documents.slice(1).flatMap((parts) => parts.map(([id]) => String(id))))
        expect(emitted.toSorted()).toEqual([...later].filter((id) => !atPriming.has(id)).toSorted())
      }),
      { numRuns: 300 }
    )
  })
})

describe("a predecessor's feed-state.json", () => {
  const document = [entry("d", 4), entry("c", 3), entry("b", 2), entry("a", 1)]

  test("makes the last seen entry and all below it seen", () => {
    const start = startFromFeedState({ lastSeenId: "c" }, document)
    expect(start).toEqual({ primed: true, seen: new Set(["c", "b", "a"]) })
    expect(ids(selectNew(start.seen, document, start).emit)).toEqual(["d"])
  })

  test("primes anew where the last seen entry is gone, and says so", () => {
    const start = startFromFeedState({ lastSeenId: "gone", lastCheckedAt: "2026-01-05T00:00:00Z" }, document)
    expect(start.primed).toBe(false)
    expect(start.note).toContain('its last seen entry "gone" is not in the document; it primes anew')
    expect(start.note).toContain("2026-01-05T00:00:00Z")
    expect(selectNew(start.seen, document, start)).toMatchObject({ emit: [], primes: true })
  })

  test("is read source by source", () => {
    const state = Either.getOrThrow(
      decodeFeedState(
        JSON.stringify({
          a: { lastSeenId: "x", lastCheckedAt: "2026-01-01T00:00:00Z" },
          never: { lastCheckedAt: "2026-01-01T00:00:00Z" },
          odd: { lastSeenId: 5 },
          text: "x"
        })
      )
    )
    expect([...state.sources]).toEqual([["a", { lastSeenId: "x", lastCheckedAt: "2026-01-01T00:00:00Z" }]])
    expect(state.problems).toEqual([
      "odd: expected {lastSeenId, lastCheckedAt}, found 5",
      'text: expected {lastSeenId, lastCheckedAt}, found "x"'
    ])
  })

  test("that is torn or no object is one typed error", () => {
    const torn = decodeFeedState('{"a": {"lastSeen', { file: "data/feed-state.json" })
    expect(Either.isLeft(torn) && torn.left.message).toBe(
      'data/feed-state.json: not JSON at line 1, column 8: expected a key in double quotes or "}", found "\\""'
    )
    expect(Either.isLeft(decodeFeedState("[]"))).toBe(true)
  })
})
