/** A candidate ref in a few words. */
import type { CandidateRef } from "@patchmoi/core/maintenance/MaintenanceFact"

/** `ref@sha (remote, pushed)`, as much of it as is known. */
export const candidateText = ({ ref, sha, remote, pushed }: CandidateRef): string => {
  const where = [remote, pushed === true ? "pushed" : undefined].filter((part) => part !== undefined)
  return `${ref}${sha === undefined ? "" : `@${sha.slice(0, 12)}`}${where.length === 0 ? "" : ` (${where.join(", ")})`}`
}
