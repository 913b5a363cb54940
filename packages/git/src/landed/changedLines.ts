/**
 * How much of one change is in another one: the lines that a diff adds and takes away, without their places. This is what
 * is left to compare when upstream took a change together with others, or only a part of it.
 */

/** Characters besides white space that a line needs to tell anything: a closing bracket is in every change. */
const tellingLengthMin = 4

/** Lines of one diff that are looked at, and its bytes: what is larger is known by its first part. */
const linesMax = 5_000
const diffBytesMax = 512 * 1024

/** The lines that a diff adds (`+…`) and removes (`-…`), without white space, with how often. */
export type ChangedLines = ReadonlyMap<string, number>

/** Reads a diff as git writes it. Paths do not count: upstream may have moved the file. */
export const changedLinesOf = (diff: Buffer): ChangedLines => {
  const lines = new Map<string, number>()
  let inHunks = false
  let read = 0
  for (const line of diff.toString("latin1", 0, diffBytesMax).split("\n")) {
    if (line.startsWith("diff --git ")) inHunks = false
    else if (line.startsWith("@@ ")) inHunks = true
    else if (inHunks && (line.startsWith("+") || line.startsWith("-"))) {
      const text = line.replace(/\s+/g, "")
      if (text.length <= tellingLengthMin) continue
      if (++read > linesMax) break
      lines.set(text, (lines.get(text) ?? 0) + 1)
    }
  }
  return lines
}

/** The share of a change that must be in the other one, and of the lines that it adds. */
const sharedMin = { all: 0.6, added: 0.5 }

/** How much of a change is in another one. */
export interface Containment {
  readonly all: number
  readonly shared: number
  /** Whether that is enough to say that the other one took it: most of its lines, and of those that it adds. */
  readonly isTaken: boolean
}

/**
 * Counts the lines of a change that the other one has too. Lines that are only removed tell little: everybody who touches
 * the place removes them.
 */
export const containmentOf = (own: ChangedLines, other: ChangedLines): Containment => {
  const count = (lines: ReadonlyArray<readonly [string, number]>) => {
    const all = lines.reduce((sum, [, times]) => sum + times, 0)
    const shared = lines.reduce((sum, [line, times]) => sum + Math.min(times, other.get(line) ?? 0), 0)
    return { all, shared }
  }
  const lines = [...own]
  const { all, shared } = count(lines)
  const added = count(lines.filter(([line]) => line.startsWith("+")))
  const isTaken = all > 0 && shared >= all * sharedMin.all && added.shared >= added.all * sharedMin.added
  return { all, shared, isTaken }
}
