/**
 * Opens the file and sets what SQLite and `@effect/sql-sqlite-bun` leave at their defaults. What is not ours is found
 * before anything is written.
 */
import { Database } from "bun:sqlite"
import * as fs from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { migrationsTable, schemaVersion } from "../SqliteMigrations.ts"
import {
  DatabaseTooNew,
  DatabaseUnavailable,
  ForeignDatabase,
  NotADatabase,
  type OpenError,
  type UnavailableReason
} from "../SqliteStoreErrors.ts"
import { Connection, type Synchronous } from "./Connection.ts"
import { codeOf, isBusy, textOf } from "./sqliteError.ts"
import { busyTimeoutMillis, patiently } from "./waiting.ts"

/** Marks a database as one of patchmoi: the ASCII codes of `pmoi`. */
export const applicationId = 0x706d6f69

/** Memory for pages of one connection, in KiB. Only what is used is taken. */
export const cacheKibibytes = 16_384

/** Pages in the write-ahead log after which they are moved into the file: 16 MiB. */
const checkpointPages = 4_096

/** How much of the write-ahead log stays on the disk for reuse, in bytes. */
const walBytesKept = 64 * 1_048_576

export interface DatabaseOptions {
  readonly filename: string
  readonly access: "write" | "read"
  readonly synchronous: Synchronous
  /** See {@link Connection}. */
  readonly point?: (() => void) | undefined
}

/** Opens the database until the scope closes, with the schema of this code. */
export const openDatabase = (options: DatabaseOptions): Effect.Effect<Connection, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { filename, access } = options
    const connection = yield* Effect.acquireRelease(
      opening(filename, () => connect(options)),
      (opened) => Effect.sync(() => opened.close())
    )
    const found = yield* opening(filename, () => schemaOf(connection))
    if (found > schemaVersion) return yield* new DatabaseTooNew({ filename, found, known: schemaVersion })
    if (access === "write") yield* opening(filename, () => logAhead(connection))
    if (found < schemaVersion && access === "read") {
      return yield* unavailable(filename, "tooOld", `version ${found}, this code reads ${schemaVersion}`)
    }
    if (found < schemaVersion) {
      // Only a database that needs it pays for loading the package: an eighth of a second.
      const { migrate } = yield* Effect.promise(() => import("./migrate.ts"))
      yield* migrate(filename, () => schemaOf(connection))
    }
    return connection
  })

// --- internal ---

/** Tries again while another process opens, closes or recovers the same file. */
const opening = <A>(filename: string, run: () => A): Effect.Effect<A, OpenError> =>
  Effect.mapError(patiently(run), ({ thrown }) => openError(filename, thrown))

const connect = ({ filename, access, synchronous, point }: DatabaseOptions): Connection => {
  const hindrance = hindranceOf(filename, access)
  if (hindrance !== undefined) throw hindrance
  const database = new Database(
    filename,
    access === "read" ? { readonly: true } : { readwrite: true, create: true }
  )
  const connection = new Connection(database, filename, point)
  try {
    connection.run(`PRAGMA busy_timeout = ${busyTimeoutMillis}`)
    refuseForeign(connection)
    if (access === "write") {
      if (isEmpty(connection)) {
        // Before the first table: space of what is forgotten can be given back in small steps.
        connection.run("PRAGMA auto_vacuum = INCREMENTAL")
        logAhead(connection)
        connection.run(`PRAGMA application_id = ${applicationId}`)
      }
      connection.run(`PRAGMA synchronous = ${synchronous.toUpperCase()}`)
      connection.run(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
      connection.run(`PRAGMA journal_size_limit = ${walBytesKept}`)
    }
    connection.run("PRAGMA foreign_keys = ON")
    connection.run(`PRAGMA cache_size = -${cacheKibibytes}`)
    // Statement journals in files cost more than everything else in a commit.
    connection.run("PRAGMA temp_store = MEMORY")
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/**
 * A copy that `VACUUM INTO` made has no write-ahead log. Without one, what is written without asking the disk could hurt the
 * file, and readers would stop writers.
 */
const logAhead = (connection: Connection): void => {
  if (connection.scalar("PRAGMA journal_mode") !== "wal") connection.run("PRAGMA journal_mode = WAL")
}

const isEmpty = (connection: Connection): boolean =>
  connection.scalar("SELECT count(*) FROM sqlite_schema") === 0

/** A database with tables that nobody marked as ours is somebody else's. */
const refuseForeign = (connection: Connection): void => {
  if (connection.scalar("PRAGMA application_id") === applicationId || isEmpty(connection)) return
  const tables = connection.scalar("SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'")
  throw new ForeignDatabase({ filename: connection.filename, tables: String(tables).split(",") })
}

/** The schema version of the database; 0 for an empty one. */
const schemaOf = (connection: Connection): number => {
  const table = connection.scalar(
    `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '${migrationsTable}'`
  )
  if (table === 0) return 0
  return Number(connection.scalar(`SELECT coalesce(max(migration_id), 0) FROM ${migrationsTable}`))
}

const unavailable = (filename: string, reason: UnavailableReason, detail: string): DatabaseUnavailable =>
  new DatabaseUnavailable({ filename, reason, detail })

/** What SQLite would only call "unable to open database file". */
const hindranceOf = (filename: string, access: "write" | "read"): DatabaseUnavailable | undefined => {
  const folder = dirname(filename)
  const file = fs.statSync(filename, { throwIfNoEntry: false })
  if (file?.isDirectory() === true) return unavailable(filename, "isFolder", "a file is needed")
  if (fs.statSync(folder, { throwIfNoEntry: false }) === undefined) {
    return unavailable(filename, "folderMissing", `${folder} is not there`)
  }
  if (file === undefined && access === "read") {
    return unavailable(filename, "missing", `${filename} is not there`)
  }
  const mode = access === "read" ? fs.constants.R_OK : fs.constants.R_OK | fs.constants.W_OK
  for (const path of file === undefined ? [folder] : [filename, ...(access === "read" ? [] : [folder])]) {
    try {
      fs.accessSync(path, mode)
    } catch (error) {
      return unavailable(filename, "notPermitted", textOf(error))
    }
  }
  return undefined
}

const isOpenError = Schema.is(Schema.Union(DatabaseUnavailable, ForeignDatabase))

const openError = (filename: string, error: unknown): OpenError => {
  if (isOpenError(error)) return error
  if (isBusy(error)) return unavailable(filename, "busy", textOf(error))
  switch (codeOf(error)) {
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return new NotADatabase({ filename, reason: textOf(error) })
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "SQLITE_AUTH":
      return unavailable(filename, "notPermitted", textOf(error))
    default:
      return unavailable(filename, "failed", textOf(error))
  }
}
