/** The SQLite store of patchmoi. */
export {}
