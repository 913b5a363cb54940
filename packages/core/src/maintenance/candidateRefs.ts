/** Reads candidate refs out of the artifacts of a step, in every shape that steps use. */
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { CandidateRef } from "./MaintenanceFact.ts"

/** How many candidate refs of one result are read; more are left out. */
export const candidateRefsMax = 1_000

/**
 * The refs in `artifacts.candidateRefs[]`, `artifacts.candidates[]` and `artifacts.candidateRef`. A string is a ref of
 * kind `ref`; an object needs a `ref`. Anything else is passed over: a result is never refused for its artifacts.
 */
export const candidateRefsOf = (
  artifacts: Readonly<Record<string, unknown>> | undefined
): ReadonlyArray<CandidateRef> => {
  if (artifacts === undefined) return []
  const { candidateRefs, candidates, candidateRef } = artifacts
  return [...listOf(candidateRefs), ...listOf(candidates), candidateRef]
    .slice(0, candidateRefsMax)
    .flatMap(readOne)
}

// --- internal ---

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const readOne = (value: unknown): ReadonlyArray<CandidateRef> => {
  if (typeof value === "string" && value !== "") return [{ kind: "ref", ref: value }]
  if (typeof value !== "object" || value === null) return []
  const fields: Record<string, unknown> = { ...value }
  const ref = text(fields["ref"])
  if (ref === undefined) return []
  const pushed = fields["pushed"]
  return [
    withoutUndefined({
      kind: text(fields["kind"]) ?? "ref",
      ref,
      repo: text(fields["repo"]),
      remote: text(fields["remote"]),
      sha: text(fields["sha"]),
      url: text(fields["url"]),
      pushed: typeof pushed === "boolean" ? pushed : undefined
    })
  ]
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined
