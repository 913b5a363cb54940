/** `patchmoi patch abort`: gives the open conflict up. */
import { ResolveSession } from "@patchmoi/git"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { PatchAbortFlags } from "./flags.ts"
import { inRepository } from "./repository.ts"

/** Nothing to give up is no failure. */
export const run: Run<PatchAbortFlags> = async (session, flags) => {
  const dryRun = flags.dryRun === true
  const aborted = await inRepository(session, ({ repository }) =>
    ResolveSession.abortResolve({ repository, dryRun })
  )
  if (session.json) session.printJson({ ...aborted, dryRun })
  else {
    const { state, worktrees } = aborted
    for (const directory of worktrees) session.print(`${dryRun ? "would remove" : "removed"} ${directory}\n`)
    if (!state && worktrees.length === 0) session.print("no conflict is open\n")
    else
      session.print(
        dryRun ? "and forget the conflict (dry run)\n" : "the conflict is given up; stored resolutions stay\n"
      )
  }
  return exitCodes.good
}
