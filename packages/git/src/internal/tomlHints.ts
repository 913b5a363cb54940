/** Where a key stands in a TOML file, for messages. */

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

// --- internal ---

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
