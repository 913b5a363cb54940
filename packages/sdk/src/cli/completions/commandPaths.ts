/** The tree of commands as completions need it: what may follow each word. */
import type { CommandLeaf, CommandMap } from "../command.ts"

/** A word, with what it is for. */
export interface Candidate {
  readonly word: string
  readonly brief: string
}

/** What an option takes after it: nothing, one of these words, the name of a file or of a folder, or any text. */
export type OptionValue =
  | { readonly kind: "none" | "file" | "dir" | "text" }
  | { readonly kind: "words"; readonly words: ReadonlyArray<string> }

export interface OptionCandidate extends Candidate {
  readonly value: OptionValue
}

/** What may follow the words of a path. */
export interface CommandPath {
  /** The words after the program, such as `flow list`; "" for the program itself. */
  readonly path: string
  /** Nouns, verbs, or the values of an argument. */
  readonly words: ReadonlyArray<Candidate>
  readonly options: ReadonlyArray<OptionCandidate>
}

/** Every path of the tree, the program first. */
export const commandPaths = (root: CommandMap): ReadonlyArray<CommandPath> =>
  walk(root, []).map((each) => ({ ...each, options: [...each.options, help] }))

// --- internal ---

const help: OptionCandidate = {
  word: "--help",
  brief: "Print help information and exit",
  value: { kind: "none" }
}

const walk = (map: CommandMap, names: ReadonlyArray<string>): ReadonlyArray<CommandPath> => {
  const entries = map.getAllEntries().filter(({ hidden }) => !hidden)
  const here: CommandPath = {
    path: names.join(" "),
    words: entries.map(({ name, target }) => ({ word: name.original, brief: target.brief })),
    options: []
  }
  const below = entries.flatMap(({ name, target }) => {
    const path = [...names, name.original]
    return isMap(target) ? walk(target, path) : [leaf(target, path.join(" "))]
  })
  return [here, ...below]
}

const isMap = (target: CommandLeaf | CommandMap): target is CommandMap => "getAllEntries" in target

const leaf = ({ parameters }: CommandLeaf, path: string): CommandPath => {
  const { flags = {}, positional } = parameters
  const first = positional?.kind === "tuple" ? positional.parameters[0] : undefined
  return {
    path,
    // Only an argument with few values proposes them: ids and names are looked up elsewhere.
    words: first?.placeholder === "shell" ? first.brief.split(", ").map((word) => ({ word, brief: "" })) : [],
    options: Object.entries(flags).map(([name, flag]) => ({
      word: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      brief: flag.brief,
      value: valueOf(flag)
    }))
  }
}

const valueOf = (flag: {
  readonly kind: string
  readonly placeholder?: string
  readonly values?: ReadonlyArray<string>
}): OptionValue => {
  if (flag.kind === "boolean" || flag.kind === "counter") return { kind: "none" }
  if (flag.values !== undefined) return { kind: "words", words: flag.values }
  return flag.placeholder === "file" || flag.placeholder === "dir"
    ? { kind: flag.placeholder }
    : { kind: "text" }
}
