/** Paths inside a commit, as they come from configurations: checked once, before anything is asked or written. */
import * as Either from "effect/Either"
import { UnusablePath } from "./TransportError.ts"

/** Most folders above a file. Each is one more level of trees to fetch. */
export const foldersMax = 32

/** Longest path, in bytes: what file systems take. */
const pathBytesMax = 4_096

/** The parts of a path, or why it is none. The top itself (`""`) has no parts. */
export const partsOf = (path: string): Either.Either<ReadonlyArray<string>, UnusablePath> => {
  const parts = path === "" ? [] : path.split("/")
  const problem = problemOf(path, parts)
  return problem === null ? Either.right(parts) : Either.left(new UnusablePath({ path, reason: problem }))
}

/** The folders above a path, the top first: `["", "a", "a/b"]` for `a/b/c`. */
export const foldersAbove = (parts: ReadonlyArray<string>): ReadonlyArray<string> =>
  parts.map((_, at) => parts.slice(0, at).join("/"))

// --- internal ---

const problemOf = (path: string, parts: ReadonlyArray<string>): string | null => {
  if (Buffer.byteLength(path) > pathBytesMax) return `it is longer than ${pathBytesMax} bytes`
  if (parts.length > foldersMax + 1) return `it has more than ${foldersMax} folders`
  if (path.includes("\0")) return "it holds a NUL"
  if (parts.includes("")) return "it begins or ends with a slash, or has two in a row"
  if (parts.some((part) => part === "." || part === "..")) return "it has a part that is . or .."
  // The names that git itself refuses to check out, among them those that some file systems take for .git.
  if (parts.some((part) => /^(?:\.git|git~1)[ .]*$/i.test(part.replace(ignoredByHfs, "")))) {
    return "it leads into .git"
  }
  return null
}

/** Characters that HFS+ leaves out of names when it compares them (`utf8.c` of git). */
const ignoredByHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g
