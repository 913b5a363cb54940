/** With steps that are functions and a clock that the test turns: what a flow does when its steps fail, in no time. */
import { expect } from "bun:test"
import { Engine, Flow, FlowCatalog, FlowLocal } from "@patchmoi/sdk/effect"
import { ExecutorMemory, it, Store, singleStepFlow } from "@patchmoi/sdk/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"

const letter = singleStepFlow("welcome", "member.joined", {
  retry: { maxAttempts: 3, backoffMillis: 60_000, on: ["failed", "lost"] }
})

/** The service over parts in memory. `answers` are the outcomes of the attempts, one after the other. */
const layerWith = (answers: ReadonlyArray<"broken" | "written">) => {
  let attempts = 0
  const step = () =>
    Effect.sync(() => {
      attempts += 1
      return answers[attempts - 1] === "written"
        ? ExecutorMemory.succeeded({ status: "completed", message: `attempt ${attempts}` })
        : ExecutorMemory.exited(1)
    })
  return FlowLocal.layer().pipe(
    Layer.provideMerge(Engine.layer({ concurrency: 1 })),
    Layer.provide(FlowCatalog.layerMemory([letter])),
    Layer.provide(ExecutorMemory.layer({ "welcome.ts": step })),
    Layer.provide(Store.layerMemory)
  )
}

/** Dispatches, and turns the clock minute by minute until all is over. */
const join = Effect.gen(function* () {
  const flow = yield* Flow
  const event = { id: "member:1", type: "member.joined", payload: { name: "Ada" } }
  const dispatched = yield* Effect.fork(flow.dispatchEvent(event))
  while ((yield* Fiber.poll(dispatched))._tag === "None") yield* TestClock.adjust("1 minute")
  return yield* Fiber.join(dispatched)
})

it.effect("a step that fails is tried again", () =>
  Effect.gen(function* () {
    const { runs } = yield* join
    expect(runs[0]).toMatchObject({
      status: "completed",
      attemptCount: 2,
      resultPayload: { message: "attempt 2" }
    })
  }).pipe(Effect.provide(layerWith(["broken", "written"])))
)

it.effect("three failures are a failure", () =>
  Effect.gen(function* () {
    const { runs } = yield* join
    expect(runs[0]).toMatchObject({ status: "failed", attemptCount: 3 })
  }).pipe(Effect.provide(layerWith(["broken", "broken", "broken", "written"])))
)
