/** Empty folders in the system's temporary folder. */
import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"

/** A new, empty folder, removed with everything in it when the scope closes. */
export const makeTemporaryFolder = (prefix: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => realpath(await mkdtemp(join(tmpdir(), prefix)))),
    (created) => Effect.promise(() => rm(created, { recursive: true, force: true }))
  )
