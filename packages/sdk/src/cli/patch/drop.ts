/** `patchmoi patch drop`: a patch leaves the stack, and its commits are kept. */
import { Drop } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { printMoved, refuseForbidden, undoOf, warn } from "./editing.ts"
import type { PatchDropFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Exit code 0 also when other patches may need it: that is told. */
export const run: Run<PatchDropFlags, [string]> = async (session, flags, patch) => {
  const result = await inRepository(session, (here) => drop(flags, patch, here))
  const dryRun = flags.dryRun === true
  if (session.json) {
    session.printJson({ status: "changed", ...result, undo: undoOf(result.moved), dryRun })
  } else printResult(session, result, dryRun)
  return exitCodes.good
}

// --- internal ---

const drop = (flags: PatchDropFlags, patch: string, { repository, topology, config }: Here) =>
  Effect.gen(function* () {
    yield* refuseForbidden(config)
    return yield* Drop.drop({
      repository,
      topology,
      patch,
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
      dryRun: flags.dryRun === true
    })
  })

const printResult = (session: Session, result: Drop.Dropped, isDry: boolean): void => {
  session.print(`${session.styles.yellow("dropped")} ${result.patch} ${shortId(result.tip)}\n`)
  printMoved(session, result.moved, isDry)
  if (result.dependents === null) {
    warn(session, "which patches need it cannot be told; see: patchmoi patch doctor")
  }
  for (const { patch, by, paths, pathsOmitted } of result.dependents ?? []) {
    const more = pathsOmitted === 0 ? "" : ` and ${pathsOmitted} more`
    warn(
      session,
      by === "commit"
        ? `${patch} stands on its commits, and brings them as its own from now on; rebase it`
        : `${patch} changes the same paths and may need it: ${paths.join(", ")}${more}`
    )
  }
}
