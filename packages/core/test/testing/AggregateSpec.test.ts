import { expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Aggregate from "../../src/store/Aggregate.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const Added = Schema.TaggedStruct("Added", { amount: Schema.Int })

class TooMuch extends Schema.TaggedError<TooMuch>("test/TooMuch")("TooMuch", {}) {
  override get message() {
    return "More than ten"
  }
}

const counters = Aggregate.make({
  name: "counter",
  fact: Schema.Union(Added),
  decide: (amount: number, total: number | undefined) =>
    (total ?? 0) + amount > 10
      ? Either.left(new TooMuch())
      : Either.right(amount === 0 ? [] : [Added.make({ amount })]),
  evolve: (total: number | undefined, fact) => (total ?? 0) + fact.amount,
  indexes: {}
})
const three = Added.make({ amount: 3 })

test("each check passes where it holds, and gives itself back", () => {
  given(counters, "c", three)
    .when(2)
    .then(Added.make({ amount: 2 }))
  given(counters, "c", three).and(three).when(0).thenNothing()
  given(counters, "c", three).when(8).thenRejected("TooMuch")
  given(counters, "c").when(0).thenNothing().document(undefined)
})

test("each check fails where it does not hold", () => {
  const decided = given(counters, "c", three).when(2)
  expect(() => decided.then(three)).toThrow()
  expect(() => decided.thenNothing()).toThrow()
  expect(() => decided.thenRejected("TooMuch")).toThrow()
  expect(() => decided.document(undefined)).toThrow()
  expect(() => given(counters, "c", three).when(8).then(three)).toThrow()
  expect(() => given(counters, "c", three).when(8).thenRejected("Other")).toThrow()
})

test("a fact that its schema refuses fails the test that gives it", () => {
  const half: typeof Added.Type = { _tag: "Added", amount: 0.5 }
  expect(() => given(counters, "c", half)).toThrow("does not fit its schema")
})
