/** The rule that whoever imports a name can read what it is: every export of a package has a docstring. */
import { type Files, isSource, type Violation } from "./house.ts"

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:interface|class|const|let|function|type|enum) (\w+)/

/** One sentence for each export without a docstring. A schema and its type share a name, and one docstring is enough for both. */
export const exportsAreDocumented = (files: Files): ReadonlyArray<Violation> =>
  [...files].flatMap(([path, text]) => {
    if (!isImported(path)) return []
    const lines = text.split("\n")
    const found = lines.flatMap((line, index) => {
      const name = declaration.exec(line)?.[1]
      return name === undefined ? [] : [{ name, line: index + 1, isDocumented: hasDocstring(lines, index) }]
    })
    const documented = new Set(found.flatMap(({ name, isDocumented }) => (isDocumented ? [name] : [])))
    return found.flatMap(({ name, line }) =>
      documented.has(name) ? [] : [`${path}:${line} exports ${name} without a docstring`]
    )
  })

// --- internal ---

/** What users of a package may import; the command line is a program, and what is internal is for its own package. */
const isImported = (path: string): boolean =>
  /^packages\/[^/]+\/src\//.test(path) &&
  isSource(path) &&
  !path.includes("/internal/") &&
  !path.startsWith("packages/sdk/src/cli/") &&
  path !== "packages/sdk/src/bin.ts"

/** Whether a doc comment ends on the line above; comments for the tools may stand in between. */
const hasDocstring = (lines: ReadonlyArray<string>, index: number): boolean => {
  const above = lines.slice(0, index).findLast((line) => !line.trim().startsWith("//"))
  return above?.trim().endsWith("*/") === true
}
