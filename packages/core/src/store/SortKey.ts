/**
 * Tuples as strings that sort as the tuples do, and whose prefixes are the prefixes of the tuples.
 * Strings end with U+0001, which is below every character of an escaped string; numbers are integers of fixed width.
 */

/** A component of a sort key. Numbers are safe integers. */
export type SortPart = string | number

const escape = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these three are what the encoding itself uses.
  text.replace(/[\u0000-\u0002]/g, (character) => `\u0002${"abc"[character.charCodeAt(0)]}`)

const encodeNumber = (value: number): string =>
  value >= 0
    ? `1${String(value).padStart(16, "0")}`
    : `0${String(Number.MAX_SAFE_INTEGER + value).padStart(16, "0")}`

/** Encodes a tuple. */
export const encodeSortKey = (parts: ReadonlyArray<SortPart>): string =>
  parts.map((part) => (typeof part === "number" ? encodeNumber(part) : `${escape(part)}\u0001`)).join("")

/** Encodes the last component of every sort key: the position of the first fact of the stream. */
export const encodePosition = (position: number): string => encodeNumber(position)
