/** What SQLite refused, sorted by what there is to do about it. */
import { SQLiteError } from "bun:sqlite"
import { StoreError } from "@patchmoi/core/store/Log"

/** Whether another connection is in the way: the same again will do, a little later. */
export const isBusy = (error: unknown): boolean =>
  error instanceof SQLiteError && (codeOf(error) === "SQLITE_BUSY" || codeOf(error) === "SQLITE_LOCKED")

/** The primary result code, as `SQLITE_FULL`; undefined for what SQLite did not throw. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof SQLiteError ? /^SQLITE_[A-Z]+/.exec(error.code ?? "")?.[0] : undefined

/** The text of anything that was thrown. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** `operation` completes the sentence "The store could not …". */
export const storeError = (operation: string, error: unknown): StoreError => {
  const code = codeOf(error)
  const advice = code === undefined ? undefined : advices[code]
  const text = textOf(error)
  return new StoreError({ operation, reason: advice === undefined ? text : `${advice} (${text})` })
}

// --- internal ---

const advices: Readonly<Record<string, string>> = {
  SQLITE_BUSY: "another process has held the database for too long; look which one, and try again",
  SQLITE_FULL: "the disk is full; make room and try again",
  SQLITE_READONLY: "the database cannot be written; look at the permissions of the file and its folder",
  SQLITE_CORRUPT:
    "the database is damaged; run `patchmoi log verify`, and restore it from a copy if that finds something",
  SQLITE_NOTADB: "the file is no longer a database; restore it from a copy",
  SQLITE_IOERR: "the disk failed; look at the log of the machine",
  SQLITE_CANTOPEN: "the file cannot be opened any more; look whether it was moved or removed"
}
