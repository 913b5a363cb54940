/**
 * `import { createHttpFlowClient } from "@patchmoi/sdk/http"`: the client of a server, for Bun, Node 20 and browsers. It
 * reaches no store, no executor and no built-in module.
 */
export * from "./client/errors.ts"
export type { CallOptions } from "./client/FlowCalls.ts"
export { createHttpFlowClient, HttpFlowClient } from "./client/HttpFlowClient.ts"
export type { Fetch, HeadersOption, HttpFlowClientOptions } from "./client/http/HttpClientOptions.ts"
export type { Change, EventView } from "./client/views.ts"
