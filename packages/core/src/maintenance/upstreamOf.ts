/** Reads the upstream movement out of the payload of a signal's event. */
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { Upstream } from "./MaintenanceFact.ts"

/** The upstream movement as the payload names it: `repo`, `ref`, `sha`, `tag`. */
export const upstreamOf = (payload: unknown): Upstream => {
  const fields: Record<string, unknown> =
    typeof payload === "object" && payload !== null ? { ...payload } : {}
  const text = (name: string): string | undefined => {
    const value = fields[name]
    return typeof value === "string" && value !== "" ? value : undefined
  }
  return withoutUndefined({
    upstreamRepo: text("repo"),
    upstreamRef: text("ref"),
    upstreamSha: text("sha"),
    upstreamTag: text("tag")
  })
}
