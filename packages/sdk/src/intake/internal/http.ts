/** Small pieces of HTTP: what a failure may say, the wait that a server asks for, credentials as a header. */
import { Buffer } from "node:buffer"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { parseFeedDate } from "../FeedDate.ts"
import { redactText } from "../Redact.ts"

/** Longest wait that a server can ask for, in milliseconds: a day. */
export const retryAfterMillisMax = 86_400_000

/** `Retry-After` in milliseconds, from seconds or a date; undefined where it is missing or cannot be read. */
export const parseRetryAfter = (header: string | null, nowMillis: number): number | undefined => {
  if (header === null) return undefined
  const text = header.trim()
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, retryAfterMillisMax)
  return parseFeedDate(text).pipe(
    Option.flatMap((iso) => DateTime.make(iso)),
    Option.map((date) => Math.min(Math.max(date.epochMillis - nowMillis, 0), retryAfterMillisMax)),
    Option.getOrUndefined
  )
}

/** The `Authorization` of the user name and password in a URL; undefined where it has none. */
export const basicAuthorization = (url: string): string | undefined => {
  const { username, password } = new URL(url)
  if (username === "" && password === "") return undefined
  const pair = `${decode(username)}:${decode(password)}`
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`
}

/** Why a connection failed, in few words. The cause itself is not kept: it carries the URL with its query. */
export const failureReason = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "the connection failed"
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
  return `${redactText(cause.message.slice(0, 500)).slice(0, 200)} (${code})`
}

// --- internal ---

/** A stray `%` is a letter of the password, as browsers and curl take it. */
const decode = (text: string): string =>
  Either.getOrElse(
    Either.try(() => decodeURIComponent(text)),
    () => text
  )
