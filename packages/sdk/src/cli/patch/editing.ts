/** What the commands that edit the stack share: who may, what moved, and how it is undone. */
import { GitName, type PatchmoiConfig, type RefTransaction } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { shortId } from "./repository.ts"

/** The maintained repository forbids it: `[safety] allowCapture = false` in its `.patchmoi.toml`. Nothing was done. */
export class CaptureForbidden extends Error {
  readonly _tag = "CaptureForbidden"
  override readonly name = "CaptureForbidden"

  constructor(readonly file: string) {
    super(`${file} forbids changes of patch branches (allowCapture = false); change it there first`)
  }
}

/** Refuses every edit where the repository's file forbids to record patches. */
export const refuseForbidden = ({
  file,
  restrictions
}: PatchmoiConfig.PatchmoiConfig): Effect.Effect<void, CaptureForbidden> =>
  restrictions.forbidden.includes("capture")
    ? Effect.fail(new CaptureForbidden(file ?? ".patchmoi.toml"))
    : Effect.void

/** The commands of git that put the branches back, one for each. */
export const undoOf = (moved: ReadonlyArray<RefTransaction.RefChange>): ReadonlyArray<string> =>
  moved.flatMap(({ ref, expected, next }) => {
    if (!ref.startsWith("refs/heads/") || expected === next) return []
    if (expected === null) return [`git update-ref -d ${quoted(ref)} ${next}`]
    return [`git update-ref ${quoted(ref)} ${expected}${next === null ? "" : ` ${next}`}`]
  })

/** Prints the branches that moved, what is kept, and how to go back; or that nothing moved. */
export const printMoved = (
  session: Session,
  moved: ReadonlyArray<RefTransaction.RefChange>,
  isDry: boolean
): void => {
  for (const { ref, expected, next } of moved) {
    if (expected === next) continue
    const name = oneLine(GitName.shortName(ref))
    if (ref.startsWith("refs/patchmoi/")) session.print(`kept: ${name}\n`)
    else if (next === null) session.print(`removed: ${name} (was ${shortId(expected)})\n`)
    else if (expected === null) session.print(`made: ${name} ${shortId(next)}\n`)
    else session.print(`moved: ${name} ${shortId(next)} (was ${shortId(expected)})\n`)
  }
  if (isDry) session.print("no branch was moved (dry run)\n")
  else for (const line of undoOf(moved)) session.print(`undo: ${line}\n`)
}

/** Says something that a person should know, on standard error. */
export const warn = (session: Session, text: string): void => {
  if (!session.json) session.note(`warning: ${oneLine(text)}`)
}

// --- internal ---

/** A word for a shell. Names of refs may hold what a shell would read. */
const quoted = (word: string): string =>
  /^[\w./@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
