/**
 * The predecessor's `feed-state.json`, `{[sourceId]: {lastSeenId, lastCheckedAt}}`, read as the start of a
 * seen-set. It knew only the newest entry that it had seen; with the document at hand, that entry and all
 * below it count as seen, and those above it are news.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { FeedEntry } from "./Entry.ts"
import { isRecord } from "./internal/isRecord.ts"
import { parseJson } from "./internal/jsonText.ts"
import { describeValue } from "./internal/schemaProblems.ts"

/** The state file is not JSON, or no object. Its sources start as if never polled. */
export class FeedStateError extends Schema.TaggedError<FeedStateError>("patchmoi/FeedStateError")(
  "FeedStateError",
  { file: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `${this.file}: ${this.reason}`
  }
}

/** What the predecessor knew of one source. */
export interface FeedStateEntry {
  readonly lastSeenId: string
  /** ISO 8601, as it was written. */
  readonly lastCheckedAt?: string
}

/** A state file, read. A source without a `lastSeenId` was never primed; it is left out. */
export interface FeedState {
  readonly sources: ReadonlyMap<string, FeedStateEntry>
  /** One line for each entry that could not be used, and why. */
  readonly problems: ReadonlyArray<string>
}

/** Decodes the text of a state file. */
export const decodeFeedState = (
  text: string,
  options: { readonly file?: string } = {}
): Either.Either<FeedState, FeedStateError> => {
  const file = options.file ?? "feed-state.json"
  return parseJson(text).pipe(
    Either.mapLeft(({ line, column, reason }) => `not JSON at line ${line}, column ${column}: ${reason}`),
    Either.filterOrLeft(isRecord, (value) => `expected an object, found ${describeValue(value, "")}`),
    Either.mapBoth({ onLeft: (reason) => new FeedStateError({ file, reason }), onRight: readEntries })
  )
}

/** Where a source starts that a predecessor watched. */
export interface FeedStart {
  /** Whether the source counts as primed: give it to `selectNew`. */
  readonly primed: boolean
  /** The ids that count as seen. */
  readonly seen: ReadonlySet<string>
  /** What the operator should know; absent where all went as expected. */
  readonly note?: string
}

/**
 * The start of a source, given the entries of its document as it is now, the newest first. Where the last
 * seen entry is no longer in the document, what came after it cannot be known: the source primes anew, and says so.
 */
export const startFromFeedState = (state: FeedStateEntry, entries: ReadonlyArray<FeedEntry>): FeedStart => {
  const last = entries.findIndex((entry) => entry.id === state.lastSeenId)
  if (last < 0) {
    return {
      primed: false,
      seen: new Set(),
      note: `its last seen entry ${describeValue(state.lastSeenId, "")} is not in the document; it primes anew, and releases since ${state.lastCheckedAt ?? "then"} are not emitted`
    }
  }
  return { primed: true, seen: new Set(entries.slice(last).map((entry) => entry.id)) }
}

// --- internal ---

const readEntries = (document: Readonly<Record<string, unknown>>): FeedState => {
  const sources = new Map<string, FeedStateEntry>()
  const problems: Array<string> = []
  for (const [sourceId, value] of Object.entries(document)) {
    const lastSeenId = isRecord(value) ? value["lastSeenId"] : undefined
    const lastCheckedAt = isRecord(value) ? value["lastCheckedAt"] : undefined
    if (typeof lastSeenId === "string" && lastSeenId !== "") {
      sources.set(sourceId, { lastSeenId, ...(typeof lastCheckedAt === "string" ? { lastCheckedAt } : {}) })
    } else if (!isRecord(value) || lastSeenId !== undefined) {
      problems.push(
        `${sourceId}: expected {lastSeenId, lastCheckedAt}, found ${describeValue(lastSeenId ?? value, sourceId)}`
      )
    }
  }
  return { sources, problems }
}
