/** `patchmoi patch resolve`: opens the first conflict of a rebuild in a work tree. */
import { Forecast, ResolveSession } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { makeProgress } from "../progress.ts"
import { oneLine } from "../text/width.ts"
import { UsageError } from "../UsageError.ts"
import type { PatchResolveFlags } from "./flags.ts"
import { inRepository } from "./repository.ts"
import { tellOutcome } from "./resolveText.ts"
import { stackOf } from "./stack.ts"

/** Exit code 10 when a conflict was opened, 0 when there is none. */
export const run: Run<PatchResolveFlags, [string?]> = async (session, flags, patch) => {
  const outcome = await inRepository(session, (here) =>
    Effect.gen(function* () {
      const { repository, topology } = here
      const { onto, patches, target, upstream } = yield* stackOf(flags, here)
      const last = patches.findIndex(({ name }) => name === patch)
      if (patch !== undefined && last < 0) {
        const names = patches.map(({ name }) => name)
        return yield* Effect.fail(
          new UsageError(`There is no patch ${JSON.stringify(patch)}; see: patchmoi patch list`, {
            patches: names
          })
        )
      }
      const progress = makeProgress(session)
      progress.status(`carrying ${patches.length} patches over`)
      const asked = patch === undefined ? patches : patches.slice(0, last + 1)
      // What a rebuild leaves out must not be asked about.
      const look =
        flags.carryLanded === true
          ? { verdicts: new Map(), notes: [] }
          : yield* Forecast.lookForLanded({ repository, patches: asked, onto, upstream })
      for (const note of look.notes) session.note(oneLine(note))
      return yield* ResolveSession.startResolve({
        repository,
        onto,
        patches: asked,
        upstream,
        landed: look.verdicts,
        reuse: flags.reuse ?? "label",
        target:
          patch === undefined
            ? {
                ref: target.ref,
                patchPrefix: topology.patchPrefix,
                maintained: topology.target.ref,
                force: flags.force === true
              }
            : null,
        dryRun: flags.dryRun === true,
        ...(flags.dir === undefined ? {} : { directory: session.path(flags.dir) })
      }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
    })
  )
  return tellOutcome(session, outcome)
}
