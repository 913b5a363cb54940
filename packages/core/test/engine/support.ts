/** An engine in memory and what its tests ask of it. Time is `TestClock`; nothing here sleeps. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Engine from "../../src/engine/Engine.ts"
import type { EngineOptions } from "../../src/engine/EngineOptions.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import type { Flow } from "../../src/flow/Flow.ts"
import * as FlowCatalog from "../../src/flow/FlowCatalog.ts"
import type { FlowResult } from "../../src/flow/FlowResult.ts"
import type { RunId } from "../../src/Ids.ts"
import type { RunDocument } from "../../src/run/RunDocument.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Store from "../../src/store/Store.ts"

type Steps = Readonly<Record<string, ExecutorMemory.MemoryStep>>

/** The type of the events that {@link event} makes. */
export const eventType = "thing.happened"

/** An event from outside. */
export const event = (id: string, payload: unknown = {}, type = eventType) => ({ id, type, payload })

/** A step that prints this result at once. */
export const answering =
  (result: FlowResult = { status: "completed" }): ExecutorMemory.MemoryStep =>
  () =>
    Effect.succeed(ExecutorMemory.succeeded(result))

/** A step that takes this long and completes. */
export const taking =
  (millis: number): ExecutorMemory.MemoryStep =>
  () =>
    Effect.as(Effect.sleep(millis), ExecutorMemory.succeeded({ status: "completed" }))

/** A step that writes down the id of each event it is run for, and then does what the other does. */
export const noting =
  (ids: Array<string>, step: ExecutorMemory.MemoryStep = answering()): ExecutorMemory.MemoryStep =>
  (invocation, print) =>
    Effect.suspend(() => {
      ids.push(invocation.event.id)
      return step(invocation, print)
    })

/** An engine with a store of its own. */
export const memoryEngine = (flows: ReadonlyArray<Flow>, steps: Steps, options: EngineOptions = {}) =>
  Layer.provideMerge(engineOver(flows, steps, options), Store.layerMemory)

/** An engine over the store of the context, to be started and stopped within a test. */
export const engineOver = (flows: ReadonlyArray<Flow>, steps: Steps, options: EngineOptions = {}) =>
  Layer.provide(
    // Time stands still when a test ends: waiting for the grace period would never end.
    Engine.layer({ shutdownGraceMillis: 0, ...options }),
    Layer.merge(FlowCatalog.layerMemory(flows), ExecutorMemory.layer(steps))
  )

/** Dispatches and gives the only run that follows. */
export const dispatchOne = (input: unknown) =>
  Effect.gen(function* () {
    const { runIds } = yield* (yield* Engine.Engine).dispatch(input)
    const [runId] = runIds
    if (runId === undefined || runIds.length > 1) return yield* Effect.dieMessage(`${runIds.length} runs`)
    return runId
  })

/** The run as it is now. */
export const runOf = (runId: RunId): Effect.Effect<RunDocument, never, Store.Store> =>
  Effect.flatMap(Store.Store, (store) => store.load(Runs, runId)).pipe(
    Effect.orDie,
    Effect.map(Option.getOrThrow)
  )
