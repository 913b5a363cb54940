/**
 * Output as a page shows it. Every line of the page must be printed, in this order; lines between them are allowed only
 * where the page has a line `…`. Inside a line `…` stands for any text. How much space stands between words does not count.
 */

/** Says where the output differs from what the page shows; undefined when it does not. */
export const differenceOf = (shown: string, printed: string): string | undefined => {
  const left = linesOf(printed)
  let at = 0
  let mayJump = false
  for (const line of linesOf(shown)) {
    if (line === "…") {
      mayJump = true
      continue
    }
    const pattern = patternOf(line)
    const found = mayJump ? left.findIndex((each, index) => index >= at && pattern.test(each)) : at
    if (found === -1 || !pattern.test(left[found] ?? "")) return `the line is not printed there: ${line}`
    at = found + 1
    mayJump = false
  }
  return mayJump || at >= left.length ? undefined : `more is printed than is shown: ${left[at]}`
}

// --- internal ---

const linesOf = (text: string): ReadonlyArray<string> =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))

const patternOf = (line: string): RegExp =>
  new RegExp(
    `^${line
      .split("…")
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*")}$`
  )
