/** Makes a record from the lines of an export, in a folder that appears when everything has arrived and was proven. */
import * as fs from "node:fs"
import { dirname } from "node:path"
import { aggregates } from "@patchmoi/core/Aggregates"
import { StoreError, type VersionConflict } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import * as Transfer from "@patchmoi/core/store/Transfer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { layerStore, type OpenError } from "../composeEngine.ts"
import { exportLines, type ReadBytes } from "./exportLines.ts"
import type { StoreKind } from "./storeKinds.ts"

/** The folder that was to become the record is in use. Nothing was changed. */
export class ImportTargetInUse extends Schema.TaggedError<ImportTargetInUse>("patchmoi/ImportTargetInUse")(
  "ImportTargetInUse",
  { dataDir: Schema.String }
) {
  override get message() {
    return `${this.dataDir} is not empty, and an import makes a new record: name a folder that is not there yet`
  }
}

/** Where an export is read from, and what record it becomes. */
export interface ImportOptions {
  /** Reads the export from its start. */
  readonly read: ReadBytes
  /** The folder of the new record, absolute. It is not there, or empty. */
  readonly dataDir: string
  /** The kind of the new record; the export may be one of the other kind. */
  readonly store: StoreKind
}

/** What an import can end with. */
export type ImportError =
  | OpenError
  | VersionConflict
  | ImportTargetInUse
  | Transfer.TransferRefused
  | Transfer.TransferTargetNotEmpty
  | Transfer.TransferUnsupported

/** Imports into a folder beside the target, which takes its name when everything is in it. Whatever fails leaves nothing behind. */
export const importRecord = ({
  read,
  dataDir,
  store: kind
}: ImportOptions): Effect.Effect<Transfer.TransferReport, ImportError> =>
  Effect.gen(function* () {
    yield* refuseUsed(dataDir)
    const folder = yield* Effect.acquireRelease(
      placing(() => {
        fs.mkdirSync(dirname(dataDir), { recursive: true })
        return fs.mkdtempSync(`${dataDir}.importing-`)
      }),
      (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true }))
    )
    const importing = Effect.flatMap(Store.Store, ({ driver }) =>
      Transfer.importLog(driver, exportLines(read), { aggregates })
    )
    // The store is closed when its services are: what it still holds back is on the disk before the folder gets its name.
    const report = yield* Effect.scoped(
      Effect.flatMap(Layer.build(layerStore({ kind, dataDir: folder, access: "write" })), (services) =>
        Effect.provide(importing, services)
      )
    )
    yield* refuseUsed(dataDir)
    yield* placing(() => {
      // An empty folder gives way; one that has got something in it meanwhile makes this fail.
      fs.renameSync(folder, dataDir)
      syncFolder(dirname(dataDir))
    })
    return report
  }).pipe(Effect.scoped)

// --- internal ---

const refuseUsed = (dataDir: string): Effect.Effect<void, ImportTargetInUse | StoreError> =>
  Effect.flatMap(
    placing(() => {
      const found = fs.statSync(dataDir, { throwIfNoEntry: false })
      return found !== undefined && (!found.isDirectory() || fs.readdirSync(dataDir).length > 0)
    }),
    (isUsed) => (isUsed ? new ImportTargetInUse({ dataDir }) : Effect.void)
  )

/** Makes the names in a folder durable. */
const syncFolder = (folder: string): void => {
  const opened = fs.openSync(folder, "r")
  try {
    fs.fsyncSync(opened)
  } finally {
    fs.closeSync(opened)
  }
}

const placing = <A>(place: () => A): Effect.Effect<A, StoreError> =>
  Effect.try({
    try: place,
    catch: (error) =>
      new StoreError({
        operation: "make the folder of the record",
        reason: error instanceof Error ? error.message : String(error)
      })
  })
