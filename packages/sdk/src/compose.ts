/**
 * Where the layers meet: the flow service on top of an engine (`composeEngine.ts`). Everything that runs flows on this machine
 * (client, command line, daemon) is one of these.
 */
import type * as Engine from "@patchmoi/core/engine/Engine"
import type { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import type * as Store from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type LocalOptions,
  layerEngineOverStore,
  layerStore,
  type OpenError,
  runsHere
} from "./composeEngine.ts"
import type { SystemdUnavailable } from "./executor/SystemdManager.ts"
import type { Flow } from "./Flow.ts"
import * as FlowLocal from "./FlowLocal.ts"

/** The flow service with what it stands on, for this machine. */
export const layerLocal = (
  options: LocalOptions
): Layer.Layer<Flow | Engine.Engine | Store.Store | FlowCatalog, OpenError> =>
  Layer.provideMerge(layerOverStore(options), layerStore(options.state))

/** The same over a store that is open: for those who look at the record before the engine takes up what is queued in it. */
export const layerOverStore = (
  options: LocalOptions
): Layer.Layer<
  Flow | Engine.Engine | FlowCatalog,
  StoreError | VersionConflict | SystemdUnavailable,
  Store.Store
> =>
  FlowLocal.layer({ remembers: options.state.kind !== "none" }).pipe(
    Layer.provideMerge(layerEngineOverStore(options)),
    // Whoever runs what is queued here also hands over what is queued for others.
    Layer.provide(layerOutbox(options, runsHere(options)))
  )

// --- internal ---

/** The outbox, which is loaded where it is wanted. */
const layerOutbox = (
  { environment, handsOver }: LocalOptions,
  runs: boolean
): Layer.Layer<never, never, Store.Store> =>
  handsOver === false
    ? Layer.empty
    : Layer.unwrapEffect(
        Effect.promise(async () =>
          (await import("./outbox/Outbox.ts")).layer({ variables: environment.values, runs })
        )
      )
