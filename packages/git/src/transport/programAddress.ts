/** Addresses that the git program is asked to use: `file://`, ssh in both forms, `git://`, absolute paths. */
import * as Either from "effect/Either"
import { redactUrls } from "../Git.ts"
import { UnusableUrl } from "./TransportError.ts"

/** Longest address, in UTF-16 units. */
const lengthMax = 4_096

/**
 * The address, or why git must not see it.
 *
 * Git reads a leading dash as an option, `helper::…` as a program to run, and a relative path from wherever it runs.
 */
export const parseProgramUrl = (url: string): Either.Either<string, UnusableUrl> => {
  const problem = problemOf(url)
  return problem === null
    ? Either.right(url)
    : Either.left(new UnusableUrl({ url: redactUrls(url).slice(0, lengthMax), reason: problem }))
}

// --- internal ---

const schemes = /^(?:file|ssh|git\+ssh|ssh\+git|git):\/\//i

const problemOf = (url: string): string | null => {
  if (url.length > lengthMax) return `it is longer than ${lengthMax} characters`
  if (/\p{Cc}/u.test(url)) return "it holds a control character"
  if (/^[^/]*::/.test(url)) return "it names a program to run"
  if (url.includes("://")) return schemeProblem(url)
  if (url.startsWith("/")) return null
  const host = /^(?:[^/:@]+@)?(\[[^\]/]+\]|[^/:@]+):[^:]/.exec(url)?.[1]
  if (host === undefined) return "it is no address that git knows; write a local path in full"
  return host.startsWith("-") || url.startsWith("-") ? "it begins with a dash" : null
}

const schemeProblem = (url: string): string | null => {
  if (!schemes.test(url)) return "its scheme is not one of https, http, ssh, git, file"
  const authority = url.slice(url.indexOf("://") + 3).split("/", 1)[0] ?? ""
  const at = authority.lastIndexOf("@")
  if (authority.slice(0, Math.max(0, at)).includes(":"))
    return "it holds a password; give the credentials to ssh instead"
  return authority.startsWith("-") || authority.slice(at + 1).startsWith("-")
    ? "its host begins with a dash"
    : null
}
