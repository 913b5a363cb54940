/** For commands that need a record that is there. */
import { existsSync } from "node:fs"
import { heldStore, logFolder } from "../record/recordKind.ts"

/** There is no record in the folder, and the command needs one that is there. Nothing was made. */
export class NoRecord extends Error {
  readonly _tag = "NoRecord"
  override readonly name = "NoRecord"

  constructor(readonly directory: string) {
    super(`There is no record in ${directory}; name its folder with --data-dir or DATA_DIR`)
  }
}

/**
 * Throws {@link NoRecord} where the folder is not there: a slip in its name must not make a new record. Throws
 * `RecordUnusable` for a path that is no folder, and for a folder that holds two stores.
 */
export const requireRecord = (dataDir: string): void => {
  if (!existsSync(dataDir)) throw new NoRecord(dataDir)
  heldStore(dataDir)
}

/** The same, and throws {@link NoRecord} for a folder that holds nothing of a record: it must not pass for a whole one. */
export const requireHeldRecord = (dataDir: string): void => {
  // A record in files has the folder of its log from the first moment on, and a file in it from the first fact on.
  if (heldStore(dataDir) === undefined && !existsSync(logFolder(dataDir))) throw new NoRecord(dataDir)
}
