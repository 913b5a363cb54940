/** What is told of a request that does not fit its schema: by a server, and by the flow service on this machine. */
import type { ArrayFormatterIssue } from "effect/ParseResult"

/** The first thing that is wrong with a request, and where. */
export interface RequestIssue {
  readonly reason: string
  /** A parameter or a field; a pointer to what is further inside. Absent when it is the whole. */
  readonly field?: string
}

/** What is told of the issues of a schema. Only what is expected: what was found is the caller's own, and may be large. */
export const requestIssue = ([issue]: ReadonlyArray<ArrayFormatterIssue>): RequestIssue => {
  const path = (issue?.path ?? []).map(String)
  const field = path.length > 1 ? `/${path.join("/")}` : path[0]
  const [expected = ""] = (issue?.message ?? "").split(", actual ")
  const reason = issue?._tag === "Unexpected" ? "This parameter is not known here" : expected
  return { reason: reason.slice(0, 500), ...(field === undefined ? {} : { field: field.slice(0, 200) }) }
}
