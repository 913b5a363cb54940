/** Completions for fish. */
import type { CommandPath, OptionValue } from "./commandPaths.ts"

/** The script; put it into `~/.config/fish/completions/<program>.fish`. */
export const fishCompletions = (program: string, paths: ReadonlyArray<CommandPath>): string =>
  [
    `# Completions of ${program} for fish. Made by: ${program} completions fish`,
    `function __${program}_path`,
    "    set -l trail",
    "    for word in (commandline -opc)[2..]",
    '        switch "$trail $word"',
    ...paths
      .filter(({ path }) => path !== "")
      .map(
        ({ path }) => `            case ${quote(` ${path}`)}\n                set trail ${quote(` ${path}`)}`
      ),
    "        end",
    "    end",
    '    test "$trail" = "$argv[1]"',
    "end",
    `complete -c ${program} -f`,
    ...paths.flatMap(({ path, words, options }) => {
      const when = `-n ${quote(`__${program}_path ${quote(path === "" ? "" : ` ${path}`)}`)}`
      return [
        ...words.map(
          ({ word, brief }) => `complete -c ${program} ${when} -a ${quote(word)} -d ${quote(brief)}`
        ),
        ...options.map(
          ({ word, brief, value }) =>
            `complete -c ${program} ${when} -l ${word.slice(2)}${valueOf(value)} -d ${quote(brief)}`
        )
      ]
    }),
    ""
  ].join("\n")

// --- internal ---

const valueOf = (value: OptionValue): string => {
  switch (value.kind) {
    case "none":
      return ""
    case "file":
      return " -r -F"
    case "dir":
      return " -x -a '(__fish_complete_directories)'"
    case "text":
      return " -x"
    case "words":
      return ` -x -a ${quote(value.words.join(" "))}`
  }
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
