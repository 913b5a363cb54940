/** Completions for zsh. */
import type { Candidate, CommandPath, OptionCandidate } from "./commandPaths.ts"

/** The script; put it into a folder of `fpath` as `_<program>`, or `source` it after `compinit`. */
export const zshCompletions = (program: string, paths: ReadonlyArray<CommandPath>): string =>
  [
    `#compdef ${program}`,
    `# Completions of ${program} for zsh. Made by: ${program} completions zsh`,
    `_${program}() {`,
    '  local trail="" word',
    "  local -a found",
    "  for word in $words[2,CURRENT-1]; do",
    '    case "$trail $word" in',
    ...paths
      .filter(({ path }) => path !== "")
      .map(({ path }) => `      ${quote(` ${path}`)}) trail=${quote(` ${path}`)} ;;`),
    "    esac",
    "  done",
    '  case "$trail:$words[CURRENT-1]" in',
    ...paths.flatMap(({ path, options }) => options.flatMap((option) => valueCase(path, option))),
    "  esac",
    '  case "$trail" in',
    ...paths.map(
      ({ path, words, options }) =>
        `    ${quote(path === "" ? "" : ` ${path}`)}) found=(${[...words, ...options].map(described).join(" ")}) ;;`
    ),
    "  esac",
    `  _describe ${quote(program)} found`,
    "}",
    `if [ "$funcstack[1]" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi`,
    ""
  ].join("\n")

// --- internal ---

const valueCase = (path: string, { word, value }: OptionCandidate): ReadonlyArray<string> => {
  const when = quote(`${path === "" ? "" : ` ${path}`}:${word}`)
  switch (value.kind) {
    case "none":
      return []
    case "file":
      return [`    ${when}) _files; return ;;`]
    case "dir":
      return [`    ${when}) _files -/; return ;;`]
    case "text":
      return [`    ${when}) return ;;`]
    case "words":
      return [`    ${when}) compadd -- ${value.words.join(" ")}; return ;;`]
  }
}

/** `word:brief`, with colons of the word escaped, as `_describe` reads it. */
const described = ({ word, brief }: Candidate): string => quote(`${word.replaceAll(":", "\\:")}:${brief}`)

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
