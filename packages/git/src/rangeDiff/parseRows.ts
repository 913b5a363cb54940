/**
 * Reads the output of `git range-diff`.
 *
 * A row begins with `<number>: <id> <sign> <number>: <id> <subject>`, `-` standing for a missing side. What follows is
 * indented by four spaces: a diff of two diffs, whose first column is the outer sign and whose second is the inner one.
 */
import { isObjectId } from "../GitName.ts"
import { type RangeDiffRelation, type RangeDiffRow, rowTextLengthMax } from "./RangeDiffRow.ts"

/** The rows in the order in which git gives them. */
export const parseRows = (output: Uint8Array): ReadonlyArray<RangeDiffRow> => {
  const rows: Array<{ readonly head: RowHead; readonly body: Array<string> }> = []
  for (const line of new TextDecoder().decode(output).split("\n")) {
    const head = readHead(line)
    if (head !== null) rows.push({ head, body: [] })
    else if (line.startsWith(indent)) rows.at(-1)?.body.push(line.slice(indent.length))
  }
  return rows.map(({ head, body }) => rowOf(head, body))
}

// --- internal ---

const indent = "    "

type Side = RangeDiffRow["old"]

interface RowHead {
  readonly sign: string
  readonly old: Side
  readonly new: Side
  readonly subject: string
}

/** A commit without a message has no subject, and then git writes no space either. */
const headPattern = /^ *(-|\d+): +([0-9a-f]+|-+) ([=!<>]) +(-|\d+): +([0-9a-f]+|-+)(?: (.*))?$/s

const readHead = (line: string): RowHead | null => {
  const match = headPattern.exec(line)
  if (match === null) return null
  const [, oldNumber = "", oldId = "", sign = "", newNumber = "", newId = "", subject = ""] = match
  return { sign, old: sideOf(oldNumber, oldId), new: sideOf(newNumber, newId), subject }
}

const sideOf = (number: string, commit: string): Side =>
  isObjectId(commit) ? { number: Number(number), commit } : null

/** Where a line of the body stands: in the author's lines, in the message, or in the diff of a file. */
type Section = "metadata" | "message" | "file"

interface BodyLine {
  readonly text: string
  readonly section: Section
  /** Whether the two diffs differ here, and in more than what surrounds the change. */
  readonly differs: boolean
}

const rowOf = ({ sign, subject, ...sides }: RowHead, body: ReadonlyArray<string>): RangeDiffRow => {
  const lines = readBody(body)
  const differing = lines.filter(({ differs }) => differs)
  const relation = relationOf(sign, differing)
  const kept = differing.length === 0 ? [] : keepTelling(lines)
  const fitting: Array<string> = []
  let length = 0
  for (const { text } of kept) {
    length += text.length + 1
    if (length > rowTextLengthMax) break
    fitting.push(text)
  }
  return { relation, ...sides, subject, lines: fitting, truncated: fitting.length < kept.length }
}

const relationOf = (sign: string, differing: ReadonlyArray<BodyLine>): RangeDiffRelation => {
  if (sign === "<") return "removed"
  if (sign === ">") return "added"
  if (sign === "=") return "equal"
  if (differing.length === 0) return "context"
  return differing.some(({ section }) => section === "file") ? "content" : "message"
}

/** Hunks of the outer diff name their section (`@@ Metadata`, `@@ Commit message`, else a file's path), and so do heads. */
const sectionOfHunk = (name: string): Section =>
  name === "Metadata" ? "metadata" : name === "Commit message" ? "message" : "file"

/** The head of a section within the text: `## Metadata ##`, `## Commit message ##`, else `## <path> ##`. */
const sectionHead = /^ ## (.*) ##$/

const readBody = (body: ReadonlyArray<string>): ReadonlyArray<BodyLine> => {
  let section: Section = "file"
  return body.map((text): BodyLine => {
    const hunk = /^@@ ?(.*)$/.exec(text)
    if (hunk !== null) {
      section = sectionOfHunk(hunk[1] ?? "")
      return { text, section, differs: false }
    }
    const inner = text.slice(1)
    const head = sectionHead.exec(inner)
    if (head !== null) section = sectionOfHunk(head[1] ?? "")
    const isOuter = text.startsWith("+") || text.startsWith("-")
    // In a file, a line without a sign of its own only surrounds the change, and so does the head of a hunk.
    const isNoise = section === "file" && head === null && (inner === "" || /^(?: |@@)/.test(inner))
    return { text, section, differs: isOuter && !isNoise }
  })
}

/** The differing lines with the heads of their sections, and the lines without an outer sign between them. */
const keepTelling = (lines: ReadonlyArray<BodyLine>): ReadonlyArray<BodyLine> => {
  const kept: Array<BodyLine> = []
  let heads: Array<BodyLine> = []
  for (const line of lines) {
    const isHunk = line.text.startsWith("@@")
    const isHead = isHunk || sectionHead.test(line.text.slice(1))
    if (isHead && !line.differs) heads = isHunk ? [line] : [...heads.slice(0, 1), line]
    else if (line.differs) {
      kept.push(...heads, line)
      heads = []
    }
  }
  return kept
}
