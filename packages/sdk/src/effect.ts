/**
 * `@patchmoi/sdk/effect`: the flow service and its layers, for programs that are Effect themselves.
 *
 *     const program = Effect.flatMap(Flow, (flow) => flow.dispatchEvent(event))
 *     program.pipe(Effect.provide(layerLocal({ workspaceRoot, state: { kind: "memory" }, environment })))
 */
export { QueueFull } from "@patchmoi/core/engine/Backpressure"
export * as Engine from "@patchmoi/core/engine/Engine"
export { EventForgotten, UnknownEvent } from "@patchmoi/core/event/Events"
export { InvalidEvent } from "@patchmoi/core/event/normalizeEvent"
export * as ExecutorMemory from "@patchmoi/core/executor/ExecutorMemory"
export * as FlowCatalog from "@patchmoi/core/flow/FlowCatalog"
export {
  InvalidDecision,
  RunAlreadyEnded,
  RunNotAwaitingApproval,
  UnknownRun
} from "@patchmoi/core/run/RunCommand"
export { CursorInvalid } from "@patchmoi/core/store/Cursor"
export { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
export * as Store from "@patchmoi/core/store/Store"
export * as FileStore from "@patchmoi/store-file/FileStore"
export { LogDamaged, StoreLocked } from "@patchmoi/store-file/FileStoreErrors"
export * from "./client/http/HttpErrors.ts"
export * from "./compose.ts"
export {
  type LocalOptions,
  layerEngineOverStore,
  layerStore,
  type OpenError,
  type StateKind
} from "./composeEngine.ts"
export * as BunExecutor from "./executor/BunExecutor.ts"
export * from "./executor/ExecutorKind.ts"
export * as SystemdExecutor from "./executor/SystemdExecutor.ts"
export { SystemdUnavailable } from "./executor/SystemdManager.ts"
export * from "./Flow.ts"
export * as FlowHttp from "./FlowHttp.ts"
export * as FlowLocal from "./FlowLocal.ts"
export * as FlowCatalogFiles from "./flow/FlowCatalogFiles.ts"
export * as FeedHttp from "./intake/FeedHttp.ts"
export * as Poller from "./intake/Poller.ts"
export * as WatchService from "./intake/WatchService.ts"
export * as Outbox from "./outbox/Outbox.ts"
export { RecordUnusable } from "./record/RecordUnusable.ts"
