/**
 * JSON texts with the place of every key and value, read so that a text can be edited in place.
 *
 * Strict: what `JSON.parse` refuses, and what it would read with a loss (a key written twice, a byte order mark, bytes
 * that are not UTF-8), is no text for a merge. Numbers are compared as they are written, because two that differ only
 * beyond the precision of a double must not count as equal.
 */
import { type Node, parseTree } from "jsonc-parser"

/** Longest text that is read, in bytes: 1 MiB. A manifest takes some kilobytes. */
export const jsonBytesMax = 1024 * 1024

/** Deepest nesting of objects and arrays that is read. */
export const jsonDepthMax = 64

/** A value without its place. Objects keep the order of their keys. */
export type JsonValue =
  | { readonly kind: "scalar"; readonly written: string }
  | { readonly kind: "array"; readonly items: ReadonlyArray<JsonValue> }
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, { readonly value: JsonValue }> }

/** Where something stands in the text, in UTF-16 units; `end` is behind the last one. */
interface Place {
  readonly start: number
  readonly end: number
}

export type JsonScalar = Place & { readonly kind: "scalar"; readonly written: string }
export type JsonArray = Place & { readonly kind: "array"; readonly items: ReadonlyArray<JsonNode> }
export type JsonObject = Place & {
  readonly kind: "object"
  readonly members: ReadonlyMap<string, JsonMember>
}
export type JsonNode = JsonScalar | JsonArray | JsonObject

/** A key with its value; the place reaches from the key's first quote to the end of the value. */
export interface JsonMember extends Place {
  readonly keyEnd: number
  readonly value: JsonNode
}

/** A text that was read. */
export interface JsonText {
  readonly text: string
  readonly root: JsonNode
  /** What one level is indented by, or `null` for a text in which the top level stands on one line. */
  readonly indent: string | null
  readonly lineEnd: "\n" | "\r\n"
}

/** Reads the bytes; `null` when they are not strict JSON within the limits above. */
export const readJson = (bytes: Uint8Array): JsonText | null => {
  const text = bytes.byteLength > jsonBytesMax ? null : decoded(bytes)
  if (text === null || depthOf(text) > jsonDepthMax || !isJson(text)) return null
  const tree = parseTree(text)
  const root = tree === undefined ? null : nodeOf(text, tree)
  if (root === null) return null
  return {
    text,
    root,
    indent: indentOf(text, root),
    lineEnd: /\r?\n/.exec(text)?.[0] === "\r\n" ? "\r\n" : "\n"
  }
}

/** Whether both are the same value, with the keys of objects in the same order. */
export const sameJson = (a: JsonValue, b: JsonValue): boolean => {
  if (a.kind === "scalar") return b.kind === "scalar" && a.written === b.written
  if (a.kind === "array") {
    if (b.kind !== "array" || a.items.length !== b.items.length) return false
    return a.items.every((item, at) => {
      const other = b.items[at]
      return other !== undefined && sameJson(item, other)
    })
  }
  if (b.kind !== "object" || a.members.size !== b.members.size) return false
  const others = [...b.members]
  return [...a.members].every(([key, { value }], at) => {
    const other = others[at]
    return other !== undefined && other[0] === key && sameJson(value, other[1].value)
  })
}

// --- internal ---

const decoded = (bytes: Uint8Array): string | null => {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.startsWith("\uFEFF") ? null : text
  } catch {
    return null
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Counted before anything reads the text by recursion. Exact for JSON; what is not JSON is refused afterwards. */
const depthOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inString && char === "\\") at++
    else if (char === '"') inString = !inString
    else if (!inString && (char === "{" || char === "[")) deepest = Math.max(deepest, ++depth)
    else if (!inString && (char === "}" || char === "]")) depth--
  }
  return deepest
}

const nodeOf = (text: string, node: Node): JsonNode | null => {
  const place = { start: node.offset, end: node.offset + node.length }
  if (node.type === "array") {
    const items = (node.children ?? []).map((child) => nodeOf(text, child))
    return items.every((item) => item !== null) ? { kind: "array", items, ...place } : null
  }
  if (node.type !== "object") {
    const value: unknown = node.value
    const raw = text.slice(place.start, place.end)
    return { kind: "scalar", written: typeof value === "string" ? JSON.stringify(value) : raw, ...place }
  }
  const members = new Map<string, JsonMember>()
  for (const property of node.children ?? []) {
    const [key, child] = property.children ?? []
    const name: unknown = key?.value
    const value = child === undefined ? null : nodeOf(text, child)
    if (key === undefined || typeof name !== "string" || value === null || members.has(name)) return null
    members.set(name, { start: key.offset, keyEnd: key.offset + key.length, end: value.end, value })
  }
  return { kind: "object", members, ...place }
}

const indentOf = (text: string, root: JsonNode): string | null => {
  if (root.kind !== "object") return null
  const [first] = root.members.values()
  const lead = first === undefined ? "" : text.slice(root.start + 1, first.start)
  return lead.includes("\n") ? lead.slice(lead.lastIndexOf("\n") + 1) : null
}
