/** `patchmoi patch resolution export`: lets git rerere know the stored resolutions. */
import { RerereCache } from "@patchmoi/git"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import { oneLine } from "../../text/width.ts"
import type { PatchAbortFlags } from "../flags.ts"
import { inRepository } from "../repository.ts"

/** Nothing to write is no failure. */
export const run: Run<PatchAbortFlags> = async (session, flags) => {
  const dryRun = flags.dryRun === true
  const entries = await inRepository(session, ({ repository }) =>
    RerereCache.exportToRerere({ repository, dryRun })
  )
  if (session.json) session.printJson({ entries, dryRun })
  else {
    for (const { entry, id, outcome, path } of entries) {
      session.print(`${outcome} rr-cache/${entry}: ${oneLine(path)} (${id})\n`)
    }
    if (entries.length === 0) session.print("no stored resolution is one that git rerere knows\n")
  }
  return exitCodes.good
}
