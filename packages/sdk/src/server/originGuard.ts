/**
 * Keeps web pages out: a page may send requests to a server on loopback, and a name of its own may be made to lead here
 * (DNS rebinding). There is no CORS: no page of another origin has any business here.
 */
import { HttpFailure } from "./HttpFailure.ts"

/** Throws {@link HttpFailure} for a request that a page of another origin sent, or that names a foreign host. */
export const refuseForeign = (headers: Headers, hosts: ReadonlyArray<string> | "any"): void => {
  const host = headers.get("host") ?? ""
  if (hosts !== "any" && !hosts.includes(hostNameOf(host))) {
    throw new HttpFailure("Forbidden", `This server is not called ${host.slice(0, 200) || "nothing"}`, {
      field: "host",
      hint: "Use the address that it listens on."
    })
  }
  const origin = headers.get("origin")
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new HttpFailure("Forbidden", "Requests from pages of another origin are refused", {
      field: "origin"
    })
  }
  const site = headers.get("sec-fetch-site")
  if (site === "cross-site" || site === "same-site") {
    throw new HttpFailure("Forbidden", "Requests from pages of another site are refused", {
      field: "sec-fetch-site"
    })
  }
}

// --- internal ---

/** The host without its port, in lower case. */
const hostNameOf = (host: string): string => host.replace(/:\d{1,5}$/, "").toLowerCase()
