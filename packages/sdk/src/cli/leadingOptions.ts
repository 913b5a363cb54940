/**
 * Options before the name of the command, as scripts of the predecessors write them: `patchmoi flow --cwd DIR list`.
 * The parser takes options after the name only, so they are moved there.
 */

/** Options of every command, and whether a value follows. */
const movable: ReadonlyMap<string, boolean> = new Map([
  ["--json", false],
  ["--cwd", true],
  ["--data-dir", true]
])

/** The same command line with the leading options behind the first words that are none. */
export const moveLeadingOptions = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const moved: Array<string> = []
  const names: Array<string> = []
  let at = 0
  while (at < argv.length) {
    const word = argv[at] ?? ""
    const takesValue = movable.get(word.split("=", 1)[0] ?? "")
    if (takesValue === undefined) {
      if (word.startsWith("-")) break
      names.push(word)
      at += 1
      continue
    }
    const words = takesValue && !word.includes("=") ? 2 : 1
    moved.push(...argv.slice(at, at + words))
    at += words
  }
  return moved.length === 0 ? argv : [...names, ...moved, ...argv.slice(at)]
}
