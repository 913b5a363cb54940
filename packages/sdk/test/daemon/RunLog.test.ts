/** The log of runs goes on when the store can be read again, and tells every row once. */
import { expect } from "bun:test"
import * as Engine from "@patchmoi/core/engine/Engine"
import { layer as layerSteps, succeeded } from "@patchmoi/core/executor/ExecutorMemory"
import { layerMemory as layerCatalog } from "@patchmoi/core/flow/FlowCatalog"
import * as DriverMemory from "@patchmoi/core/store/DriverMemory"
import { StoreError } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { singleStepFlow } from "@patchmoi/core/testing/flows"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as RunLog from "../../src/daemon/RunLog.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"

const refused = new StoreError({ operation: "read the log", reason: "not now" })

it.live("after a read that failed, of the log or of a run", () =>
  Effect.gen(function* () {
    const driver = yield* DriverMemory.make
    const faults = { readAfter: 0, load: 0 }
    const failing = <A>(name: keyof typeof faults, effect: Effect.Effect<A, StoreError>) =>
      Effect.suspend(() => {
        if (faults[name] === 0) return effect
        faults[name] -= 1
        return Effect.fail(refused)
      })
    const watched = Layer.succeed(
      Store.Store,
      Store.make({
        ...driver,
        readAfter: (position, limit) => failing("readAfter", driver.readAfter(position, limit)),
        load: (view, key, stream) => failing("load", driver.load(view, key, stream))
      })
    )
    const told: Array<number> = []
    yield* Effect.provide(
      RunLog.make(({ position }) => void told.push(position)),
      watched
    )
    const steps = layerSteps({ "step.ts": () => Effect.succeed(succeeded({ status: "completed" })) })
    const parts = Layer.mergeAll(
      Layer.succeed(Store.Store, Store.make(driver)),
      layerCatalog([singleStepFlow("step", "t")]),
      steps
    )
    const engine = yield* Effect.map(Layer.build(Layer.provide(Engine.layer(), parts)), (context) =>
      Effect.provide(Engine.Engine, context)
    )
    const { awaitRuns, dispatch } = yield* engine
    for (const fault of ["readAfter", "load"] as const) {
      faults[fault] = 1
      const { runIds } = yield* dispatch({ id: fault, type: "t" })
      yield* awaitRuns(runIds)
      const head = yield* driver.head
      yield* Effect.promise(() => eventually("all is told", () => told.at(-1) === head))
      expect(faults[fault]).toBe(0)
    }
    expect(told).toEqual(Array.from({ length: told.length }, (_, index) => index + 1))
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)
