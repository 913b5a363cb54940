/**
 * The address of a downstream repository: what may be written, what git is given, and when two mean the same one.
 *
 * 1. An address never looks like an option and never runs a program: only `https`, `http`, `ssh`, `file` and the form
 *    `user@host:path` are taken, so that `ext::` and its kind reach no git.
 * 2. An address carries no password. Credentials come from the environment.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** Longest accepted address, in UTF-16 units. */
export const targetUrlLengthMax = 2048

/** The text is no address of a repository. */
export class InvalidTargetUrl extends Schema.TaggedError<InvalidTargetUrl>("git/InvalidTargetUrl")(
  "InvalidTargetUrl",
  { value: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `${JSON.stringify(withoutUser(this.value).slice(0, 200))} is not a usable target: ${this.reason}`
  }
}

/**
 * Accepts an address, or `owner/name`, which lies below the base address (`GITEA_URL`), and gives what git is told.
 * `InvalidTargetUrl`.
 */
export const parseTargetUrl = (
  value: string,
  base: string | undefined
): Either.Either<string, InvalidTargetUrl> => {
  const refuse = (reason: string) => Either.left(new InvalidTargetUrl({ value, reason }))
  if (value.length === 0 || value.length > targetUrlLengthMax) {
    return refuse(`it must have 1 to ${targetUrlLengthMax} characters`)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  if (/[\u0000-\u0020\u007f]/.test(value)) return refuse("it contains a space or a control character")
  if (value.startsWith("-")) return refuse("it begins with a dash, as an option does")
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(value)) {
    return base === undefined
      ? refuse("owner/name needs the address of the forge in GITEA_URL")
      : Either.right(`${base.replace(/\/+$/, "")}/${value.replace(/\.git$/, "")}.git`)
  }
  if (scpPattern.test(value)) return Either.right(value)
  if (!URL.canParse(value)) return refuse("it is neither a URL, nor user@host:path, nor owner/name")
  const url = new URL(value)
  if (!schemes.includes(url.protocol)) return refuse("it must be https, http, ssh or file")
  if (url.password !== "") return refuse("it holds a password; name its environment variable as token_env")
  if (url.username !== "" && url.protocol !== "ssh:") return refuse("it holds a user name; use token_env")
  if (url.search !== "" || url.hash !== "") return refuse("it has a query or a fragment")
  return url.protocol !== "file:" && url.pathname.replaceAll("/", "") === ""
    ? refuse("it names no repository")
    : Either.right(value)
}

/**
 * The repository that an address means, for comparing: `host/owner/name` in lower case, whatever the scheme, the user,
 * the usual port, `.git` and a slash at the end. A file is `file:` and its path. Accepts what `parseTargetUrl` gives.
 */
export const repositoryOf = (url: string): string => {
  const scp = scpPattern.exec(url)
  if (scp !== null) return plain(`${scp[1]}/${scp[2]}`)
  if (!URL.canParse(url)) return plain(url)
  const { host, hostname, pathname, protocol } = new URL(url)
  if (protocol === "file:") return `file:${trimmed(pathname)}`
  // The port of ssh says nothing of the one that the same repository has over https.
  return plain(`${protocol === "ssh:" ? hostname : host}${pathname}`)
}

/** The scheme, host and port of an http address; `null` of any other. */
export const originOf = (url: string): string | null =>
  /^https?:/i.test(url) && URL.canParse(url) ? new URL(url).origin : null

/** `owner/name` of an http address, without `.git`; `null` where the path has another form. */
export const ownerAndName = (url: string): { readonly owner: string; readonly name: string } | null => {
  if (originOf(url) === null) return null
  const parts = trimmed(new URL(url).pathname).split("/").filter(Boolean)
  const [name, owner] = [parts.at(-1), parts.at(-2)]
  return name === undefined || owner === undefined ? null : { owner, name }
}

/** The address without a user name and password, for messages. */
export const redactAddress = (url: string): string => url.replace(/(:\/\/)[^/]*@/, "$1***@")

// --- internal ---

const schemes: ReadonlyArray<string> = ["https:", "http:", "ssh:", "file:"]

/** `user@host:path`. The path does not begin with a dash, and the host neither. */
const scpPattern = /^[\w.-]+@([\w][\w.-]*):(?!\/\/)([^-].*)$/

/** Of a text that is no address, nobody knows where a password in it ends: all up to the last `@` goes. */
const withoutUser = (text: string): string => text.replace(/^(.*:\/\/)?.*@/s, "$1***@")

const trimmed = (path: string): string => path.replace(/\/+$/, "").replace(/\.git$/, "")

const plain = (text: string): string =>
  trimmed(text)
    .replace(/\/{2,}/g, "/")
    .toLowerCase()
