/** What pushes share: reading what `git push --porcelain` prints, one line `<flag>\t<from>:<to>\t<summary> (<reason>)` per ref. */
import { type GitOutput, linesOf } from "../Git.ts"
import type { RefName } from "../GitName.ts"

/** Settings without which git pushes only all refs from a clone that was made with `--mirror`, and never single ones. */
export const notAsMirror = (remote: string): ReadonlyArray<string> => ["-c", `remote.${remote}.mirror=false`]

/** Longest message of a server that outcomes carry, in UTF-16 units. */
export const serverMessageLengthMax = 4_000

/**
 * The line of one ref: git's flag and what it says; `null` when git printed none, or failed without saying at which ref.
 *
 * A remote with several push addresses has a line for each, and counts as pushed when all of them were.
 */
export const pushLineOf = (
  output: GitOutput,
  ref: RefName
): { readonly flag: string; readonly summary: string } | null => {
  const lines = linesOf(output.stdout)
    .map((line) => line.split("\t"))
    .filter((line) => line.length === 3)
  const isRefused = ([flag]: ReadonlyArray<string>) => flag === "!"
  if (output.exitCode !== 0 && !lines.some(isRefused)) return null
  const own = lines.filter((line) => line[1]?.endsWith(`:${ref}`))
  const fields = own.find(isRefused) ?? own[0]
  return fields === undefined ? null : { flag: fields[0] ?? "", summary: fields[2] ?? "" }
}

/**
 * Whether a rejected ref had moved. The last group is a race: the server found another value than it had announced a
 * moment before.
 */
export const saysMoved = (summary: string): boolean =>
  /stale info|fetch first|non-fast-forward|failed to update ref|cannot lock ref|incorrect old value|reference already exists/.test(
    summary
  )

/** What the server said, without git's own advice. */
export const serverWords = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.replace(/^remote: ?/, "").trimEnd())
    .filter((line) => line !== "" && !line.startsWith("hint:"))
    .join("\n")
    .slice(0, serverMessageLengthMax)
