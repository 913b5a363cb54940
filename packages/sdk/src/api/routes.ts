/** Every route as plain data, for those who must know a request before the typed API is loaded: which it is, and what it needs. */

/** What a caller must be allowed. `open`: nothing; whoever asks is answered. */
export type RouteScope = "open" | "read" | "dispatch" | "operate"

/** `plain`: a function beside the typed router. `typed`: an endpoint of `RecordApi`. */
export interface Route {
  readonly name: string
  readonly method: "GET" | "POST"
  /** Segments in braces stand for anything but a slash. */
  readonly path: string
  readonly scope: RouteScope
  readonly served: "plain" | "typed"
}

const plain = (method: Route["method"], path: string, scope: RouteScope, name: string): Route => ({
  name,
  method,
  path,
  scope,
  served: "plain"
})
const typed = (method: Route["method"], path: string, scope: RouteScope, name: string): Route => ({
  ...plain(method, path, scope, name),
  served: "typed"
})

/** All routes. One without a parameter stands before one with, where both fit. */
export const routes: ReadonlyArray<Route> = [
  plain("GET", "/healthz", "open", "healthz"),
  plain("GET", "/readyz", "open", "readyz"),
  plain("GET", "/metrics", "read", "metrics"),
  plain("GET", "/openapi.json", "read", "openapi"),
  plain("POST", "/events", "dispatch", "dispatch"),
  plain("POST", "/flow-events", "dispatch", "dispatch"),
  plain("POST", "/flow-dispatches", "dispatch", "dispatch"),
  plain("GET", "/changes", "read", "changes"),
  plain("GET", "/runs/{id}/output", "read", "output"),
  typed("POST", "/events/explain", "read", "explain"),
  typed("GET", "/events", "read", "events"),
  typed("GET", "/flow-events", "read", "events"),
  typed("GET", "/events/{id}", "read", "event"),
  typed("GET", "/flow-events/{id}", "read", "event"),
  typed("POST", "/events/{id}/replay", "operate", "replay"),
  typed("GET", "/runs/stuck", "read", "stuck"),
  typed("GET", "/runs", "read", "runs"),
  typed("GET", "/runs/{id}", "read", "run"),
  typed("POST", "/runs/{id}/cancel", "operate", "cancel"),
  typed("POST", "/runs/{id}/approve", "operate", "approve"),
  typed("POST", "/runs/{id}/reject", "operate", "reject"),
  typed("GET", "/maintenance-attempts", "read", "attempts"),
  typed("GET", "/maintenance-attempts/{id}", "read", "attempt"),
  typed("POST", "/maintenance-attempts/{id}/sync", "operate", "sync"),
  typed("GET", "/workspace-dispatches", "read", "dispatches"),
  typed("GET", "/flow-dispatches", "read", "dispatches"),
  typed("GET", "/flows", "read", "flows")
]

/** Longest id in a path, in characters as it stands there, percent-encoded: more than any id comes to. */
export const pathIdLengthMax = 8_192

/** What a path and a method lead to. */
export type RouteMatch =
  | { readonly _tag: "Found"; readonly route: Route; readonly id: string | undefined }
  /** The path is known, with these methods. */
  | { readonly _tag: "OtherMethod"; readonly allowed: ReadonlyArray<string> }
  /** The id in the path is not percent-encoded as it must be. */
  | { readonly _tag: "BadEncoding" }
  /** The id in the path is longer than {@link pathIdLengthMax}. */
  | { readonly _tag: "IdTooLong" }
  | { readonly _tag: "Unknown" }

/** Finds the route of a request. `path` is as it stands in the request, percent-encoded. */
export const matchRoute = (method: string, path: string): RouteMatch => {
  const fitting = routesOf(path)
  if (fitting.length === 0) return { _tag: "Unknown" }
  const route = fitting.find((each) => each.method === method)
  if (route === undefined) {
    return { _tag: "OtherMethod", allowed: [...new Set(fitting.map((each) => each.method))] }
  }
  if (!route.path.includes("{id}")) return { _tag: "Found", route, id: undefined }
  const id = path.split("/")[2] ?? ""
  if (id.length > pathIdLengthMax) return { _tag: "IdTooLong" }
  try {
    return { _tag: "Found", route, id: decodeURIComponent(id) }
  } catch {
    return { _tag: "BadEncoding" }
  }
}

// --- internal ---

// Without `Map.groupBy`, which Node 20 lacks: programs on Node load this module.
const byPath = new Map(routes.map(({ path }) => [path, routes.filter((route) => route.path === path)]))

const routesOf = (path: string): ReadonlyArray<Route> => {
  const exact = byPath.get(path) ?? []
  const [, noun, id, verb, ...more] = path.split("/")
  if (id === undefined || id === "" || more.length > 0) return exact
  const withId = byPath.get(verb === undefined ? `/${noun}/{id}` : `/${noun}/{id}/${verb}`) ?? []
  return [...exact, ...withId.filter(({ method }) => !exact.some((each) => each.method === method))]
}
