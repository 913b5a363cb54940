/**
 * The durable backend: the engine over a record on disk, and the HTTP server in front of it, until it is interrupted.
 *
 * An interruption takes no further request and claims nothing more; running steps get their grace, the rest end as lost and
 * run again at the next start. What was acknowledged is on the disk by then.
 */
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { Engine } from "@patchmoi/core/engine/Engine"
import { type EngineOptions, withDefaults } from "@patchmoi/core/engine/EngineOptions"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { layerOverStore } from "../compose.ts"
import { layerStore } from "../composeEngine.ts"
import type { ExecutorKind } from "../executor/ExecutorKind.ts"
import type { RunningSteps } from "../executor/RunningSteps.ts"
import { Flow } from "../Flow.ts"
import { findRecordKind } from "../record/recordKind.ts"
import { holdServiceLease } from "../record/serviceLease.ts"
import type { StoreKind } from "../record/storeKinds.ts"
import { Metrics } from "../server/Metrics.ts"
import { type Listening, requireSecret, type ServeOptions, serve } from "../server/serve.ts"
import { tokensFileName } from "../server/Tokens.ts"
import * as RunLog from "./RunLog.ts"

/** How long a backend's look at its flows holds, in milliseconds: an edit counts for events that come that much later. */
export const flowLookMillis = 100

/** What a backend serves and keeps, on top of where it listens; `patchmoi serve` takes it from flags and variables. */
export interface BackendOptions extends Omit<ServeOptions, "tokensFile" | "metrics"> {
  /** The workspace: where flows are looked for, and what their paths may not leave. Absolute. */
  readonly workspaceRoot: string
  /** Where the record is kept, and `tokens.json` beside it; absolute. */
  readonly dataDir: string
  /** The store of the folder. Default: the one that it holds, else `sqlite`. */
  readonly store?: StoreKind | undefined
  /** What runs steps. Default: `bun`. */
  readonly executor?: ExecutorKind
  /** The variables of the service; a step gets the short list of a service and what its manifest names. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The names that every step gets, instead of the short list. */
  readonly forward?: ReadonlyArray<string>
  /** Names of variables that no step gets, besides those of patchmoi. */
  readonly secretNames?: ReadonlyArray<string>
  /**
   * Default: those of the engine, with as many runs at once as there are cores, `launchedBy` `patchmoi-backend` and a lease of
   * {@link leaseMillis}.
   */
  readonly engine?: EngineOptions
  /** Told which steps run, for whoever ends the process without a stop. */
  readonly runningSteps?: RunningSteps
}

/**
 * How long an attempt stays leased without a heartbeat, in milliseconds. A server that was killed is known to be dead on its
 * own machine; one elsewhere that took over its record would wait for so long.
 */
export const leaseMillis = 5_000

/** Opens record, engine and server, in this order; closing the scope closes them the other way round. */
export const open = Effect.fn("Backend.open")(function* (options: BackendOptions) {
  const { workspaceRoot, dataDir, executor, forward, engine = {}, env, runningSteps } = options
  yield* requireSecret(options)
  const kind = yield* findRecordKind(dataDir, options.store, "sqlite")
  const state = { kind, dataDir, access: "write" } as const
  const store = yield* Layer.build(layerStore(state))
  const metrics = new Metrics()
  const runLog = yield* Effect.provide(
    RunLog.make(({ type, data }) => metrics.recorded(type, data)),
    store
  )
  const environment = {
    mode: "service",
    values: env,
    secrets: options.secretNames ?? [],
    ...(forward === undefined ? {} : { forward })
  } as const
  const local = layerOverStore({
    workspaceRoot,
    flowLookMillis,
    state,
    environment,
    ...(executor === undefined ? {} : { executor }),
    ...(runningSteps === undefined ? {} : { runningSteps }),
    engine: { launchedBy: "patchmoi-backend", leaseMillis, concurrency: availableParallelism(), ...engine }
  })
  const services = yield* Effect.provide(Layer.build(local), store)
  const listening = yield* Effect.provide(listen({ ...options, metrics }, runLog), services)
  // Given back before the drain begins: what is asked for from then on is not for this service.
  yield* Effect.provide(holdServiceLease, store)
  return listening
})

/** Runs the backend; ends only when it is interrupted, or fails at its start. `onListening` is told where it listens. */
export const run = (options: BackendOptions, onListening: (listening: Listening) => Effect.Effect<void>) =>
  Effect.scoped(Effect.zipRight(Effect.flatMap(open(options), onListening), Effect.never))

// --- internal ---

const listen = (options: BackendOptions & { readonly metrics: Metrics }, runLog: RunLog.RunLog) =>
  Effect.gen(function* () {
    const flow = yield* Flow
    const engine = yield* Engine
    const { engine: engineOptions = {}, dataDir, ...serveOptions } = options
    const listening = yield* serve(flow, { ...serveOptions, tokensFile: join(dataDir, tokensFileName) })
    yield* stopTogether(
      runLog.stopping(withDefaults(engineOptions, "").shutdownGraceMillis),
      // Whoever waits for a run is answered while it drains; what runs on is cut off when both are done.
      Effect.all([listening.stop, engine.drain], { concurrency: 2, discard: true })
    )
    return listening
  })

const stopTogether = (
  said: Effect.Effect<void>,
  stopped: Effect.Effect<void>
): Effect.Effect<void, never, Scope.Scope> => Effect.addFinalizer(() => Effect.zipRight(said, stopped))
