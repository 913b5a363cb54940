/** Problems with what a contract says, each with the place where it is said. Data, never an error. */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"

/** One problem. Either `commitId` or `file` says where. */
export const ContractIssue = Schema.Struct({
  /** The patch, or `null` for the file as a whole. */
  patch: Schema.NullOr(Schema.String),
  /** The commit whose trailer it is. */
  commitId: Schema.NullOr(ObjectId),
  /** The file, such as `patch-contracts:patches.toml`. */
  file: Schema.NullOr(Schema.String),
  /** Line in the file, from 1, where TOML gives it. */
  line: Schema.NullOr(Schema.Int),
  /** The trailer's or the table's key; empty for the file as a whole. */
  key: Schema.String,
  expected: Schema.String,
  found: Schema.String
})
export type ContractIssue = typeof ContractIssue.Type

/** Issues that one reading tells. The rest is left out: nobody reads more. */
export const contractIssuesMax = 200

/** Longest quotation of a wrong value, in UTF-16 units. */
export const foundLengthMax = 120

/** One line for people: place, key, expected, found. */
export const formatContractIssue = (issue: ContractIssue): string => {
  const { patch, commitId, file, line, key, expected, found } = issue
  const inFile = file === null ? null : line === null ? file : `${file}:${line}`
  const inCommit = commitId === null ? patch : `${patch ?? ""} (commit ${commitId.slice(0, 12)})`
  return `${inFile ?? inCommit ?? "contract"}:${key === "" ? "" : ` ${key}:`} expected ${expected}, found ${found}`
}
