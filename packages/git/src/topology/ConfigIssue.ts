/** Problems with `.patchmoi.toml`, each with file, line, field, expected and found. */
import * as Schema from "effect/Schema"

/** One problem with the file. */
export const ConfigIssue = Schema.Struct({
  file: Schema.String,
  /** Line in the file, from 1, where TOML gives it. */
  line: Schema.NullOr(Schema.Int),
  /** Section and key, such as `git.upstreamRemote`; empty for the file as a whole. */
  field: Schema.String,
  expected: Schema.String,
  found: Schema.String
})
export type ConfigIssue = typeof ConfigIssue.Type

/** The file cannot be used. Nothing falls back silently. */
export class PatchmoiConfigInvalid extends Schema.TaggedError<PatchmoiConfigInvalid>(
  "git/PatchmoiConfigInvalid"
)("PatchmoiConfigInvalid", { file: Schema.String, issues: Schema.Array(ConfigIssue) }) {
  override get message(): string {
    return this.issues.map(formatIssue).join("\n")
  }
}

/** One line for people: file, line, field, expected, found. */
export const formatIssue = (issue: ConfigIssue): string => {
  const where = issue.line === null ? issue.file : `${issue.file}:${issue.line}`
  const field = issue.field === "" ? "" : ` ${issue.field}:`
  return `${where}:${field} expected ${issue.expected}, found ${issue.found}`
}
