/** `patchmoi patch diff OLD NEW`: what became of each commit of a patch stack. */
import { RangeDiff, type RangeDiffRow, Repository, StackBase } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import type { PatchDiffFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Differences are no failure: exit code 0 whatever they are. */
export const run: Run<PatchDiffFlags, [string, string]> = async (session, flags, old, next) => {
  const compared = await inRepository(session, (here) => compare(here, flags, old, next))
  if (session.json) session.printJson(compared)
  else for (const row of compared.rows) printRow(session, row)
  return exitCodes.good
}

// --- internal ---

const compare = ({ repository, topology }: Here, flags: PatchDiffFlags, old: string, next: string) =>
  Effect.gen(function* () {
    const rangeOf = (revision: string, base: string | undefined) =>
      Effect.gen(function* () {
        const tip = yield* Repository.resolveCommit({ repository, revision })
        const from =
          base === undefined
            ? yield* StackBase.stackBaseOf({ repository, tip, topology })
            : yield* Repository.resolveCommit({ repository, revision: base })
        return { base: from, tip }
      })
    const ranges = { old: yield* rangeOf(old, flags.ontoOld), new: yield* rangeOf(next, flags.ontoNew) }
    return { ...ranges, rows: yield* RangeDiff.rangeDiff({ repository, ...ranges }) }
  })

const printRow = (session: Session, row: RangeDiffRow.RangeDiffRow): void => {
  const { dim, green, red, yellow } = session.styles
  const style = { equal: dim, context: dim, message: yellow, content: yellow, removed: red, added: green }
  const side = (at: RangeDiffRow.RangeDiffRow["old"]) =>
    at === null ? "-" : `${at.number}:${shortId(at.commit)}`
  const relation = style[row.relation](row.relation)
  session.print(`${relation} ${side(row.old)} ${side(row.new)} ${oneLine(row.subject)}\n`)
  for (const line of row.lines) {
    const isHead = /^(?:@@|. ## )/.test(line)
    const color = isHead ? dim : line.startsWith("+") ? green : line.startsWith("-") ? red : dim
    session.print(`    ${color(line)}\n`)
  }
  if (row.truncated) session.print(dim("    (the difference goes on)\n"))
}
