/** The small pieces that Atom and RSS share: text as people read it, links, and one entry put together. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { entryIdLengthMax, entryTextLengthMax, type FeedEntry, type RawEntry } from "../Entry.ts"
import { parseFeedDate } from "../FeedDate.ts"
import { quote, withoutCredentials } from "../Redact.ts"
import { decodeEntities } from "./entities.ts"

/** One line: white space runs become one space, ends are trimmed, the length is bounded. */
export const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length > entryTextLengthMax ? `${line.slice(0, entryTextLengthMax - 1).toWellFormed()}…` : line
}

/** The text of an HTML fragment: tags out, references decoded. Only for titles; it is not a sanitiser. */
export const htmlToText = (html: string): string => decodeEntities(html.replace(/<[^<>]*>/g, ""))

/** The base below an element: its `xml:base`, resolved against the one around it. */
export const baseWith = (base: string, own: string | undefined): string =>
  own === undefined ? base : (resolve(own, base) ?? base)

/** The link as an absolute http or https URL without credentials; undefined where it is none. */
export const resolveLink = (href: string, base: string): string | undefined => {
  const url = href.trim() === "" ? undefined : resolve(href.trim(), base)
  if (url === undefined || url.length > entryIdLengthMax) return undefined
  return /^https?:/.test(url) ? withoutCredentials(url) : undefined
}

/** What an entry element holds, before it is judged. Dates in the order in which they are preferred. */
export interface EntryParts {
  readonly id: string | undefined
  readonly title: string
  readonly url: string | undefined
  readonly author: string | undefined
  readonly dates: ReadonlyArray<string>
  readonly raw: RawEntry
}

/** The entry, or why there is none. An empty date counts as no date; one that cannot be read skips the entry. */
export const makeEntry = (parts: EntryParts): Either.Either<FeedEntry, string> => {
  const id = parts.id ?? parts.url
  if (id === undefined) return Either.left("it has neither an id nor a link")
  if (id.length > entryIdLengthMax) {
    return Either.left(`its id has ${id.length} characters, more than ${entryIdLengthMax}`)
  }
  const dates = parts.dates.filter((date) => date.trim() !== "")
  const publishedAt = dates.map(parseFeedDate).find(Option.isSome)
  if (publishedAt === undefined && dates[0] !== undefined) {
    return Either.left(`its date ${quote(dates[0].trim())} cannot be read`)
  }
  return Either.right({
    id,
    title: parts.title === "" ? "Untitled feed entry" : parts.title,
    ...(parts.url === undefined ? {} : { url: parts.url }),
    ...(parts.author ? { author: parts.author } : {}),
    ...(publishedAt === undefined ? {} : { publishedAt: publishedAt.value }),
    raw: parts.raw
  })
}

/** The id that a skipped entry is told by: one that is too long for an entry is cut. */
export const skippedId = (id: string): string =>
  id.length > entryIdLengthMax ? `${id.slice(0, entryIdLengthMax - 1).toWellFormed()}…` : id

/** The raw fields that are there. Texts are cut to the lengths that entries have. */
export const rawEntry = (
  fields: { readonly [Name in keyof RawEntry]: RawEntry[Name] | undefined }
): RawEntry =>
  Object.fromEntries(
    Object.entries(fields)
      .filter((field): field is [string, string] => field[1] !== undefined)
      .map(([name, text]) => [name, text.slice(0, entryIdLengthMax).toWellFormed()])
  )

// --- internal ---

const resolve = (href: string, base: string): string | undefined => {
  const safeBase = withoutCredentials(base)
  return URL.canParse(href, safeBase) ? new URL(href, safeBase).href : undefined
}
