/** A conflict as a person reads it: which commit of which patch, each path with what each side has, and the marked text. */
import type { Conflict, RebuildResult } from "@patchmoi/git"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { shortId } from "./repository.ts"

/** Prints all of the record, and what to do about it. */
export const printConflict = (session: Session, result: RebuildResult.Conflicted): void => {
  const { conflict, remaining } = result
  printConflictRecord(session, result)
  if (remaining.length > 0) session.print(`not tried: ${remaining.join(", ")}\n`)
  session.print(
    `\nNothing was moved. Resolve it once (patchmoi patch resolve --onto ${shortId(result.onto)}), or rebase ${conflict.patch} onto ${shortId(result.onto)}; then rebuild again.\n`
  )
}

/** Prints the record alone. */
export const printConflictRecord = (
  session: Session,
  { conflict }: Pick<RebuildResult.Conflicted, "conflict">
): void => {
  const { red, bold } = session.styles
  session.print(
    `${red("conflict")} ${conflict.patch}: ${shortId(conflict.commit)} ${oneLine(conflict.subject)}\n`
  )
  if (conflict.purpose !== null) session.print(`purpose: ${oneLine(conflict.purpose)}\n`)
  for (const file of conflict.files) {
    session.print(`\n${bold(oneLine(file.path))} (${file.kind})\n`)
    for (const [name, side] of sidesOf(file)) session.print(`  ${name}: ${sideText(side)}\n`)
    printTouches(session, file)
    if (file.markedText !== null) printMarkedText(session, file, file.markedText)
  }
  if (conflict.filesOmitted > 0) session.print(`\nand ${conflict.filesOmitted} more files in conflict\n`)
  for (const message of conflict.messages) session.print(`git: ${oneLine(message)}\n`)
}

/** Prints who touched the lines upstream, and which stored resolutions there are. */
export const printTouches = (session: Session, file: Conflict.ConflictFile): void => {
  for (const { author, commit, date, subject } of file.touchedBy) {
    const who = `${date.slice(0, 10)} ${oneLine(author)}`
    session.print(`  touched by ${shortId(commit)} ${who}: ${oneLine(subject)}\n`)
  }
  if (!file.touchedByComplete) session.print("  (there may be more commits)\n")
  for (const id of file.resolutions) session.print(`  resolved before: ${id}\n`)
}

// --- internal ---

const sidesOf = ({ base, ours, theirs }: Conflict.ConflictFile) =>
  [
    ["base", base],
    ["ours (the new upstream)", ours],
    ["theirs (the patch)", theirs]
  ] as const

const sideText = (side: Conflict.ConflictSide | null): string =>
  side === null ? "absent" : `${side.oid} (mode ${side.mode})`

const printMarkedText = (session: Session, file: Conflict.ConflictFile, text: string): void => {
  const { dim, red, green } = session.styles
  if (file.markedTextStart > 0) session.print(dim(`  from byte ${file.markedTextStart}:\n`))
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const style = line.startsWith("<<<<<<<") ? red : line.startsWith(">>>>>>>") ? green : dim
    session.print(`  ${style === dim ? line : style(line)}\n`)
  }
  if (file.truncated) session.print(dim("  (the text goes on)\n"))
}
