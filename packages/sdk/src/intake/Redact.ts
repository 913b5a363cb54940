/**
 * Keeps credentials out of messages, records and logs. User names and passwords of a URL are taken out
 * everywhere, and so are query values of the address of a feed, because private feeds carry their token there.
 */
import { createHash } from "node:crypto"

/** Longest text that a message quotes, in UTF-16 code units. */
const quotedLengthMax = 120

/** Longest text that is looked through for credentials; of a longer one a message gives only the length. */
const redactedLengthMax = 4096

/** Whether the URL carries a user name or a password. */
export const hasCredentials = (url: string): boolean => {
  if (!URL.canParse(url)) return false
  const { username, password } = new URL(url)
  return username !== "" || password !== ""
}

/** The URL without user name and password, to be stored, sent on or resolved against. */
export const withoutCredentials = (url: string): string => {
  if (!hasCredentials(url)) return url
  const parsed = new URL(url)
  parsed.username = ""
  parsed.password = ""
  return parsed.href
}

/**
 * The URL as a record may keep it, to know the document again: without user name and password, and with a digest in the
 * place of a query, which may be a token.
 */
export const documentName = (url: string): string => {
  const plain = withoutCredentials(url)
  if (!URL.canParse(plain) || new URL(plain).search === "") return plain
  const digest = createHash("sha256").update(plain).digest("hex").slice(0, 32)
  return `${redactUrl(plain)}#${digest}`
}

/** The URL as a message may show it: no credentials, no query values, no fragment. */
export const redactUrl = (url: string): string => {
  if (!URL.canParse(url)) return redactText(url)
  const { host, pathname, protocol, search, username, password } = new URL(url)
  const user = username === "" && password === "" ? "" : "***@"
  return `${protocol}//${user}${host}${pathname}${search === "" ? "" : "?***"}`
}

/** Any text as a message may show it: what could be credentials or a query inside a URL is masked. */
export const redactText = (text: string): string =>
  // Greedy up to the last `@` before white space: a password may itself contain `/` and `@`.
  text
    .replace(/\/\/\S*@/g, "//***@")
    .replace(/[^\s@/:"]+:[^\s@"]+@/g, "***@")
    .replace(/(\/\/[^\s?]*)\?[^\s"']+/g, "$1?***")

/** The text in double quotes, redacted and cut to a length that a message can carry. */
export const quote = (text: string): string => {
  if (text.length > redactedLengthMax) return `a text of ${text.length} characters`
  const safe = redactText(text)
  return JSON.stringify(safe.length > quotedLengthMax ? `${safe.slice(0, quotedLengthMax)}…` : safe)
}
