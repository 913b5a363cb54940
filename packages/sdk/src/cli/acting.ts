/**
 * For commands that make a step run again, such as `event replay` and `run approve`, or for the first time in a record that is kept. Where a service is on the record, the
 * step is the service's: it has the variables, the limits and the executor that were chosen for it. The command then writes
 * what it asks for and waits. Where there is none, it runs the step itself.
 */
import type { StoreError } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerOverStore, layerStore, type StateKind } from "../compose.ts"
import { isServed } from "../record/serviceLease.ts"
import { localOptions, type RecordServices, recordState } from "./record.ts"
import { requireRecord } from "./requireRecord.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"
import { stepSecrets } from "./stepSecrets.ts"

/** How often a command that waits looks whether the service is still there. */
const lookTime = "1 second"

/**
 * Runs an effect over a record that is there, with an engine that runs what the effect queues, or that leaves it to the
 * service on the record. Rejects with {@link NoRecord}, or `StoreLocked` while a service writes a record in files.
 */
export const actingOnRecord = async <A, E>(
  session: Session,
  dataDir: string,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  requireRecord(dataDir)
  return acting(session, recordState(dataDir, "write"), effect)
}

/** The same over a record that may be new. */
export const acting = async <A, E>(
  session: Session,
  state: StateKind,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  const secrets = await stepSecrets(session)
  const act = Effect.gen(function* () {
    const served = yield* isServed
    // What a stopped service left queued is left to the next one.
    const engine = served ? ({ runs: false } as const) : ({ claims: "own" } as const)
    const options = localOptions(session, { state, secrets, engine })
    const done = Effect.scoped(
      Effect.flatMap(Layer.build(layerOverStore(options)), (services) => Effect.provide(effect, services))
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
