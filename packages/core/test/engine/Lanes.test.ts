import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { look, type UnderWay } from "../../src/engine/Lanes.ts"
import type { RunId } from "../../src/Ids.ts"
import type { RunDocument } from "../../src/run/RunDocument.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType } from "./support.ts"

/** Queued runs in lanes of their own key, and a store that counts how often ready runs are read, and how many. */
const queueOf = (keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const memory = yield* DriverMemory.make
    const reads: Array<number> = []
    const driver: Driver = {
      ...memory,
      list: (query) =>
        Effect.tap(memory.list(query), (listed) => {
          if (query.index === "ready") reads.push(listed.length)
        })
    }
    const store = Store.make(driver)
    const flow = singleStepFlow("step", eventType, { concurrencyKey: "/payload/key", concurrency: 1 })
    const engine = engineOver([flow], {}, { runs: false })
    const runIds = yield* Effect.forEach(keys, (key, at) => dispatchOne(event(`${at}`, { key }))).pipe(
      Effect.provide(Layer.provideMerge(engine, Layer.succeed(Store.Store, store)))
    )
    return { store, runIds, reads }
  })

const under = (runIds: ReadonlyArray<RunId>): UnderWay => ({
  has: (runId) => runIds.includes(runId),
  claimingCount: () => runIds.length
})

/** Every lane with all of its runs, by the ids of their events. */
const lanesOf = (store: typeof Store.Store.Service, underWay: UnderWay, wanted: number) =>
  Effect.gen(function* () {
    const lanes = yield* look(store, underWay, wanted)
    const found: Array<ReadonlyArray<string>> = []
    let lane = yield* lanes.after(undefined)
    while (lane !== undefined) {
      const runs: Array<RunDocument> = []
      for (let run = yield* lane.next; run !== undefined; run = yield* lane.next) runs.push(run)
      found.push(runs.map(({ eventId }) => eventId))
      lane = yield* lanes.after(lane.place)
    }
    return found
  })

describe("the lanes of a queue", () => {
  it.effect("each have their runs, the oldest first, however much is read at a time", () =>
    Effect.gen(function* () {
      const { store } = yield* queueOf(["a", "b", "a", "c", "b", "a", "d", "a"])
      const lanes = [["0", "2", "5", "7"], ["1", "4"], ["3"], ["6"]]
      for (const wanted of [1, 2, 3, 50]) {
        const found = yield* lanesOf(store, under([]), wanted)
        expect(found.toSorted()).toEqual(lanes.toSorted())
      }
    })
  )

  it.effect("are without what is under way here, and there is no lane of nothing else", () =>
    Effect.gen(function* () {
      const { store, runIds } = yield* queueOf(["a", "b", "a", "c", "b", "a", "d", "a"])
      const claimed = [0, 2, 3, 4].flatMap((at) => runIds[at] ?? [])
      for (const wanted of [1, 2, 50]) {
        const found = yield* lanesOf(store, under(claimed), wanted)
        expect(found.toSorted()).toEqual([["1"], ["5", "7"], ["6"]])
      }
    })
  )

  it.effect("give the next run behind those that are being claimed with one read", () =>
    Effect.gen(function* () {
      const { store, runIds, reads } = yield* queueOf(Array.from({ length: 20 }, () => "a"))
      const lanes = yield* look(store, under(runIds.slice(0, 7)), 1)
      const lane = yield* lanes.after(undefined)
      const next = lane === undefined ? undefined : yield* lane.next
      expect(next?.id).toBe(runIds[7])
      expect(reads).toEqual([8])
    })
  )

  it.effect("of one run each are read together", () =>
    Effect.gen(function* () {
      const { store, reads } = yield* queueOf(Array.from({ length: 30 }, (_, at) => `key-${at}`))
      expect(yield* lanesOf(store, under([]), 10)).toHaveLength(30)
      expect(reads.length).toBeLessThanOrEqual(8)
    })
  )
})
