import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { compact } from "../../src/compaction/Compaction.ts"
import { Runs } from "../../src/run/Runs.ts"
import type { Driver, StoredDocument } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { documentsDigest } from "../../src/store/TransferDigest.ts"
import { until, untilLater } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, engineOver, event, eventType, noting, runOf } from "./support.ts"

/** A driver over a disk that gives back half of the documents that are named. */
const damaging = (driver: Driver, keys: ReadonlySet<string>): Driver => {
  const damaged = <Document extends StoredDocument>(document: Document): Document =>
    keys.has(document.key) ? { ...document, value: document.value?.slice(1) } : document
  const { loadNow } = driver
  return {
    ...driver,
    load: (view, key, stream) => Effect.map(driver.load(view, key, stream), damaged),
    list: (query) => Effect.map(driver.list(query), (listed) => listed.map((one) => damaged(one))),
    ...(loadNow === undefined
      ? {}
      : {
          loadNow: (view, key, stream) => {
            const found = loadNow(view, key, stream)
            return found === undefined ? undefined : damaged(found)
          }
        })
  }
}

const flow = singleStepFlow("step", eventType)

for (const isAtHand of [true, false]) {
  it.effect(
    `a document that is no JSON any more is an error that names it (${isAtHand ? "at once" : "later"})`,
    () =>
      Effect.gen(function* () {
        const keys = new Set<string>()
        const { loadNow, ...waiting } = yield* DriverMemory.make
        const driver = damaging(isAtHand && loadNow !== undefined ? { ...waiting, loadNow } : waiting, keys)
        const store = Store.make(driver)
        const runId = yield* dispatchOne(event("e1")).pipe(
          Effect.provide(
            Layer.provide(engineOver([flow], {}, { runs: false }), Layer.succeed(Store.Store, store))
          )
        )
        keys.add(runId)
        const cancel = { _tag: "Cancel" } as const
        const refusals = yield* Effect.all([
          Effect.flip(store.load(Runs, runId)),
          Effect.flip(store.list(Runs)),
          Effect.flip(store.commit((unit) => unit.execute(Runs, runId, cancel))),
          Effect.flip(store.transact((unit) => unit.execute(Runs, runId, cancel))),
          Effect.flip(documentsDigest(driver, [Runs])),
          Effect.flip(compact(driver, { before: Number.MAX_SAFE_INTEGER }))
        ])
        for (const refusal of refusals) {
          expect(refusal._tag).toBe("StoreError")
          expect(refusal.message).toContain(`the document of run/${runId}: it is damaged`)
        }
      })
  )
}

it.effect(
  "a queued run that is damaged takes no attempt with it that ends, nor the queue once it is whole",
  () =>
    Effect.gen(function* () {
      const keys = new Set<string>()
      const over = Layer.succeed(Store.Store, Store.make(damaging(yield* DriverMemory.make, keys)))
      const [first, second] = yield* Effect.all([dispatchOne(event("e1")), dispatchOne(event("e2"))]).pipe(
        Effect.provide(Layer.provideMerge(engineOver([flow], {}, { runs: false }), over))
      )
      const step = noting([], (invocation, print) => {
        if (invocation.runId === first) keys.add(second)
        return answering()(invocation, print)
      })
      yield* Effect.gen(function* () {
        yield* until(runOf(first), ({ processStatus }) => processStatus === "completed")
        expect(keys.has(second)).toBe(true)
        keys.delete(second)
        yield* untilLater(1_000, runOf(second), ({ processStatus }) => processStatus === "completed")
      }).pipe(
        Effect.provide(Layer.provideMerge(engineOver([flow], { "step.ts": step }, { concurrency: 1 }), over))
      )
    })
)
