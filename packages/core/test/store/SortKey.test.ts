import { expect } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { encodePosition, encodeSortKey, type SortPart } from "../../src/store/SortKey.ts"
import { drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"

const text = FastCheck.oneof(
  FastCheck.string({
    unit: FastCheck.constantFrom("\u0000", "\u0001", "\u0002", "\u0003", "a", "b", "c", "\uffff")
  }),
  FastCheck.string({ unit: "binary" })
)
const number = FastCheck.oneof(
  FastCheck.maxSafeInteger(),
  FastCheck.integer({ min: -11, max: 11 }),
  FastCheck.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0, -0)
)
/** Tuples of one shape, as those of one index are: a text, a number, a text. */
const tuple = FastCheck.tuple(text, number, text)

const compare = (left: SortPart, right: SortPart): number => (left < right ? -1 : left > right ? 1 : 0)
const compareTuples = (left: ReadonlyArray<SortPart>, right: ReadonlyArray<SortPart>): number =>
  left.map((part, index) => compare(part, right[index] ?? "")).find((order) => order !== 0) ?? 0

it.prop(
  "encoded tuples sort as the tuples do",
  drawnBy(FastCheck.tuple(tuple, tuple, FastCheck.nat({ max: 2 }))),
  ([left, other, shared]) => {
    const right = [...left.slice(0, shared), ...other.slice(shared)]
    expect(compare(encodeSortKey(left), encodeSortKey(right))).toBe(compareTuples(left, right))
  },
  { runs: 1_000 }
)

it.prop(
  "one key begins with another exactly when the tuple does, part by part",
  drawnBy(FastCheck.tuple(tuple, tuple, FastCheck.nat({ max: 3 }))),
  ([whole, other, length]) => {
    const key = encodeSortKey(whole) + encodePosition(7)
    expect(key.startsWith(encodeSortKey(whole.slice(0, length)))).toBe(true)
    const begins = other.slice(0, length).every((part, index) => compare(part, whole[index] ?? "") === 0)
    expect(key.startsWith(encodeSortKey(other.slice(0, length)))).toBe(begins)
  },
  { runs: 1_000 }
)
