/**
 * JavaScript strings as SQLite text, without loss and in the same order.
 *
 * SQLite compares the bytes of UTF-8, JavaScript compares UTF-16 code units; the two differ above U+D7FF, and half of
 * a surrogate pair has no UTF-8 at all. So each code unit from U+D800 on is kept as the character
 * U+10000 + (unit - U+D800): order and prefixes stay, every string comes back, and what has no such unit is kept as it is.
 */

/** The text to keep; of two texts the smaller one is kept as the smaller one. */
export const toText = (string: string): string =>
  highUnit.test(string)
    ? string.replace(highUnits, (unit) => String.fromCodePoint(unit.charCodeAt(0) + shift))
    : string

/** The string behind a text that {@link toText} made. */
export const fromText = (text: string): string =>
  highUnit.test(text)
    ? text.replace(pairs, (pair) => String.fromCharCode((pair.codePointAt(0) ?? shift) - shift))
    : text

/** Above every text that {@link toText} makes. */
export const textMax = "\u{10ffff}"

// --- internal ---

const shift = 0x10000 - 0xd800
const highUnit = /[\ud800-\uffff]/
const highUnits = /[\ud800-\uffff]/g
const pairs = /[\ud800-\udbff][\udc00-\udfff]/g
