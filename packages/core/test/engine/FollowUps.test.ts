import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { followUpDepthMax, followUpsMax, followUpsOf } from "../../src/engine/FollowUps.ts"
import { makeFollowUpEventId, RunId } from "../../src/Ids.ts"
import { drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"

const run = { id: RunId.make("run_1"), depth: 0 }
const asking = (next: ReadonlyArray<unknown>, depth = 0) =>
  followUpsOf({ ...run, depth }, { status: "completed", next }, 0)
const refusal = (next: ReadonlyArray<unknown>, depth = 0) =>
  Either.getOrThrow(Either.flip(asking(next, depth)))

const entries = FastCheck.array(
  FastCheck.record(
    { id: FastCheck.constantFrom("a", "b"), type: FastCheck.constant("t") },
    { requiredKeys: ["type"] }
  ),
  { maxLength: followUpsMax }
)

it.prop("ids follow from the run and the place, whenever they are asked for", drawnBy(entries), (next) => {
  const ids = (now: number, id = run.id) =>
    Either.getOrThrow(followUpsOf({ ...run, id }, { status: "changed", next }, now)).map((event) => event.id)
  expect(ids(0)).toEqual(ids(1_000_000))
  const expected = next.map(({ id }, index) => id ?? makeFollowUpEventId(run.id, index))
  expect(ids(0).map(String)).toEqual(expected.map(String))
  const own = next.flatMap(({ id }, index) => (id === undefined ? [index] : []))
  const others = new Set(ids(0, RunId.make("run_2")))
  for (const index of own) expect(others.has(makeFollowUpEventId(run.id, index))).toBe(false)
})

describe("what is refused, with its place", () => {
  test("an entry that is no event", () => {
    expect(refusal([{ type: "t" }, { type: 7 }])).toContain('next[1]: Not a flow event: field "type"')
    expect(refusal(["t"])).toContain("next[0]: Not a flow event: expected an object")
    expect(refusal([{ type: "t", id: null }])).toContain('next[0]: Not a flow event: field "id"')
  })

  test("more than the limit, and none at it", () => {
    const entry = { type: "t" }
    expect(refusal(Array.from({ length: followUpsMax + 1 }, () => entry))).toContain(
      "101 events, and at most 100"
    )
    expect(Either.isRight(asking(Array.from({ length: followUpsMax }, () => entry)))).toBe(true)
  })

  test("a chain beyond its depth, but not a result at that depth without follow-ups", () => {
    expect(refusal([{ type: "t" }], followUpDepthMax)).toContain("33 deep, and at most 32")
    expect(Either.isRight(asking([{ type: "t" }], followUpDepthMax - 1))).toBe(true)
    expect(asking([], followUpDepthMax)).toEqual(Either.right([]))
  })
})
