/** Where a value stands in `cascade.toml`, for messages. */
import { lineOfKey } from "../../internal/tomlHints.ts"

/** The line of a path such as `targets`, 2, `url`, from 1; the nearest line that is known where TOML is written in another way. */
export const lineOf = (text: string, path: ReadonlyArray<PropertyKey>): number | null => {
  const [section, at, name] = path
  if (section === undefined) return null
  if (typeof at !== "number")
    return lineOfKey(text, String(section), at === undefined ? undefined : String(at))
  return lineInItem(text, String(section), at, name) ?? lineOfKey(text, String(section))
}

// --- internal ---

/** The line of a key in the n-th `[[section]]`, or of its header. */
const lineInItem = (
  text: string,
  section: string,
  item: number,
  name: PropertyKey | undefined
): number | null => {
  let seen = -1
  let header: number | null = null
  for (const [at, line] of text.split("\n").entries()) {
    const words = line.trim()
    if (words.startsWith("[")) {
      const isItem = words.replaceAll(/["'\s]/g, "").startsWith(`[[${section}]]`)
      if (isItem) seen += 1
      if (seen > item || (header !== null && !isItem)) return header
      if (isItem && seen === item) header = at + 1
      continue
    }
    const key = /^["']?([\w-]+)["']?\s*=/.exec(words)?.[1]
    if (header !== null && name !== undefined && key === String(name)) return at + 1
  }
  return header
}
