/** Files and databases move into each other; core and the stores cannot test this, as they do not see each other. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { make as memory } from "@patchmoi/core/store/DriverMemory"
import { storeContractAggregates as aggregates } from "@patchmoi/core/testing/StoreContract"
import { transferContract } from "@patchmoi/core/testing/TransferContract"
import { transferContractCompacted } from "@patchmoi/core/testing/TransferContractCompacted"
import { FileStore } from "@patchmoi/store-file"
import { SqliteStore } from "@patchmoi/store-sqlite"
import * as Effect from "effect/Effect"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "transfer-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)
const file = Effect.flatMap(folder, (directory) => Effect.orDie(FileStore.make({ directory, aggregates })))
const sqlite = Effect.flatMap(folder, (directory) =>
  Effect.orDie(SqliteStore.make({ filename: join(directory, "store.sqlite") }))
)

transferContract("file to sqlite", { from: file, to: sqlite })
transferContract("sqlite to file", { from: sqlite, to: file })
transferContract("sqlite to sqlite", { from: sqlite, to: sqlite })

transferContractCompacted("memory to sqlite", { from: memory, to: sqlite })
transferContractCompacted("sqlite to memory", { from: sqlite, to: memory })
transferContractCompacted("sqlite to sqlite", { from: sqlite, to: sqlite })
