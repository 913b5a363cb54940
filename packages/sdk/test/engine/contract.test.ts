/** The engine over the stores that a record can be in. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Store } from "@patchmoi/core/store/Store"
import { engineContract } from "@patchmoi/core/testing/EngineContract"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerStore } from "../../src/composeEngine.ts"
import { storeKinds } from "../../src/record/storeKinds.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "patchmoi-engine-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

for (const kind of storeKinds) {
  engineContract(`a record in ${kind}`, {
    place: Effect.map(temporaryFolder, (dataDir) =>
      Layer.build(layerStore({ kind, dataDir, access: "write" })).pipe(
        Effect.map((services) => Context.get(services, Store)),
        Effect.orDie
      )
    )
  })
}
