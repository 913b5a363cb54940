/** The pages of the documentation, and the fenced blocks in them. */
import { posix } from "node:path"
import { Glob } from "bun"

/** A page, by its path in the repository. */
export interface Page {
  readonly path: string
  readonly text: string
}

/** A fenced block. Its info string reads `<language> <file>? (output | stderr)? (exit=<code>)? (norun="<reason>")?`. */
export interface Block {
  readonly page: string
  /** The line of the opening fence, counted from 1. */
  readonly line: number
  readonly language: string
  /** The file that the block is, relative to the scratch folder of its page. */
  readonly file: string | undefined
  /** The stream of the block before it that the block shows; absent for a block that shows none. */
  readonly shows: "stdout" | "stderr" | undefined
  /** The exit code that the block must end with. */
  readonly exitCode: number
  /** Why the block is not run; absent for a block that is. */
  readonly norun: string | undefined
  readonly text: string
}

const pagePatterns = [
  "README.md",
  "CONTRIBUTING.md",
  "packages/*/README.md",
  "flows/*/README.md",
  "docs/**/*.md"
]

/** Every page of the repository, in the order of their paths. */
export const readPages = async (root: string): Promise<ReadonlyArray<Page>> => {
  const paths = new Set<string>()
  for (const pattern of pagePatterns) {
    for await (const path of new Glob(pattern).scan({ cwd: root })) {
      if (!path.includes("node_modules")) paths.add(posix.normalize(path))
    }
  }
  return await Promise.all(
    [...paths].sort().map(async (path) => ({ path, text: await Bun.file(`${root}/${path}`).text() }))
  )
}

/** The fenced blocks of a page, top to bottom. Throws a sentence for a fence that is never closed or that cannot be read. */
export const blocksOf = ({ path, text }: Page): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = text.split("\n")
  for (let at = 0; at < lines.length; at += 1) {
    const open = /^( *)(`{3,}|~{3,})([^`]*)$/.exec(lines[at] ?? "")
    if (open === null) continue
    const [, indent = "", fence = "", info = ""] = open
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence)
    if (end === -1) throw new Error(`${path}:${at + 1}: the block is never closed`)
    const inner = lines
      .slice(at + 1, end)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    blocks.push({
      page: path,
      line: at + 1,
      ...readInfo(info, `${path}:${at + 1}`),
      text: `${inner.join("\n")}\n`
    })
    at = end
  }
  return blocks
}

/** `page:line`, as an editor opens it. */
export const placeOf = ({ page, line }: Block): string => `${page}:${line}`

// --- internal ---

const readInfo = (info: string, place: string) => {
  const words = [...info.matchAll(/[^\s="]+="[^"]*"|\S+/g)].map(([word]) => word)
  const [language = ""] = words
  if (language === "") throw new Error(`${place}: the block names no language`)
  let file: string | undefined
  let norun: string | undefined
  let shows: Block["shows"]
  let exitCode = 0
  for (const word of words.slice(1)) {
    const reason = /^norun="(.*)"$/.exec(word)?.[1]
    const code = /^exit=(\d+)$/.exec(word)?.[1]
    if (reason !== undefined) norun = reason.trim()
    else if (code !== undefined) exitCode = Number(code)
    else if (word === "output") shows = "stdout"
    else if (word === "stderr") shows = "stderr"
    else if (file === undefined && !word.includes("=")) file = word
    else throw new Error(`${place}: "${word}" means nothing here`)
  }
  if (norun === "") throw new Error(`${place}: norun needs a reason`)
  if (file !== undefined && (file.startsWith("/") || posix.normalize(file).startsWith("..")))
    throw new Error(`${place}: ${file} lies outside the scratch folder`)
  return { language, file, norun, shows, exitCode }
}
