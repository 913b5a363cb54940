/**
 * Reads what a TypeScript file imports. Two readers, because each sees what the other does not: Bun's transpiler knows
 * exactly what remains at run time, and drops `import type`; a scan over the text without comments and template contents
 * sees the types too.
 */

export interface Import {
  readonly specifier: string
  /** False for what is gone at run time: `import type`, `export type … from`, and imports that only types use. */
  readonly runtime: boolean
}

/** Every specifier once, in order of first appearance. */
export const readImports = (text: string): ReadonlyArray<Import> => {
  // The transpiler reads modules, and a `#!` line makes a file a program.
  const module = text.replace(/^#!.*/, "")
  const runtime = new Set(new Bun.Transpiler({ loader: "ts" }).scanImports(module).map(({ path }) => path))
  const written = scanSpecifiers(blankComments(text))
  return [...new Set([...written, ...runtime])].map((specifier) => ({
    specifier,
    runtime: runtime.has(specifier)
  }))
}

/** The specifiers of `import … from`, `export … from`, bare `import "…"`, and `import("…")` as a value or a type. */
const scanSpecifiers = (code: string): ReadonlyArray<string> => [
  ...[...code.matchAll(/^[ \t]*(?:import|export)\b[^;"'`()]*?\bfrom\s*["']([^"'\n]+)["']/gm)].flatMap(
    (found) => found[1] ?? []
  ),
  ...[...code.matchAll(/^[ \t]*import\s*["']([^"'\n]+)["']/gm)].flatMap((found) => found[1] ?? []),
  ...[...code.matchAll(/\bimport\(\s*["']([^"'\n]+)["']\s*\)/g)].flatMap((found) => found[1] ?? [])
]

/**
 * The text with comments and the contents of template literals taken out, so that what they quote is not read as code.
 * Strings and regular expressions are copied; a `/` begins an expression where a value cannot end.
 */
export const blankComments = (text: string): string => {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])*\/[a-z]*/g
  let code = ""
  let copiedTo = 0
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    code += text.slice(copiedTo, found.index)
    const [quoted] = found
    if (quoted.startsWith("//") || quoted.startsWith("/*")) code += " "
    else if (quoted.startsWith("`")) code += "``"
    else if (quoted.startsWith("/") && valueEnds(code)) {
      // A division: only the slash itself is consumed, the rest is read again.
      code += "/"
      token.lastIndex = found.index + 1
      copiedTo = token.lastIndex
      continue
    } else code += quoted
    copiedTo = token.lastIndex
  }
  return code + text.slice(copiedTo)
}

/** Whether the code so far ends in a value, after which a `/` divides. */
const valueEnds = (code: string): boolean =>
  /[\w$)\]}"'`]\s*$/.test(code) &&
  !/\b(?:return|typeof|case|in|of|do|else|yield|await|void|delete)\s*$/.test(code)
