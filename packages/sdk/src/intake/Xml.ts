/**
 * XML from strangers, as a tree with namespaces resolved.
 *
 * 1. Only what is well-formed is read: the validator runs first, since the parser takes unclosed tags.
 * 2. Entities are decoded here, once, and only the standard ones: what a DOCTYPE declares never expands.
 * 3. Size and depth are bounded. Whatever is wrong is a value, in words; nothing throws.
 */
import * as Either from "effect/Either"
import { XMLParser, XMLValidator } from "fast-xml-parser"
import { decodeEntities } from "./internal/entities.ts"
import { isRecord } from "./internal/isRecord.ts"
import { quote } from "./Redact.ts"

/** Largest document, in bytes. Parsing holds the thread: 8 MiB of releases took 1.1 s on a busy 2-core machine. */
export const xmlBytesMax = 8 * 1024 * 1024
/** Most tags of a document, opening and closing. 8 MiB of releases have some 300,000; a document of nothing else is an attack. */
export const xmlTagsMax = 500_000
/** Deepest nesting of elements. */
export const xmlDepthMax = 64

/** An element. Prefixes are gone: the name and the namespace say what it is. */
export interface XmlElement {
  /** The name without prefix. */
  readonly name: string
  /** The namespace that its prefix is bound to; empty for none, `?<prefix>` for a prefix that is not bound. */
  readonly namespace: string
  /** Attributes by the name that the document writes, `xml:base` for instance; entities decoded. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: ReadonlyArray<XmlElement | string>
}

/** Parses a document. The left side says what was found instead, for instance `an empty body`. */
export const parseXml = (bytes: Uint8Array): Either.Either<XmlElement, string> => {
  if (bytes.length > xmlBytesMax) {
    return Either.left(`a document of ${bytes.length} bytes, more than the ${xmlBytesMax} that are read`)
  }
  return Either.flatMap(decodeText(bytes), (text) => {
    if (text.trim() === "") return Either.left("an empty body")
    // A page is often no XML at all; what it is says more than where it stops being well-formed.
    const page = describePage(text)
    if (page !== undefined) return Either.left(page)
    if (hasTooManyTags(text)) return Either.left(`XML of more than ${xmlTagsMax} tags`)
    return Either.flatMap(parseNodes(text), buildRoot)
  })
}

/** The child elements with this name and namespace, in document order. */
export const childrenOf = (element: XmlElement, name: string, namespace: string): ReadonlyArray<XmlElement> =>
  element.children.filter(
    (child): child is XmlElement =>
      typeof child !== "string" && child.name === name && child.namespace === namespace
  )

/** All text inside, in document order, white space as written. */
export const textOf = (element: XmlElement): string =>
  element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("")

// --- internal ---

const encodings = new Map<string, "utf-8" | "utf-16" | "windows-1252">([
  ["utf-8", "utf-8"],
  ["utf8", "utf-8"],
  ["us-ascii", "utf-8"],
  ["ascii", "utf-8"],
  ["utf-16", "utf-16"],
  ["utf-16le", "utf-16"],
  ["iso-8859-1", "windows-1252"],
  ["latin1", "windows-1252"],
  ["windows-1252", "windows-1252"]
])

const decodeText = (bytes: Uint8Array): Either.Either<string, string> => {
  const start = new TextDecoder("windows-1252").decode(bytes.subarray(0, 200))
  const marked = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16" : bytes[0] === 0xef ? "utf-8" : undefined
  const declared = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(start)?.[1]
  const name = marked ?? declared?.toLowerCase() ?? "utf-8"
  const encoding = encodings.get(name)
  if (encoding === undefined) return Either.left(`a document in the encoding ${quote(name)}`)
  // Bytes that are not of the encoding become U+FFFD: one bad letter must not hide a feed.
  return Either.right(new TextDecoder(encoding).decode(bytes))
}

const describePage = (text: string): string | undefined => {
  const start = text.slice(0, 20_000)
  // A comment ends at its first `-->`: one that could end at any would be tried in every combination with the others.
  const html =
    /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*)*(?:<!doctype\s+html|<html[\s>])/i.test(start)
  if (html) {
    const title = /<title[^>]*>([^<]*)</i.exec(start)?.[1]?.replace(/\s+/g, " ").trim()
    return title ? `an HTML page titled ${quote(decodeEntities(title))}` : "an HTML page"
  }
  const first = text.trimStart()[0]
  if (first === "{" || first === "[") return "what looks like JSON"
  return first === "<" || text.startsWith("\uFEFF")
    ? undefined
    : `text that begins ${quote(text.trim().slice(0, 60))}`
}

/** CDATA stays apart from text: entities are not decoded in it. */
const cdataName = "#cdata"

const hasTooManyTags = (text: string): boolean => {
  let tags = 0
  for (let at = text.indexOf("<"); at >= 0 && tags <= xmlTagsMax; at = text.indexOf("<", at + 1)) tags++
  return tags > xmlTagsMax
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  htmlEntities: false,
  cdataPropName: cdataName,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: xmlDepthMax
})

const parseNodes = (text: string): Either.Either<unknown, string> =>
  Either.try({
    try: () => {
      const valid = XMLValidator.validate(text)
      const nodes: unknown = valid === true ? parser.parse(text) : undefined
      return { broken: valid === true ? undefined : valid.err, nodes }
    },
    catch: (cause) =>
      `XML that is refused (${(cause instanceof Error ? cause.message : String(cause)).slice(0, 200)})`
  }).pipe(
    Either.flatMap(({ broken, nodes }) =>
      broken === undefined
        ? Either.right(nodes)
        : Either.left(`XML that is broken or cut off (line ${broken.line}: ${broken.msg.slice(0, 200)})`)
    )
  )

/** Prefix to namespace, for the element at hand. The empty prefix is the default namespace. */
type Scope = ReadonlyMap<string, string>

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

const buildRoot = (nodes: unknown): Either.Either<XmlElement, string> => {
  const roots = buildAll(nodes, new Map([["xml", xmlNamespace]])).filter((node) => typeof node !== "string")
  const [root] = roots
  if (root === undefined) return Either.left("XML without an element")
  return roots.length === 1 ? Either.right(root) : Either.left("XML with more than one root element")
}

const buildAll = (nodes: unknown, scope: Scope): ReadonlyArray<XmlElement | string> =>
  Array.isArray(nodes) ? nodes.flatMap((node: unknown) => build(node, scope)) : []

/** One node of the parser: `{ <tag>: [children], ":@": attributes }`, `{ "#text": … }` or `{ "#cdata": [texts] }`. */
const build = (node: unknown, outer: Scope): ReadonlyArray<XmlElement | string> => {
  if (!isRecord(node)) return []
  const tag = Object.keys(node).find((key) => key !== ":@")
  if (tag === undefined) return []
  const content = node[tag]
  if (tag === "#text") return [decodeEntities(String(content))]
  if (tag === cdataName) return [cdataText(content)]
  const attributes = readAttributes(node[":@"])
  const scope = scopeWith(outer, attributes)
  const [name, prefix] = splitName(tag)
  const namespace = scope.get(prefix) ?? (prefix === "" ? "" : `?${prefix}`)
  return [{ name, namespace, attributes, children: buildAll(content, scope) }]
}

const cdataText = (content: unknown): string =>
  Array.isArray(content)
    ? content.map((part: unknown) => (isRecord(part) ? String(part["#text"] ?? "") : "")).join("")
    : ""

const readAttributes = (value: unknown): ReadonlyMap<string, string> =>
  new Map(
    isRecord(value) ? Object.entries(value).map(([name, text]) => [name, decodeEntities(String(text))]) : []
  )

const scopeWith = (outer: Scope, attributes: ReadonlyMap<string, string>): Scope => {
  const declared = [...attributes].filter(([name]) => name === "xmlns" || name.startsWith("xmlns:"))
  if (declared.length === 0) return outer
  return new Map([...outer, ...declared.map(([name, uri]) => [name.slice(6), uri.trim()] as const)])
}

const splitName = (tag: string): readonly [name: string, prefix: string] => {
  const colon = tag.indexOf(":")
  return colon < 0 ? [tag, ""] : [tag.slice(colon + 1), tag.slice(0, colon)]
}
