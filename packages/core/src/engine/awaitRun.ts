/** Waiting for the end of a run. */
import * as Effect from "effect/Effect"
import type { RunId } from "../Ids.ts"
import { UnknownRun } from "../run/RunCommand.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { hasEnded } from "../run/RunEvolve.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import type { Store } from "../store/Store.ts"

/** Gives the run once it has ended; one that ended with a question has. */
export const awaitRun = (
  store: typeof Store.Service,
  runId: RunId
): Effect.Effect<RunDocument, UnknownRun | StoreError> =>
  Effect.gen(function* () {
    while (true) {
      const seen = yield* store.driver.head
      const run = yield* Effect.flatten(store.load(Runs, runId)).pipe(
        Effect.catchTag("NoSuchElementException", () => new UnknownRun({ runId }))
      )
      if (hasEnded(run.processStatus)) return run
      yield* store.driver.awaitBeyond(seen)
    }
  })
