/** What a provider reads out of one document: entries, and what it had to skip. */
import * as Schema from "effect/Schema"

/** Longest entry id and URL, in UTF-16 code units. An entry with a longer id is skipped; a longer URL is left out. */
export const entryIdLengthMax = 4096
/** Longest title and author, in UTF-16 code units. What is longer is cut. */
export const entryTextLengthMax = 1024
/** Most entries of one document. A document with more is refused. */
export const entriesMax = 100_000

/** An entry as its document writes it: dates unparsed, links unresolved. Kept so that a signal can be checked against its origin. */
export const RawEntry = Schema.Struct({
  id: Schema.optional(Schema.String),
  title: Schema.optional(Schema.String),
  url: Schema.optional(Schema.String),
  author: Schema.optional(Schema.String),
  publishedAt: Schema.optional(Schema.String),
  /** npm only: the commit that the version says it was packed from. */
  gitHead: Schema.optional(Schema.String)
})
export interface RawEntry extends Schema.Schema.Type<typeof RawEntry> {}

/** One entry of a feed or one version of a package. */
export interface FeedEntry {
  /** Names the entry within its source, for good. By it an entry is known to be new. */
  readonly id: string
  readonly title: string
  /** Absolute, http or https, without credentials. */
  readonly url?: string
  readonly author?: string
  /** ISO 8601, UTC, with milliseconds, so that text order is time order. Absent when the document gives no date. */
  readonly publishedAt?: string
  readonly raw: RawEntry
}

/** An entry that could not be read. It holds up nothing; the others of its document go on. */
export interface SkippedEntry {
  /** Its id, where that much could be read; of one that is too long the beginning. */
  readonly id?: string
  /** Its place in the document, counted from 0. */
  readonly index: number
  /** What was wrong, in words for the operator. */
  readonly reason: string
}

/** A document, read. `entries` are in the order of feeds: the newest first. */
export interface ParsedFeed {
  readonly entries: ReadonlyArray<FeedEntry>
  readonly skipped: ReadonlyArray<SkippedEntry>
}
