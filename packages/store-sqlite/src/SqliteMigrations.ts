/**
 * The schema of the database, as numbered steps. A step that was released is never edited; what changes is a new step.
 * `test/schema.sql` holds what all of them lead to.
 *
 * - `streams`: one row for each stream, which is also its document. The id is the position of its first fact.
 * - `facts`: the log. `UNIQUE (stream, version)` is what no two writers get past.
 * - `indexes`, `entries`: what documents are listed by. An entry holds the sort key; `indexes` names it once.
 *   `entries.stream` has no foreign key: entries are derived, and the key would cost an index as large as the table.
 * - `leases`, `outputs`: not history.
 * - `log`: a view for people.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

type Migration = Effect.Effect<void, SqlError, SqlClient.SqlClient>

const statements = (...texts: ReadonlyArray<string>): Migration =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true })
  )

/** The steps, by number and name. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_log_documents_leases_outputs": statements(
    `CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL CHECK (version > 0),
  document TEXT,
  sorts TEXT NOT NULL
)`,
    `CREATE TABLE facts (
  position INTEGER PRIMARY KEY CHECK (position > 0),
  stream INTEGER NOT NULL REFERENCES streams (id),
  version INTEGER NOT NULL CHECK (version > 0),
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (stream, version)
)`,
    `CREATE TABLE indexes (
  id INTEGER PRIMARY KEY,
  view TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (view, name)
)`,
    `CREATE TABLE entries (
  index_id INTEGER NOT NULL REFERENCES indexes (id),
  sort TEXT NOT NULL,
  stream INTEGER NOT NULL,
  PRIMARY KEY (index_id, sort)
) WITHOUT ROWID`,
    `CREATE TABLE leases (
  attempt TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  worker TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  process TEXT
) WITHOUT ROWID`,
    `CREATE TABLE outputs (
  attempt TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  stream TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (attempt, sequence)
)`,
    `CREATE VIEW log AS
SELECT position, name AS stream, facts.version, at, type, data
FROM facts JOIN streams ON streams.id = facts.stream`
  )
}

/** The table of the migrator: which steps a database has been through. */
export const migrationsTable = "migrations"

/** The schema version that this code reads and writes: the number of the last step. */
export const schemaVersion: number = Math.max(
  ...Object.keys(migrations).map((name) => Number.parseInt(name, 10))
)
