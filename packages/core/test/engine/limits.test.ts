import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { Engine } from "../../src/engine/Engine.ts"
import type { Flow } from "../../src/flow/Flow.ts"
import { Runs } from "../../src/run/Runs.ts"
import { Store } from "../../src/store/Store.ts"
import { turns, until } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, event, eventType, memoryEngine, noting, runOf, taking } from "./support.ts"

/** A flow whose step runs for events of the type of its own name. */
const flowOf = (name: string, overrides: Parameters<typeof singleStepFlow>[2] = {}): Flow =>
  singleStepFlow(name, name, overrides)

const statuses = Effect.gen(function* () {
  const { items } = yield* (yield* Store).list(Runs, { limit: 500, order: "ascending" })
  return items.map(({ eventId, processStatus }) => `${eventId} ${processStatus}`)
})

it.effect("higher priority starts first, then the older run, also among retries that are due", () => {
  const order: Array<string> = []
  return Effect.gen(function* () {
    const engine = yield* Engine
    const again = yield* dispatchOne(event("again", {}, "fails"))
    yield* until(runOf(again), ({ retryAt }) => retryAt !== undefined)
    const blocks = yield* dispatchOne(event("blocks", {}, "normal"))
    yield* until(runOf(blocks), ({ processStatus }) => processStatus === "running")
    for (const [id, type] of [
      ["n1", "normal"],
      ["n2", "normal"],
      ["low", "low"],
      ["h1", "high"],
      ["h2", "high"]
    ] as const) {
      yield* engine.dispatch(event(id, {}, type))
    }
    yield* TestClock.adjust(20_000)
    expect(order).toEqual(["again", "blocks", "h1", "h2", "again", "n1", "n2", "low"])
  }).pipe(
    Effect.provide(
      memoryEngine(
        [
          flowOf("high", { priority: 10 }),
          flowOf("normal"),
          flowOf("low", { priority: -1 }),
          flowOf("fails", { priority: 5, retry: { maxAttempts: 2, backoffMillis: 500, on: ["failed"] } })
        ],
        {
          "high.ts": noting(order, taking(1_000)),
          "normal.ts": noting(order, taking(1_000)),
          "low.ts": noting(order, taking(1_000)),
          "fails.ts": noting(order, () =>
            Effect.succeed({ exit: { _tag: "ExitCode", code: 1 } as const, error: "exited with code 1" })
          )
        },
        { concurrency: 1 }
      )
    )
  )
})

it.effect("at most so many runs of all, and of one flow, are under way", () =>
  Effect.gen(function* () {
    for (const id of ["a1", "a2", "a3"]) yield* dispatchOne(event(id, {}, "a"))
    for (const id of ["b1", "b2", "b3"]) yield* dispatchOne(event(id, {}, "b"))
    const running = Effect.map(statuses, (all) => all.filter((line) => line.endsWith("running")))
    yield* until(running, (lines) => lines.length === 3)
    yield* turns()
    expect(yield* running).toEqual(["a1 running", "a2 running", "b1 running"])
    yield* TestClock.adjust(1_000)
    yield* until(running, (lines) => lines.length === 3)
    expect(yield* running).toEqual(["a3 running", "b2 running", "b3 running"])
  }).pipe(
    Effect.provide(
      memoryEngine(
        [flowOf("a"), flowOf("b")],
        { "a.ts": taking(1_000), "b.ts": taking(1_000) },
        { concurrency: 3, concurrencyPerFlow: 2 }
      )
    )
  )
)

it.effect("a concurrency key groups runs over flows, and its number is the limit of a run", () => {
  const started: Array<string> = []
  const keyed = { concurrencyKey: "/payload/repo" }
  return Effect.gen(function* () {
    for (const [id, type, repo] of [
      ["x1", "pair", "x"],
      ["x2", "pair", "x"],
      ["x3", "pair", "x"],
      ["x4", "single", "x"],
      ["y1", "single", "y"],
      ["y2", "single", "y"]
    ] as const) {
      yield* dispatchOne(event(id, { repo }, type))
    }
    yield* until(
      Effect.sync(() => [...started].sort()),
      (ids) => ids.length === 3
    )
    yield* turns()
    expect(started.toSorted()).toEqual(["x1", "x2", "y1"])
    yield* TestClock.adjust(1_000)
    // A run that allows one beside it goes on as soon as there is room; one that wants to be alone waits for that.
    expect(started.toSorted()).toEqual(["x1", "x2", "x3", "y1", "y2"])
    yield* TestClock.adjust(1_000)
    expect(started).toHaveLength(6)
  }).pipe(
    Effect.provide(
      memoryEngine(
        [flowOf("pair", { ...keyed, concurrency: 2 }), flowOf("single", keyed)],
        { "pair.ts": noting(started, taking(1_000)), "single.ts": noting(started, taking(1_000)) },
        { concurrency: 10 }
      )
    )
  )
})

it.effect(
  "500 runs that their group holds back, ready or due for a retry, do not hold back the one behind",
  () => {
    const started: Array<string> = []
    return Effect.gen(function* () {
      const engine = yield* Engine
      yield* dispatchOne(event("holder", { repo: "x" }))
      yield* Effect.forEach(
        Array.from({ length: 500 }, (_, n) => n),
        (n) => engine.dispatch(event(`held${n}`, { repo: "x" })),
        { discard: true }
      )
      yield* dispatchOne(event("other", { repo: "y" }))
      yield* until(
        Effect.sync(() => started),
        (ids) => ids.includes("other")
      )
      expect(started).toEqual(["holder", "other"])
    }).pipe(
      Effect.provide(
        memoryEngine(
          [singleStepFlow("keyed", eventType, { concurrencyKey: "/payload/repo" })],
          { "keyed.ts": noting(started, () => Effect.never) },
          { concurrency: 2 }
        )
      )
    )
  }
)
