/** What the contracts of compaction and of moving a compacted record begin with. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, layer as engineLayer } from "../engine/Engine.ts"
import { layer as executorLayer, type MemoryStep, succeeded } from "../executor/ExecutorMemory.ts"
import { layerMemory as catalogLayer } from "../flow/FlowCatalog.ts"
import { layerDriver } from "../store/Store.ts"
import { singleStepFlow } from "./flows.ts"
import type { MakeDriver } from "./StoreContractLedger.ts"

/** Later than anything that a test does. */
export const anyTime = 4_102_444_800_000

/** An engine over one kind of store, with a flow that ends and one whose run asks. */
export const engineOver = (make: MakeDriver) =>
  Layer.provideMerge(
    Layer.provide(
      engineLayer({ shutdownGraceMillis: 0 }),
      Layer.merge(
        catalogLayer([singleStepFlow("ending", "ends"), singleStepFlow("asking", "asks")]),
        executorLayer({ "ending.ts": ending, "asking.ts": asking })
      )
    ),
    layerDriver(make)
  )

/** Two plain events and a signal whose runs have ended, and one whose run waits for an approval. */
export const endedAndNot = Effect.gen(function* () {
  const engine = yield* Engine
  const dispatch = (id: string) =>
    engine.dispatch({
      id,
      type: id === "asking" ? "asks" : "ends",
      payload: { id },
      ...(id === "signal" ? { source: "patch" } : {})
    })
  for (const id of ["ended-0", "ended-1", "signal", "asking"]) {
    yield* engine.awaitRuns((yield* dispatch(id)).runIds)
  }
  return { dispatch }
})

// --- internal ---

const ending: MemoryStep = (_invocation, print) =>
  Effect.as(print({ stream: "stdout", text: "done\n" }), succeeded({ status: "completed" }))

const asking: MemoryStep = () =>
  Effect.succeed(succeeded({ status: "blocked", artifacts: { approval: { prompt: "Go on?" } } }))
