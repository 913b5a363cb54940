/** Completions for bash 4 and later. */
import type { CommandPath, OptionCandidate } from "./commandPaths.ts"

/** The script; `source` it, or put it where bash-completion looks. */
export const bashCompletions = (program: string, paths: ReadonlyArray<CommandPath>): string =>
  [
    `# Completions of ${program} for bash. Made by: ${program} completions bash`,
    `_${program}() {`,
    `  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" trail="" words="" at`,
    "  COMPREPLY=()",
    "  for ((at = 1; at < COMP_CWORD; at++)); do",
    `    case "$trail \${COMP_WORDS[at]}" in`,
    ...paths
      .filter(({ path }) => path !== "")
      .map(({ path }) => `      ${quote(stepInto(path))}) trail=${quote(` ${path}`)} ;;`),
    "    esac",
    "  done",
    '  case "$previous" in',
    ...valueCases(paths),
    "  esac",
    '  case "$trail" in',
    ...paths.map(
      ({ path, words, options }) =>
        `    ${quote(path === "" ? "" : ` ${path}`)}) words=${quote([...words, ...options].map(({ word }) => word).join(" "))} ;;`
    ),
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    `complete -F _${program} ${program}`,
    ""
  ].join("\n")

// --- internal ---

/** How the path looks when its last word has just been read: the words so far, a space before each. */
const stepInto = (path: string): string => ` ${path}`

const valueCases = (paths: ReadonlyArray<CommandPath>): ReadonlyArray<string> => {
  const byWord = new Map<string, OptionCandidate>()
  for (const { options } of paths) for (const option of options) byWord.set(option.word, option)
  return [...byWord.values()].flatMap((option) => valueCase(paths, option))
}

const valueCase = (
  paths: ReadonlyArray<CommandPath>,
  { word, value }: OptionCandidate
): ReadonlyArray<string> => {
  switch (value.kind) {
    case "none":
      return []
    case "file":
      return [`    ${word}) COMPREPLY=($(compgen -f -- "$current")); return ;;`]
    case "dir":
      return [`    ${word}) COMPREPLY=($(compgen -d -- "$current")); return ;;`]
    case "text":
      return [`    ${word}) return ;;`]
    case "words":
      return wordsCase(paths, word)
  }
}

/** An option of one name may take other words under another command. */
const wordsCase = (paths: ReadonlyArray<CommandPath>, word: string): ReadonlyArray<string> => [
  `    ${word}) case "$trail" in`,
  ...paths.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.word === word && option.value.kind === "words"
        ? [`      ${quote(` ${path}`)}) words=${quote(option.value.words.join(" "))} ;;`]
        : []
    )
  ),
  '      esac; COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;'
]

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
