import { expect, test } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { EventId, makeAttemptId, makeFollowUpEventId, makeRunId, type RunKey } from "../../src/Ids.ts"
import { drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"

const key = (eventId: string, flowName: string, stepName: string, generation = 0): RunKey => ({
  eventId: EventId.make(eventId),
  flowName,
  stepName,
  generation
})

/** Text made of what a forger would use: digits, separators and quotes. */
const forged = FastCheck.string({
  unit: FastCheck.constantFrom("1", "2", ":", "0", '"', ",", "/", "a", "\\", "ü", "😀"),
  minLength: 1,
  maxLength: 6
}).filter((text) => text.trim() !== "")
const keys = FastCheck.record({
  eventId: forged.map((id) => EventId.make(id)),
  flowName: forged,
  stepName: forged,
  generation: FastCheck.nat({ max: 30 })
})

it.prop(
  "two keys have one id exactly when they are the same key",
  drawnBy(FastCheck.tuple(keys, keys)),
  ([left, right]) => {
    const same = JSON.stringify(left) === JSON.stringify(right)
    expect(makeRunId(left) === makeRunId(right)).toBe(same)
    expect(makeRunId({ ...left })).toBe(makeRunId(left))
  },
  { runs: 500 }
)

/** Moves the border between two neighbours, so that all parts concatenate to the same text. */
it.prop(
  "no part can take over what belongs to its neighbour",
  drawnBy(FastCheck.tuple(forged, forged, forged, FastCheck.nat({ max: 20 }))),
  ([eventId, flowName, stepName, cut]) => {
    const text = flowName + stepName
    const border = cut % text.length
    if (border === flowName.length) return
    const moved = key(eventId, text.slice(0, border), text.slice(border))
    expect(makeRunId(moved)).not.toBe(makeRunId(key(eventId, flowName, stepName)))
  },
  { runs: 500 }
)

test("keys that forge the separators of the encoding, or of a neighbour, have ids of their own", () => {
  const colliders = [
    key("a", "b", "c"),
    key("a1:b", "1:c", "x"),
    key("a", "1:b1:c", "x"),
    key("a/b", "c", "d"),
    key("a-b", "c", "d"),
    key("A:b", "c", "d"),
    key("a", "b", "c", 1),
    key("a", "b", "c1", 0),
    key("a", "b", "c\u0000", 0),
    key("a", "b\u0000c", "", 0),
    key("a", "b\ud800", "c"),
    key("a", "b\ud801", "c"),
    key("a", "b\ufffd", "c")
  ]
  expect(new Set(colliders.map(makeRunId)).size).toBe(colliders.length)
})

test("ids are 128 bits, the same on every machine, and readable where they are derived", () => {
  const runId = makeRunId(key("e1", "flow", "step"))
  expect(runId).toMatch(/^run_[0-9a-f]{32}$/)
  expect(String(runId)).toBe("run_e1f0be4a31337256ad278ee6b498837a")
  expect(String(makeAttemptId(runId, 2))).toBe(`${runId}:attempt:2`)
  expect(String(makeFollowUpEventId(runId, 0))).toBe(`next:${runId}:0`)
})
