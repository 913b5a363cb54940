/** Reads a feed, Atom or RSS, out of the bytes that a server sent. Every XML provider starts here. */
import * as Either from "effect/Either"
import { isAtom, readAtom } from "./Atom.ts"
import { entriesMax, type FeedEntry, type ParsedFeed, type SkippedEntry } from "./Entry.ts"
import { NotAFeed } from "./FeedErrors.ts"
import { type EntryParts, makeEntry, skippedId } from "./internal/feedText.ts"
import { quote } from "./Redact.ts"
import { isRss, readRss } from "./Rss.ts"
import { parseXml, type XmlElement } from "./Xml.ts"

/** The `Accept` header of feeds. */
export const feedAccept = "application/atom+xml, application/rss+xml, application/xml, text/xml;q=0.9"

/**
 * The entries of a feed, in document order. An entry that cannot be read is listed as skipped.
 *
 * - `NotAFeed`: not XML, broken or cut-off XML, a page, another kind of document, or more than
 *   `entriesMax` entries. It says what was found.
 */
export const parseFeed = (options: {
  readonly sourceId: string
  readonly bytes: Uint8Array
  /** Where the document was read: relative links are resolved against it, without its credentials. */
  readonly baseUrl: string
}): Either.Either<ParsedFeed, NotAFeed> =>
  parseXml(options.bytes).pipe(
    Either.flatMap((root) => readRoot(root, options.baseUrl)),
    Either.mapBoth({
      onLeft: (found) =>
        new NotAFeed({ sourceId: options.sourceId, expected: "an Atom or RSS document", found }),
      onRight: judge
    })
  )

// --- internal ---

const readRoot = (root: XmlElement, baseUrl: string): Either.Either<ReadonlyArray<EntryParts>, string> => {
  const parts = isAtom(root) ? readAtom(root, baseUrl) : isRss(root) ? readRss(root, baseUrl) : undefined
  if (parts === undefined) {
    const namespace = root.namespace === "" ? "" : ` in namespace ${quote(root.namespace)}`
    return Either.left(`XML whose root element is ${quote(root.name)}${namespace}`)
  }
  return parts.length > entriesMax
    ? Either.left(`a feed of ${parts.length} entries, more than the ${entriesMax} that are read`)
    : Either.right(parts)
}

const judge = (parts: ReadonlyArray<EntryParts>): ParsedFeed => {
  const entries: Array<FeedEntry> = []
  const skipped: Array<SkippedEntry> = []
  for (const [index, part] of parts.entries()) {
    const entry = makeEntry(part)
    if (Either.isRight(entry)) entries.push(entry.right)
    else {
      const id = part.id === undefined ? {} : { id: skippedId(part.id) }
      skipped.push({ ...id, index, reason: entry.left })
    }
  }
  return { entries, skipped }
}
