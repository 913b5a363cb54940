/** The SQLite store of patchmoi. */
export * as SqliteStore from "./SqliteStore.ts"
export * from "./SqliteStoreErrors.ts"
export * as SqliteStoreReader from "./SqliteStoreReader.ts"
