/** `patchmoi patch resolution import`: takes over what git rerere remembers about the stored conflicts. */
import { RerereCache } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import { oneLine } from "../../text/width.ts"
import { authorOf } from "../author.ts"
import type { ResolutionCacheFlags } from "../flags.ts"
import { inRepository } from "../repository.ts"

/** Nothing to take over is no failure. */
export const run: Run<ResolutionCacheFlags> = async (session, flags) => {
  const dryRun = flags.dryRun === true
  const resolutions = await inRepository(session, ({ repository }) =>
    Effect.flatMap(authorOf(repository, flags.author), (author) =>
      RerereCache.importFromRerere({ repository, author, dryRun })
    )
  )
  if (session.json) session.printJson({ resolutions, dryRun })
  else {
    for (const { entry, id, path } of resolutions) {
      const what = id === null ? "would store" : `stored ${id}:`
      session.print(`${what} ${oneLine(path)} from rr-cache/${entry}\n`)
    }
    if (resolutions.length === 0) session.print("rr-cache knows none of the stored conflicts\n")
  }
  return exitCodes.good
}
