/**
 * An engine on this machine: a store, an executor and a catalog under it. `compose.ts` puts the flow service on top; a command
 * that needs no more than the engine does not load that.
 */
import * as Engine from "@patchmoi/core/engine/Engine"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import { Executor } from "@patchmoi/core/executor/Executor"
import type { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import type { LogDamaged, StoreLocked } from "@patchmoi/store-file"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BunExecutor from "./executor/BunExecutor.ts"
import type { ExecutorKind } from "./executor/ExecutorKind.ts"
import { type RunningSteps, watchedBy } from "./executor/RunningSteps.ts"
import type { StepEnvironment } from "./executor/StepEnvironment.ts"
import type { SystemdUnavailable } from "./executor/SystemdManager.ts"
import { isWorkerDead, makeWorkerId } from "./executor/workerIdentity.ts"
import * as FlowCatalogFiles from "./flow/FlowCatalogFiles.ts"
import type { RecordUnusable } from "./record/RecordUnusable.ts"
import { findRecordKind } from "./record/recordKind.ts"

/** Where the record is kept. `none` forgets it, and refuses to be asked for it. `read` looks at a folder that another process writes. */
export type StateKind =
  | { readonly kind: "none" }
  | { readonly kind: "memory" }
  | { readonly kind: "file"; readonly dataDir: string; readonly access: "write" | "read" }
  | { readonly kind: "sqlite"; readonly dataDir: string; readonly access: "write" | "read" }

/** What an engine on this machine stands on: its flows, its record, and what its steps run in. */
export interface LocalOptions {
  /** The workspace: where flows are looked for, and what their paths may not leave. Absolute. */
  readonly workspaceRoot: string
  /** Folders of flows. Default: `.codex/flows` and `flows` in the workspace. */
  readonly flowRoots?: ReadonlyArray<string>
  /** How long a look at the flows holds, in milliseconds. Default: 0, each event looks. */
  readonly flowLookMillis?: number
  readonly state: StateKind
  /** The variables that steps get. A secret of patchmoi is never among them. */
  readonly environment: StepEnvironment
  /** What runs steps: processes of their own, or units of systemd's user manager. Default: `bun`. */
  readonly executor?: ExecutorKind
  /** Told which steps run, so that a program which leaves without a stop can end them. Default: nobody is told. */
  readonly runningSteps?: RunningSteps
  /** Limits and waits of the engine. Default: those that `EngineOptions` names. */
  readonly engine?: EngineOptions
  /** Whether events that are queued for other backends are handed over to them. Default: true. */
  readonly handsOver?: boolean
}

/** What stands between the caller and a store on disk. */
export type OpenError =
  | StoreError
  | VersionConflict
  | StoreLocked
  | LogDamaged
  | RecordUnusable
  | SystemdUnavailable

/** The engine over a store that is open. */
export const layerEngineOverStore = (
  options: LocalOptions
): Layer.Layer<
  Engine.Engine | FlowCatalog,
  StoreError | VersionConflict | SystemdUnavailable,
  Store.Store
> => {
  const { state, engine } = options
  const runs = runsHere(options)
  const catalog = FlowCatalogFiles.layer({
    workspaceRoot: options.workspaceRoot,
    ...(options.flowRoots === undefined ? {} : { roots: options.flowRoots }),
    ...(options.flowLookMillis === undefined ? {} : { lookMillis: options.flowLookMillis })
  })
  return ("dataDir" in state ? layerEngine({ ...engine, runs }) : Engine.layer({ ...engine, runs })).pipe(
    Layer.provideMerge(catalog),
    Layer.provide(layerExecutor(options))
  )
}

/** Whether what is queued in the store is run here: not where it is only read, nor where the caller says no. */
export const runsHere = ({ state, engine }: LocalOptions): boolean =>
  !("access" in state && state.access === "read") && engine?.runs !== false

/** The store of a kind of state. One on disk is loaded when it is asked for, and refused in a folder that holds another. */
export const layerStore = (state: StateKind): Layer.Layer<Store.Store, OpenError> =>
  state.kind === "file" || state.kind === "sqlite"
    ? Layer.unwrapEffect(
        Effect.zipRight(
          findRecordKind(state.dataDir, state.kind, state.kind),
          Effect.promise(() => loadStore(state))
        )
      )
    : Store.layerMemory

// --- internal ---

/** The engine of a record that others open too, under a name from which they can tell that it is gone. */
const layerEngine = (options: EngineOptions) =>
  Layer.unwrapEffect(
    Effect.map(options.runs === false ? Effect.succeed(undefined) : makeWorkerId, (workerId) =>
      Engine.layer({ isWorkerDead, ...(workerId === undefined ? {} : { workerId }), ...options })
    )
  )

/** The executor that was chosen. The one for systemd is loaded when it is asked for. */
const layerExecutor = ({
  environment,
  executor,
  runningSteps
}: LocalOptions): Layer.Layer<Executor, SystemdUnavailable> => {
  const chosen =
    executor === "systemd-run"
      ? Layer.unwrapEffect(
          Effect.promise(async () => (await import("./executor/SystemdExecutor.ts")).layer({ environment }))
        )
      : BunExecutor.layer({ environment })
  return runningSteps === undefined
    ? chosen
    : Layer.map(chosen, (context) =>
        Context.make(Executor, watchedBy(runningSteps, environment.values)(Context.get(context, Executor)))
      )
}

type DiskState = Extract<StateKind, { readonly dataDir: string }>

const loadStore = async (state: DiskState): Promise<Layer.Layer<Store.Store, OpenError>> =>
  state.kind === "file"
    ? (await import("./record/fileStore.ts")).layerFileStore(state)
    : (await import("./record/sqliteStore.ts")).layerSqliteStore(state)
