import { expect } from "bun:test"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { it, layer } from "../../src/testing/effectTest.ts"

class Answer extends Context.Tag("test/Answer")<Answer, number>() {}

it.effect("time stands still until it is adjusted", () =>
  Effect.gen(function* () {
    const sleeper = yield* Effect.fork(Effect.as(Effect.sleep("1 hour"), "woke"))
    yield* TestClock.adjust("1 hour")
    expect(yield* Fiber.join(sleeper)).toBe("woke")
  })
)

it.prop("a law over a schema", Schema.Int, (value) => expect(Number.isInteger(value)).toBe(true))

layer("a shared layer", Layer.succeed(Answer, 42), (it) => {
  it.effect("is built for the block", () => Effect.map(Answer, (answer) => expect(answer).toBe(42)))
})
