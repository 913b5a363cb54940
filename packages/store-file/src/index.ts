/** The JSONL store of patchmoi. */
export * as FileStore from "./FileStore.ts"
export * from "./FileStoreErrors.ts"
export * as FileStoreReader from "./FileStoreReader.ts"
export * as LogMaintenance from "./LogMaintenance.ts"
export * from "./ReadableProjection.ts"
