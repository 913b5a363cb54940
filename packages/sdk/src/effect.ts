/**
 * `@patchmoi/sdk/effect`: the flow service and its layers, for programs that are Effect themselves.
 *
 *     const program = Effect.flatMap(Flow, (flow) => flow.dispatchEvent(event))
 *     program.pipe(Effect.provide(layerLocal({ workspaceRoot, state: { kind: "memory" }, environment })))
 */
export * as Engine from "@patchmoi/core/engine/Engine"
export * as ExecutorMemory from "@patchmoi/core/executor/ExecutorMemory"
export * as FlowCatalog from "@patchmoi/core/flow/FlowCatalog"
export * as Store from "@patchmoi/core/store/Store"
export * as FileStore from "@patchmoi/store-file/FileStore"
export * from "./compose.ts"
export * as BunExecutor from "./executor/BunExecutor.ts"
export * from "./Flow.ts"
export * as FlowLocal from "./FlowLocal.ts"
export * as FlowCatalogFiles from "./flow/FlowCatalogFiles.ts"
export * as FeedHttp from "./intake/FeedHttp.ts"
export * as Poller from "./intake/Poller.ts"
