/**
 * Output as a page shows it. Every line of the page must be printed, in this order; lines between them are allowed only
 * where the page has a line `…`. Inside a line `…` stands for any text. Space at the end of lines does not count.
 */

/** Says where the output differs from what the page shows; undefined when it does not. */
export const differenceOf = (shown: string, printed: string): string | undefined => {
  const left = printed
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd())
  let at = 0
  let mayJump = false
  for (const line of shown
    .trimEnd()
    .split("\n")
    .map((each) => each.trimEnd())) {
    if (line.trim() === "…") {
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

const patternOf = (line: string): RegExp =>
  new RegExp(
    `^${line
      .split("…")
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*")}$`
  )
