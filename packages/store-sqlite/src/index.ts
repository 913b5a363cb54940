/** The SQLite store of patchmoi. */
export * as LogMaintenance from "./LogMaintenance.ts"
export * as SqliteStore from "./SqliteStore.ts"
export * from "./SqliteStoreErrors.ts"
export * as SqliteStoreReader from "./SqliteStoreReader.ts"
