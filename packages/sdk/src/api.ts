/**
 * `@patchmoi/sdk/api`: the HTTP API as a value, with the schemas of everything on the wire. For a browser as well: nothing
 * here needs a server, a store or a built-in module.
 */
export * from "./api/answers.ts"
export * from "./api/errorBody.ts"
export { FlowApi, IntakeApi, RecordApi } from "./api/FlowApi.ts"
export * from "./api/queries.ts"
export * from "./api/records.ts"
export { matchRoute, type Route, type RouteMatch, type RouteScope, routes } from "./api/routes.ts"
export * from "./api/runRecord.ts"
export * from "./api/signing.ts"
