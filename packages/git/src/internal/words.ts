/** Texts of others in places of ours: one line, without control characters, and bounded. */

/** The text as one line of at most so many UTF-16 units. */
export const oneLineOf = (text: string, lengthMax: number): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, lengthMax)
