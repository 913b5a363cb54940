/** Text on a terminal: how many columns it takes, cut to a width, and without what would move the cursor. */

/** Columns of a text: 2 for a wide character, 0 for a combining one. */
export const widthOf = (text: string): number => Bun.stringWidth(text)

/** The text in at most `width` columns; what does not fit gives way to `…`. */
export const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  if (width <= 0) return ""
  let kept = ""
  let used = 0
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" })
  for (const { segment } of segmenter.segment(text)) {
    const wide = widthOf(segment)
    if (used + wide > width - 1) break
    kept += segment
    used += wide
  }
  return `${kept}…`
}

/** The text followed by spaces up to the width. */
export const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - widthOf(text)))

/** One line: control characters, which a feed or a step may have put in, become spaces. */
export const oneLine = (text: string): string => text.replace(controlCharacters, " ").trim()

// --- internal ---

/** Made when the first text is too wide: it costs milliseconds. */
let segmenter: Intl.Segmenter | undefined

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g
