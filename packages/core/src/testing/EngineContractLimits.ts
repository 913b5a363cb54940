/** The contract of an engine: how many runs are under way, in which order they start, and how many may wait. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import type { Flow } from "../flow/Flow.ts"
import { ended, eventually, HeldSteps, type MakeStorePlace, startEngine } from "./EngineContractParts.ts"
import { it } from "./effectTest.ts"
import { singleStepFlow } from "./flows.ts"

/** A flow whose step runs for events of the type of its own name. */
const flowOf = (name: string, plan: Parameters<typeof singleStepFlow>[2] = {}): Flow =>
  singleStepFlow(name, name, plan)

const numbered = (prefix: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`)

/**
 * Holds an engine to its limits (in all, of a flow, and of a key over two engines), to the order in which runs start, and to
 * the bound on its queue, which never refuses a known event.
 */
export const engineLimitsContract = (place: MakeStorePlace): void =>
  describe("limits", () => {
    it.live("so many runs of all and of one flow are under way, and all of them end", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const held = new HeldSteps()
        const service = yield* startEngine(store, {
          flows: [flowOf("a"), flowOf("b")],
          steps: { "a.ts": held.step(), "b.ts": held.step() },
          options: { concurrency: 3, concurrencyPerFlow: 2 }
        })
        const a = yield* Effect.forEach(numbered("a", 6), (id) => service.queue(id, "a"))
        const b = yield* Effect.forEach(numbered("b", 6), (id) => service.queue(id, "b"))
        yield* eventually(
          Effect.sync(() => held.running("all")),
          (count) => count === 3
        )
        yield* held.letAllGo
        const runs = yield* ended(service, [...a, ...b])
        expect(runs.map(({ processStatus }) => processStatus)).toEqual(runs.map(() => "completed"))
        expect(held.begun.toSorted()).toEqual([...numbered("a", 6), ...numbered("b", 6)])
        expect([held.peak("all"), held.peak("a")]).toEqual([3, 2])
        expect(held.peak("b")).toBeLessThanOrEqual(2)
      })
    )

    it.live("two engines together keep the limit of a key, and run each run once", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const held = new HeldSteps()
        yield* held.letAllGo
        const parts = {
          flows: [flowOf("keyed", { concurrencyKey: "/payload/repo" })],
          steps: { "keyed.ts": held.step() },
          options: { concurrency: 4 }
        }
        const [one, other] = [yield* startEngine(store, parts), yield* startEngine(store, parts)]
        const ids = numbered("k", 20)
        const runIds = yield* Effect.forEach(ids, (id, index) =>
          (index % 2 === 0 ? one : other).queue(id, "keyed", { repo: "x" })
        )
        const runs = yield* ended(one, runIds)
        expect(runs.every(({ attempts }) => attempts.length === 1)).toBe(true)
        expect(held.begun.toSorted()).toEqual(ids.toSorted())
        expect(held.peak("all")).toBe(1)
      })
    )

    it.live("higher priority starts first, keys take turns, and of one key the older run is first", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const held = new HeldSteps()
        const keyed = { concurrencyKey: "/payload/repo" }
        const service = yield* startEngine(store, {
          flows: [flowOf("normal", keyed), flowOf("high", { ...keyed, priority: 10 })],
          steps: { "normal.ts": held.step(), "high.ts": held.step() },
          options: { concurrency: 1 }
        })
        const first = yield* service.queue("holder", "normal", { repo: "h" })
        yield* eventually(
          Effect.sync(() => held.begun.length),
          (count) => count === 1
        )
        const queued = yield* Effect.forEach(
          [...numbered("x", 4), ...numbered("y", 2), ...numbered("p", 2)],
          (id) => service.queue(id, id.startsWith("p") ? "high" : "normal", { repo: id.slice(0, 1) })
        )
        yield* held.letAllGo
        yield* ended(service, [first, ...queued])
        expect(held.begun.slice(0, 3)).toEqual(["holder", "p1", "p2"])
        expect(held.begun.filter((id) => id.startsWith("x"))).toEqual([...numbered("x", 4)])
        expect(held.begun.filter((id) => id.startsWith("y"))).toEqual([...numbered("y", 2)])
        expect(held.begun.indexOf("y1")).toBeLessThan(held.begun.indexOf("x2"))
        expect(held.begun.indexOf("y2")).toBeLessThan(held.begun.indexOf("x3"))
      })
    )

    it.live("a full queue refuses what would queue more until it has room, and known events never", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const held = new HeldSteps()
        const flows = [flowOf("a")]
        const bounded = { concurrency: 1, queueMax: 3 }
        const idle = yield* startEngine(store, { flows, options: { ...bounded, runs: false } })
        const runIds = yield* Effect.forEach(numbered("e", 3), (id) => idle.queue(id, "a"))
        const refused = yield* Effect.flip(idle.engine.dispatch({ id: "late", type: "a" }))
        expect(refused).toMatchObject({ _tag: "QueueFull", queued: 3, queueMax: 3 })
        expect(yield* idle.engine.dispatch({ id: "e1", type: "a", payload: {} })).toMatchObject({
          status: "duplicate"
        })
        const service = yield* startEngine(store, {
          flows,
          steps: { "a.ts": held.step() },
          options: bounded
        })
        yield* held.letAllGo
        yield* ended(service, runIds)
        const late = yield* service.queue("late", "a")
        yield* ended(service, [late])
        expect(held.begun).toEqual([...numbered("e", 3), "late"])
      })
    )
  })
