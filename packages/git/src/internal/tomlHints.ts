/** Helps for messages about a TOML file: where a key stands, and which known key a wrong one was meant to be. */

/** The line of a key in a section, from 1, or of the section's header without a key; `null` when it is not found. */
export const lineOfKey = (text: string, section: string, name?: string): number | null => {
  const header = new RegExp(`^\\s*\\[\\s*"?${escaped(section)}"?\\s*\\]`)
  const dotted = new RegExp(`^\\s*"?${escaped(section)}"?\\s*\\.\\s*"?${escaped(name ?? "")}"?\\s*[=.]`)
  const plain = new RegExp(`^\\s*"?${escaped(name ?? "")}"?\\s*[=.]`)
  const topLevel = new RegExp(`^\\s*"?${escaped(section)}"?\\s*[=.]`)
  let current: "top" | "inside" | "elsewhere" = "top"
  let fallback: number | null = null
  for (const [at, line] of text.split("\n").entries()) {
    if (/^\s*\[/.test(line)) {
      current = header.test(line) ? "inside" : "elsewhere"
      if (current === "inside") fallback ??= at + 1
    }
    if (current === "top" && name !== undefined && dotted.test(line)) return at + 1
    if (current === "top" && topLevel.test(line)) fallback ??= at + 1
    if (current === "inside" && name !== undefined && plain.test(line)) return at + 1
  }
  return fallback
}

/** The known word with the fewest edits, when it is near enough to be what was meant: at most a third of its letters. */
export const nearestOf = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, "")
  const ranked = known
    .map((candidate) => ({ candidate, edits: editsBetween(plain(word).slice(0, 100), plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.ceil(best.candidate.length / 3) ? best.candidate : undefined
}

// --- internal ---

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Levenshtein distance, one row at a time. */
const editsBetween = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const kept = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(kept, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
