/**
 * Which entries of a document are new. The rule is a seen-set, not a position: an entry is new when its id
 * was never seen, wherever it stands. So entries that are reordered, edited or deleted neither repeat nor
 * hide another.
 *
 * The first poll primes: it remembers what is there and emits nothing, unless `primeOnly` is false. An empty
 * document primes too; the first release after it is then new.
 */
import type { FeedEntry, SkippedEntry } from "./Entry.ts"

/** What is known of a source before this poll. */
export interface SelectOptions {
  /** Whether a poll has primed the source before. */
  readonly primed: boolean
  /** Whether the first poll only remembers. Default: true. */
  readonly primeOnly?: boolean
  /** Entries of the same document that could not be read. Those that are there at priming are not news once repaired. */
  readonly skipped?: ReadonlyArray<SkippedEntry>
}

/** What one poll makes of a document. After it the source is primed. */
export interface Selection {
  /** The entries to emit, the oldest first. */
  readonly emit: ReadonlyArray<FeedEntry>
  /** The ids to add to the seen-set, in one commit with what is emitted; the oldest first, each once. */
  readonly seen: ReadonlyArray<string>
  /** Whether this poll was the one that primed. */
  readonly primes: boolean
}

/** The ids that were seen, as a set or as a question to an index. */
export type Seen = ReadonlySet<string> | ((id: string) => boolean)

/** Selects the new entries of a document whose newest entry stands first. Of two with one id the first counts. */
export const selectNew = (
  seen: Seen,
  entries: ReadonlyArray<FeedEntry>,
  options: SelectOptions
): Selection => {
  const isSeen = typeof seen === "function" ? seen : (id: string) => seen.has(id)
  const byId = new Map<string, FeedEntry>()
  for (const entry of entries) {
    if (!byId.has(entry.id) && !isSeen(entry.id)) byId.set(entry.id, entry)
  }
  const fresh = oldestFirst([...byId.values()])
  const silent = !options.primed && options.primeOnly !== false
  const unread = silent ? (options.skipped ?? []).flatMap((skipped) => skipped.id ?? []) : []
  const ids = new Set([...fresh.map((entry) => entry.id), ...unread.filter((id) => !isSeen(id))])
  return { emit: silent ? [] : fresh, seen: [...ids], primes: !options.primed }
}

// --- internal ---

/** By date; entries of one date from the bottom of the document up. One without a date stays above the one below it. */
const oldestFirst = (entries: ReadonlyArray<FeedEntry>): ReadonlyArray<FeedEntry> => {
  let below = ""
  return entries
    .toReversed()
    .map((entry) => {
      below = entry.publishedAt ?? below
      return { entry, at: below }
    })
    .toSorted((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0))
    .map(({ entry }) => entry)
}
