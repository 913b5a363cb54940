/** `patchmoi patch resolution delete`: deletes a stored resolution. */
import { ResolutionStore } from "@patchmoi/git"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import { authorOf } from "../author.ts"
import type { ResolutionCacheFlags } from "../flags.ts"
import { inRepository } from "../repository.ts"

/** Exit code 1 when there is none of that id. */
export const run: Run<ResolutionCacheFlags, [string]> = async (session, flags, id) => {
  const isDry = flags.dryRun === true
  const deleted = await inRepository(session, ({ repository }) =>
    Effect.gen(function* () {
      if (isDry) {
        const { resolutions } = yield* ResolutionStore.readResolutions({ repository })
        return resolutions.some((stored) => stored.id === id)
      }
      const author = yield* authorOf(repository, flags.author)
      const date = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
      return yield* ResolutionStore.deleteResolution({ repository, id, author, date })
    })
  )
  if (session.json) session.printJson({ id, deleted: deleted && !isDry, dryRun: isDry })
  else if (!deleted) session.note(`There is no resolution ${JSON.stringify(id)}`)
  else session.print(isDry ? `would delete ${id} (dry run)\n` : `deleted ${id}\n`)
  return deleted ? exitCodes.good : exitCodes.failed
}
