/**
 * Globs over paths of a tree, for scopes and for splitting a patch by paths.
 *
 * - `*` stands for any characters but `/`, `?` for one of them, `**` as a whole part for any number of folders.
 * - A glob without these is a path: the file, or everything below the folder. A `/` at the end is a folder in any case.
 * - Paths are bytes. A glob is compared with them as UTF-8, and a path that is no UTF-8 is met by wildcards only.
 *
 * A match takes at most (length of the glob) × (length of the path) steps, whatever the glob: nothing is tried twice.
 */
import * as Either from "effect/Either"

/** Longest glob, in UTF-16 units. */
export const globLengthMax = 1_000

/** A glob that was read. */
export interface PathGlob {
  readonly text: string
  /** Tells whether the path, as bytes from the top of the tree, is met. */
  readonly matches: (path: Uint8Array) => boolean
}

/** Reads a glob. Left: what is expected instead. */
export const parseGlob = (text: string): Either.Either<PathGlob, string> => {
  const problem = globProblem(text)
  if (problem !== undefined) return Either.left(problem)
  const isFolder = text.endsWith("/")
  const isPlain = !/[*?]/.test(text)
  const tokens = tokensOf(isFolder ? `${text}**` : text)
  const folder = Buffer.from(`${text}/`)
  const whole = Buffer.from(text)
  const matches = (path: Uint8Array): boolean => {
    if (!isPlain || isFolder) return matchTokens(tokens, path)
    const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength)
    return bytes.equals(whole) || bytes.subarray(0, folder.length).equals(folder)
  }
  return Either.right({ text, matches })
}

// --- internal ---

/** One step of a glob: a byte, or a wildcard. `folders` is `**` and the slash behind it, or `**` at the end. */
type Token = number | "one" | "many" | "folders" | "rest"

const slash = 47

const globProblem = (text: string): string | undefined => {
  if (text === "" || text.length > globLengthMax) return `a glob of 1 to ${globLengthMax} characters`
  if (text.startsWith("/") || text.includes("//") || text.includes("\0"))
    return "a glob of a path from the top of the tree, such as src/**"
  if (text.split("/").some((part) => part === "." || part === ".."))
    return 'a glob without the parts "." and ".."'
  if (text.split("/").some((part) => part !== "**" && part.includes("**")))
    return '"**" as a whole part of the path, as in src/**/test.ts'
  return undefined
}

const tokensOf = (text: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  const parts = text.split("/")
  for (const [at, part] of parts.entries()) {
    const isLast = at === parts.length - 1
    if (part === "**") {
      tokens.push(isLast ? "rest" : "folders")
      continue
    }
    for (const character of part) {
      if (character === "*") tokens.push("many")
      else if (character === "?") tokens.push("one")
      else tokens.push(...Buffer.from(character))
    }
    if (!isLast) tokens.push(slash)
  }
  return tokens
}

/** Walks the path once, and keeps the set of places in the glob that are still possible. */
const matchTokens = (tokens: ReadonlyArray<Token>, path: Uint8Array): boolean => {
  let places = closure(tokens, new Set([0]), true)
  for (const [at, byte] of path.entries()) {
    const next = new Set<number>()
    for (const place of places) step(tokens, place, byte, path[at - 1], next)
    if (next.size === 0) return false
    places = closure(tokens, next, byte === slash)
  }
  return places.has(tokens.length)
}

const step = (
  tokens: ReadonlyArray<Token>,
  place: number,
  byte: number,
  before: number | undefined,
  next: Set<number>
): void => {
  const token = tokens[place]
  // Bytes 80 to bf go on a character of UTF-8, so the `?` that stood for its first byte takes them as well.
  const goesOn = before !== undefined && before >= 0x80 && byte >= 0x80 && byte < 0xc0
  if (tokens[place - 1] === "one" && goesOn) next.add(place)
  if (token === "rest" || token === "folders") next.add(place)
  else if (token === "many" && byte !== slash) next.add(place)
  else if (token === "one" && byte !== slash && !goesOn) next.add(place + 1)
  else if (token === byte) next.add(place + 1)
}

/** Adds the places that are reached without a byte: a `*` may be empty, and `**` ends where a part begins. */
const closure = (tokens: ReadonlyArray<Token>, places: Set<number>, atPart: boolean): ReadonlySet<number> => {
  for (const place of places) {
    const token = tokens[place]
    if (token === "many" || token === "rest" || (token === "folders" && atPart)) places.add(place + 1)
  }
  return places
}
