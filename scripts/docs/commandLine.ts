/**
 * Writes `docs/reference/command-line.md` from the tree of commands, so that it says what the program does.
 *
 *     bun scripts/docs/commandLine.ts            writes the file
 *     bun scripts/docs/commandLine.ts --check    says whether it is current (exit code 1 when it is not)
 */
import { join } from "node:path"
import type { CommandLeaf, CommandMap } from "../../packages/sdk/src/cli/command.ts"
import { exitCodeMeanings } from "../../packages/sdk/src/cli/exitCodes.ts"
import { commonOptions } from "../../packages/sdk/src/cli/options.ts"
import { commandTree, programName } from "../../packages/sdk/src/cli/tree.ts"
import { variables } from "../../packages/sdk/src/cli/variables.ts"

/** The file, relative to the repository. */
export const commandLinePage = "docs/reference/command-line.md"

/** The whole page. */
export const renderCommandLine = (): string =>
  [
    "# Command line",
    "",
    "<!-- Made by scripts/docs/commandLine.ts from packages/sdk/src/cli. Do not edit: change the code, then run the script. -->",
    "",
    `One program, \`${programName}\`, noun then verb. \`${programName} <noun> <verb> --help\` says what is below.`,
    "",
    ...introduction,
    "",
    "## Every command",
    "",
    ...optionTable(commonOptions),
    "",
    "They may also stand before the noun. `--` ends the options.",
    "",
    "## Exit codes",
    "",
    ...table(
      ["code", "meaning"],
      exitCodeMeanings.map(([code, meaning]) => [String(code), meaning])
    ),
    "",
    "## Variables",
    "",
    ...table(
      ["variable", "meaning"],
      Object.entries(variables).map(([name, meaning]) => [`\`${name}\``, meaning])
    ),
    "",
    "An option beats a variable. A relative path is relative to `--cwd`.",
    ...sections(commandTree, []),
    ""
  ].join("\n")

// --- internal ---

type Target = CommandLeaf | CommandMap

const introduction = [
  "On a terminal, results are tables that fit its width, and work that takes long shows one line that is rewritten.",
  "Elsewhere, results are lines of cells parted by tabs (`flow fire`, `flow run` and `event replay` print JSON), and progress",
  "is plain lines on standard error. `--json` prints JSON in both cases. Errors go to standard error: one line, and with",
  '`--json` one object `{ "error": { "code", "message", … } }` with the facts of the error as fields.',
  "",
  "Ctrl-C or SIGTERM cancels what the command runs, and the record says so. A second one ends everything at once."
]

const isMap = (target: Target): target is CommandMap => "getAllEntries" in target

const sections = (map: CommandMap, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  map.getAllEntries().flatMap(({ name, target }) => {
    const path = [...names, name.original]
    if (!isMap(target)) return section(target, path)
    return ["", `## ${programName} ${path.join(" ")}`, "", `${target.brief}.`, ...sections(target, path)]
  })

const section = (command: CommandLeaf, path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { flags = {}, positional } = command.parameters
  const own = Object.fromEntries(Object.entries(flags).filter(([name]) => !(name in commonOptions)))
  const arguments_ = positional?.kind === "tuple" ? positional.parameters : []
  const usage = [programName, ...path, ...arguments_.map(argumentWord)].join(" ")
  return [
    "",
    `${path.length === 1 ? "##" : "###"} ${programName} ${path.join(" ")}`,
    "",
    sentence(command.fullDescription ?? command.brief),
    "",
    `    ${usage} [options]`,
    ...(arguments_.length === 0
      ? []
      : ["", ...arguments_.map((argument) => `- \`${argumentWord(argument)}\`: ${argument.brief}`)]),
    ...(Object.keys(own).length === 0 ? [] : ["", ...optionTable(own)])
  ]
}

const argumentWord = ({ optional, placeholder }: ArgumentText): string =>
  optional === true ? `[<${placeholder}>]` : `<${placeholder}>`

interface ArgumentText {
  readonly placeholder?: string | undefined
  readonly optional?: boolean | undefined
}

interface OptionText {
  readonly kind: string
  readonly brief: string
  readonly placeholder?: string
  readonly optional?: boolean
  readonly values?: ReadonlyArray<string>
}

const optionTable = (options: Readonly<Record<string, OptionText>>): ReadonlyArray<string> =>
  table(
    ["option", "what it does"],
    Object.entries(options).map(([name, option]) => {
      const word = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      const value = option.kind === "boolean" ? "" : ` <${option.placeholder ?? "value"}>`
      const values =
        option.values === undefined ? "" : `: ${option.values.map((each) => `\`${each}\``).join(", ")}`
      const needed = option.optional === true ? "" : " Required."
      return [`\`${word}${value}\``, `${option.brief}${values}.${needed}`]
    })
  )

const table = (
  heading: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> =>
  [heading, heading.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`)

const sentence = (text: string): string => (text.endsWith(".") ? text : `${text}.`)

if (import.meta.main) {
  const file = join(import.meta.dir, "../..", commandLinePage)
  const page = renderCommandLine()
  if (!process.argv.includes("--check")) await Bun.write(file, page)
  else if ((await Bun.file(file).text()) !== page) {
    console.error(`${commandLinePage} is not what the code says. Run: bun scripts/docs/commandLine.ts`)
    process.exitCode = 1
  }
}
