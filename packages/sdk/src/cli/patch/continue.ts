/** `patchmoi patch continue`: takes the resolution of the open conflict, and goes on with the rebuild. */
import { ResolveSession } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { authorOf } from "./author.ts"
import type { PatchContinueFlags } from "./flags.ts"
import { inRepository } from "./repository.ts"
import { tellOutcome } from "./resolveText.ts"

/** Exit code 0 at the end of the stack, 10 while a conflict is open. */
export const run: Run<PatchContinueFlags> = async (session, flags) => {
  const outcome = await inRepository(session, ({ repository }) =>
    Effect.flatMap(authorOf(repository, flags.author), (author) =>
      ResolveSession.continueResolve({
        repository,
        author,
        how: flags.how ?? "hand",
        note: flags.note ?? "",
        dryRun: flags.dryRun === true
      })
    )
  )
  return tellOutcome(session, outcome)
}
