/** The store in the database of a folder. Apart from `compose.ts`, so that only a record in SQLite loads it. */
import { mkdirSync } from "node:fs"
import * as Store from "@patchmoi/core/store/Store"
import { SqliteStore, SqliteStoreReader } from "@patchmoi/store-sqlite"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { FileState } from "./fileStore.ts"
import { RecordUnusable } from "./RecordUnusable.ts"
import { databaseFile } from "./recordKind.ts"

/** The store in the database of the folder; for writing, the folder is made when it is missing. */
export const layerSqliteStore = ({
  dataDir,
  access
}: FileState): Layer.Layer<Store.Store, RecordUnusable> => {
  const filename = databaseFile(dataDir)
  const unusable = (detail: string): RecordUnusable =>
    new RecordUnusable({ dataDir, reason: "database", detail })
  const opened = Effect.mapError((error: unknown) => unusable(messageOf(error)))
  const driver =
    access === "read"
      ? opened(SqliteStoreReader.openReadOnly({ filename }))
      : Effect.zipRight(
          Effect.try({
            try: () => mkdirSync(dataDir, { recursive: true }),
            catch: (error) => unusable(`The folder ${dataDir} cannot be made: ${messageOf(error)}`)
          }),
          opened(SqliteStore.make({ filename }))
        )
  return Store.layerDriver(driver)
}

// --- internal ---

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
