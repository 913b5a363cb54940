/** RSS 2.0, as far as releases need it: guid, link, title, author, date. https://www.rssboard.org/rss-specification */
import { type EntryParts, oneLine, rawEntry, resolveLink } from "./internal/feedText.ts"
import { childrenOf, textOf, type XmlElement } from "./Xml.ts"

/** Whether the root element is an RSS 2.0 (or 0.9x) document. */
export const isRss = (root: XmlElement): boolean => root.name === "rss" && root.namespace === ""

/** What the items of the channel hold, in document order. */
export const readRss = (rss: XmlElement, baseUrl: string): ReadonlyArray<EntryParts> =>
  childrenOf(rss, "channel", "").flatMap((channel) =>
    childrenOf(channel, "item", "").map((item) => readItem(item, baseUrl))
  )

// --- internal ---

const dublinCore = "http://purl.org/dc/elements/1.1/"

const readItem = (item: XmlElement, baseUrl: string): EntryParts => {
  const guid = childrenOf(item, "guid", "")[0]
  const id = firstText(item, "guid")
  const title = firstText(item, "title")
  // A guid is the item's address unless it says that it is not.
  const permalink = guid?.attributes.get("isPermaLink")?.trim() === "false" ? undefined : id
  const link = firstText(item, "link") ?? permalink
  const author = firstText(item, "author") ?? firstText(item, "creator", dublinCore)
  const dates = [firstText(item, "pubDate"), firstText(item, "date", dublinCore)].flatMap(
    (date) => date ?? []
  )
  return {
    id,
    title: title === undefined ? "" : oneLine(title),
    url: link === undefined ? undefined : resolveLink(link, baseUrl),
    author: author === undefined ? undefined : oneLine(author),
    dates,
    raw: rawEntry({ id, title, url: link, author, publishedAt: dates[0] })
  }
}

const firstText = (item: XmlElement, name: string, namespace = ""): string | undefined => {
  const child = childrenOf(item, name, namespace)[0]
  const text = child === undefined ? "" : textOf(child).trim()
  return text === "" ? undefined : text
}
