/** The kinds of store that can keep the record of a folder. Imports nothing: the command line reads it before it loads anything. */

/** Each kind, as options name it. */
export const storeKinds = ["file", "sqlite"] as const
/** The name of a kind of store in options and flags. A folder holds a record of one kind. */
export type StoreKind = (typeof storeKinds)[number]

/** The kinds, as they are told. */
export const storeNames: Readonly<Record<StoreKind, string>> = {
  file: "a JSONL log",
  sqlite: "a SQLite database"
}
