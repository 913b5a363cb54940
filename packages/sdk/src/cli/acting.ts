/**
 * For commands that make a step run, such as `flow fire`, `event replay` and `run approve`. Where a service is on the record, the
 * step is the service's: it has the variables, the limits and the executor that were chosen for it. The command then writes
 * what it asks for and waits. Where there is none, it runs the step itself.
 */
import type { Engine } from "@patchmoi/core/engine/Engine"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import type { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import type { StoreError } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerEngineOverStore, layerStore, type StateKind } from "../composeEngine.ts"
import { isServed } from "../record/serviceLease.ts"
import { localOptions, recordState } from "./recordOptions.ts"
import { requireRecord } from "./requireRecord.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"
import { stepSecrets } from "./stepSecrets.ts"

/** What such a command works with. */
export type ActingServices = Engine | FlowCatalog | Store

/** How long a look at the flows holds, in milliseconds: a command tells of broken ones, and then dispatches. */
const flowLookMillis = 250

/** How often a command that waits looks whether the service is still there. */
const lookTime = "1 second"

/**
 * Runs an effect over a record that is there, with an engine that runs what the effect queues, or that leaves it to the
 * service on the record. Rejects with {@link NoRecord}, or `StoreLocked` while a service writes a record in files.
 */
export const actingOnRecord = async <A, E>(
  session: Session,
  dataDir: string,
  effect: Effect.Effect<A, E, ActingServices>
): Promise<A> => {
  requireRecord(dataDir)
  return acting(session, recordState(dataDir, "write"), effect)
}

/** The same over a record that may be new, or in memory. */
export const acting = async <A, E>(
  session: Session,
  state: StateKind,
  effect: Effect.Effect<A, E, ActingServices>
): Promise<A> => {
  const secrets = await stepSecrets(session)
  const layerEngine = (engine: EngineOptions) =>
    layerEngineOverStore({ ...localOptions(session, { state, secrets, engine }), flowLookMillis })
  if (state.kind === "memory") {
    const layer = Layer.provideMerge(layerEngine({}), layerStore(state))
    return runWith(session, layer, effect, { leavesNothing: true })
  }
  const act = Effect.gen(function* () {
    const served = yield* isServed
    // What a stopped service left queued is left to the next one.
    const layer = layerEngine(served ? { runs: false } : { claims: "own" })
    const done = Effect.scoped(
      Effect.flatMap(Layer.build(layer), (services) => Effect.provide(effect, services))
    )
    return yield* served ? Effect.raceFirst(done, tellWhenGone(session)) : done
  })
  return runWith(session, layerStore(state), act)
}

// --- internal ---

/** A service that goes away while a command waits for it leaves the command waiting for the next one: whoever looks is told. */
const tellWhenGone = (session: Session): Effect.Effect<never, StoreError, Store> =>
  Effect.gen(function* () {
    let wasServed = true
    while (true) {
      yield* Effect.sleep(lookTime)
      const served = yield* isServed
      if (wasServed && !served) {
        session.note(
          "The service on this record has gone; what was asked for is kept, and this command waits for the next service. Ctrl-C cancels it."
        )
      }
      wasServed = served
    }
  })
