/** What a request is for: its address, its route and the id in its path. Everything that none of ours can be is refused here. */
import { matchRoute, pathIdLengthMax, type Route } from "../api/routes.ts"
import { HttpFailure } from "./HttpFailure.ts"

/** A route, and the id in the path where it has one. */
export interface FoundRoute {
  readonly route: Route
  readonly id: string | undefined
}

/** The address of a request; throws {@link HttpFailure} where the host makes it none, as HTTP/1.0 allows. */
export const urlOf = ({ url }: Request): URL => {
  const parsed = URL.parse(url)
  if (parsed !== null) return parsed
  throw new HttpFailure("InvalidRequest", "Expected the name or the address of a host, with a port if any", {
    field: "host"
  })
}

/** The route of a method and a path as it stands in the request; throws {@link HttpFailure} when there is none. */
export const findRoute = (method: string, path: string): FoundRoute => {
  const asked = matchRoute(method, path)
  // Whoever looks after a service often asks for the head alone.
  const match = asked._tag === "OtherMethod" && method === "HEAD" ? matchRoute("GET", path) : asked
  switch (match._tag) {
    case "Found":
      if (match === asked || match.route.scope === "open") return match
      throw new HttpFailure("MethodNotAllowed", "HEAD is answered on /healthz and /readyz alone", {
        allowed: [match.route.method]
      })
    case "OtherMethod":
      throw new HttpFailure("MethodNotAllowed", `This path is for ${match.allowed.join(" and ")}`, {
        allowed: match.allowed
      })
    case "BadEncoding":
      throw new HttpFailure("InvalidRequest", "The id in the path is not percent-encoded UTF-8", {
        field: "id"
      })
    case "IdTooLong":
      throw new HttpFailure(
        "InvalidRequest",
        `The id in the path is longer than ${pathIdLengthMax} characters, percent-encoded`,
        { field: "id" }
      )
    case "Unknown":
      throw new HttpFailure("UnknownRoute", "There is nothing at this path", {
        hint: "GET /openapi.json describes all routes."
      })
  }
}

/** Some names mean something to an object of the language, and would be lost on the way to a schema. */
export const checkParameterNames = (parameters: URLSearchParams): void => {
  for (const name of parameters.keys()) {
    if (/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) continue
    throw new HttpFailure("InvalidRequest", "This is no name of a parameter", { field: name.slice(0, 100) })
  }
}
