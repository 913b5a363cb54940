/** Which kind of store keeps the record of a folder. Looks at names only; loads no store. */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { RecordUnusable } from "./RecordUnusable.ts"
import { type StoreKind, storeNames } from "./storeKinds.ts"

/** The database of a record in SQLite, in its folder. */
export const databaseFile = (dataDir: string): string => join(dataDir, "patchmoi.sqlite")

/** The segments of a record in JSON lines, in its folder. */
export const logFolder = (dataDir: string): string => join(dataDir, "log")

/**
 * The kind of store in the folder; undefined when it holds none, or is not there. Throws {@link RecordUnusable} for a
 * path that is no folder and for a folder that holds both.
 */
export const heldStore = (dataDir: string): StoreKind | undefined => {
  const hindrance = hindranceAt(dataDir)
  if (hindrance === "is not there") return undefined
  if (hindrance !== undefined) {
    throw new RecordUnusable({
      dataDir,
      reason: "notAFolder",
      detail: `${dataDir} ${hindrance}, and a record is a folder: name another one with --data-dir or DATA_DIR`
    })
  }
  const holdsDatabase = statSync(databaseFile(dataDir), { throwIfNoEntry: false }) !== undefined
  const holdsLog = holdsSegments(logFolder(dataDir))
  if (holdsDatabase && holdsLog) {
    throw new RecordUnusable({
      dataDir,
      reason: "twoStores",
      detail:
        `${dataDir} holds a JSONL log (log) and a SQLite database (patchmoi.sqlite), and only one of them can be the record: ` +
        "move the one that is not to another folder"
    })
  }
  return holdsDatabase ? "sqlite" : holdsLog ? "file" : undefined
}

/**
 * The kind of store to open: what the folder holds, else what was asked for, else `fallback`. Throws
 * {@link RecordUnusable} when the folder holds another kind than was asked for, and where {@link heldStore} does.
 */
export const recordKind = (dataDir: string, asked: StoreKind | undefined, fallback: StoreKind): StoreKind => {
  const held = heldStore(dataDir)
  if (held !== undefined && asked !== undefined && held !== asked) {
    throw new RecordUnusable({
      dataDir,
      reason: "otherStore",
      detail:
        `The record in ${dataDir} is in ${storeNames[held]}, and ${storeNames[asked]} was asked for: open it as it is, or move it ` +
        `with \`patchmoi log export\` and \`patchmoi log import --store ${asked}\` into a new folder`
    })
  }
  return held ?? asked ?? fallback
}

/** {@link recordKind} as an effect; a folder that cannot be read is a `StoreError`. */
export const findRecordKind = (
  ...[dataDir, asked, fallback]: Parameters<typeof recordKind>
): Effect.Effect<StoreKind, RecordUnusable | StoreError> =>
  Effect.try({
    try: () => recordKind(dataDir, asked, fallback),
    catch: (error) =>
      isUnusable(error)
        ? error
        : new StoreError({
            operation: "look into its folder",
            reason: error instanceof Error ? error.message : String(error)
          })
  })

// --- internal ---

const isUnusable = Schema.is(RecordUnusable)

/** Why a path is no folder; undefined when it is one. What may not be looked at is thrown. */
const hindranceAt = (path: string): "is not there" | "is a file" | "lies below a file" | undefined => {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    return found === undefined ? "is not there" : found.isDirectory() ? undefined : "is a file"
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return "lies below a file"
    throw error
  }
}

const holdsSegments = (folder: string): boolean => {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".jsonl"))
  } catch (error) {
    const code = codeOf(error)
    if (code === "ENOENT" || code === "ENOTDIR") return false
    throw error
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined
