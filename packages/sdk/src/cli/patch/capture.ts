/** `patchmoi patch capture`: a feature branch becomes a patch branch with one commit. */
import { Capture } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { printConflictRecord } from "./conflictText.ts"
import { printMoved, refuseForbidden, undoOf, warn } from "./editing.ts"
import type { PatchCaptureFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Nothing to capture is good as well: what was wanted is there already. A conflict ends with exit code 10. */
export const run: Run<PatchCaptureFlags, [string]> = async (session, flags, branch) => {
  const result = await inRepository(session, (here) => capture(flags, branch, here))
  const dryRun = flags.dryRun === true
  if (session.json) session.printJson({ status: statuses[result._tag], ...result, ...undo(result), dryRun })
  else printResult(session, result, dryRun)
  return result._tag === "Conflicted" ? exitCodes.needsAttention : exitCodes.good
}

// --- internal ---

const statuses = { Captured: "changed", Skipped: "skipped", Conflicted: "needs_intervention" } as const

const undo = (result: Capture.CaptureResult) =>
  result._tag === "Captured" ? { undo: undoOf(result.moved) } : {}

const capture = (flags: PatchCaptureFlags, branch: string, { repository, topology, config }: Here) =>
  Effect.gen(function* () {
    yield* refuseForbidden(config)
    return yield* Capture.capture({
      repository,
      topology,
      branch,
      from: flags.from,
      ...(flags.base === undefined ? {} : { base: flags.base }),
      ...(flags.message === undefined ? {} : { message: flags.message }),
      force: flags.force === true,
      dryRun: flags.dryRun === true
    })
  })

const printResult = (session: Session, result: Capture.CaptureResult, isDry: boolean): void => {
  const { green, yellow } = session.styles
  switch (result._tag) {
    case "Skipped":
      session.print(`${yellow("skipped")} ${result.patch}: ${result.reason}\n`)
      return
    case "Conflicted":
      printConflictRecord(session, result)
      session.print(
        `\nNothing was moved. Rebase the feature branch onto ${shortId(result.base)}, or name another base (--base), then capture again.\n`
      )
      return
    case "Captured": {
      const files = `${result.files} ${result.files === 1 ? "file" : "files"}`
      session.print(`${green("captured")} ${result.patch}: ${oneLine(result.subject)} (${files})\n`)
      session.print(`base: ${shortId(result.base)}\n`)
      printMoved(session, result.moved, isDry)
      for (const patch of result.dependents) {
        warn(session, `${patch} stands on commits that were replaced, and brings them as its own; rebase it`)
      }
    }
  }
}
