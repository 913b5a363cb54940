import { expect } from "bun:test"
import * as Engine from "@patchmoi/core/engine/Engine"
import { Runs } from "@patchmoi/core/run/Runs"
import {
  DriverFaulty,
  DriverMemory,
  ExecutorMemory,
  FlowCatalog,
  it,
  Store,
  singleStepFlow
} from "@patchmoi/sdk/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

it.effect("a product tests its flows in memory, with a store that fails when it is told to", () =>
  Effect.gen(function* () {
    const { driver, faults } = DriverFaulty.make(yield* DriverMemory.make)
    const engine = Engine.layer().pipe(
      Layer.provideMerge(Layer.succeed(Store.Store, Store.make(driver))),
      Layer.provide(FlowCatalog.layerMemory([singleStepFlow("greet", "greeting.wanted")])),
      Layer.provide(
        ExecutorMemory.layer({
          "greet.ts": () => Effect.succeed(ExecutorMemory.succeeded({ status: "changed" }))
        })
      )
    )
    yield* Effect.gen(function* () {
      const { dispatch, awaitRuns } = yield* Engine.Engine
      yield* faults.failBefore(1)
      const refused = yield* Effect.flip(dispatch({ id: "1", type: "greeting.wanted" }))
      expect(refused).toMatchObject({ _tag: "StoreError" })
      const { runIds } = yield* dispatch({ id: "1", type: "greeting.wanted" })
      const [run] = yield* awaitRuns(runIds)
      expect(run?.result?.status).toBe("changed")
      const store = yield* Store.Store
      expect((yield* store.list(Runs)).items).toHaveLength(1)
    }).pipe(Effect.provide(engine))
  })
)
