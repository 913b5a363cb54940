/**
 * Atom feeds (RFC 4287). Elements are known by namespace, whatever their prefix; a feed that declares no
 * namespace at all is read too. The link of an entry is its `alternate`, never its `self`.
 */
import { baseWith, type EntryParts, htmlToText, oneLine, rawEntry, resolveLink } from "./internal/feedText.ts"
import { childrenOf, textOf, type XmlElement } from "./Xml.ts"

/** The namespace of Atom. */
export const atomNamespace = "http://www.w3.org/2005/Atom"

/** Whether the root element is an Atom feed. */
export const isAtom = (root: XmlElement): boolean =>
  root.name === "feed" && (root.namespace === atomNamespace || root.namespace === "")

/** What the entries of an Atom feed hold, in document order. */
export const readAtom = (feed: XmlElement, baseUrl: string): ReadonlyArray<EntryParts> => {
  const base = baseWith(baseUrl, feed.attributes.get("xml:base"))
  const feedAuthor = authorOf(feed)
  return childrenOf(feed, "entry", feed.namespace).map((entry) => readEntry(entry, base, feedAuthor))
}

// --- internal ---

const readEntry = (entry: XmlElement, feedBase: string, feedAuthor: string | undefined): EntryParts => {
  const base = baseWith(feedBase, entry.attributes.get("xml:base"))
  const id = firstText(entry, "id")
  const title = childrenOf(entry, "title", entry.namespace)[0]
  const link = pickLink(entry, base)
  // Without an author of its own an entry has the feed's (RFC 4287, section 4.2.1).
  const author = authorOf(entry) ?? feedAuthor
  // `updated` first, as the predecessor did: it is the one that Atom requires.
  const dates = ["updated", "published"].flatMap((name) => firstText(entry, name) ?? [])
  return {
    id,
    title: title === undefined ? "" : titleText(title),
    url: link?.url,
    author,
    dates,
    raw: rawEntry({
      id,
      title: title === undefined ? undefined : textOf(title),
      url: link?.href,
      author,
      publishedAt: dates[0]
    })
  }
}

/** The text of the first child with this name, trimmed; undefined where it is missing or blank. */
const firstText = (element: XmlElement, name: string): string | undefined => {
  const child = childrenOf(element, name, element.namespace)[0]
  const text = child === undefined ? "" : textOf(child).trim()
  return text === "" ? undefined : text
}

const authorOf = (element: XmlElement): string | undefined => {
  const author = childrenOf(element, "author", element.namespace)[0]
  const name = author === undefined ? undefined : firstText(author, "name")
  return name === undefined ? undefined : oneLine(name)
}

/** The `html` type holds markup as text; `xhtml` holds elements, whose text is the title; `text` is the default. */
const titleText = (title: XmlElement): string => {
  const type = title.attributes.get("type")?.trim().toLowerCase()
  const text = textOf(title)
  return oneLine(type === "html" || type === "text/html" ? htmlToText(text) : text)
}

/** Relations may be written as a name or as the address of that name in IANA's registry. */
const relationOf = (link: XmlElement): string =>
  (link.attributes.get("rel") ?? "alternate")
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\/www\.iana\.org\/assignments\/(?:link-)?relations?\//, "")

/** The first `alternate` link that is a web address, or else the first other one that is not `self`. */
const pickLink = (
  entry: XmlElement,
  base: string
): { readonly href: string; readonly url: string } | undefined => {
  const links = childrenOf(entry, "link", entry.namespace).flatMap((link) => {
    const href = link.attributes.get("href") ?? ""
    const url = resolveLink(href, baseWith(base, link.attributes.get("xml:base")))
    return url === undefined ? [] : [{ relation: relationOf(link), href, url }]
  })
  return links.find((link) => link.relation === "alternate") ?? links.find((link) => link.relation !== "self")
}
