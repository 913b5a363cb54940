CREATE TABLE "migrations" (
  migration_id integer PRIMARY KEY NOT NULL,
  created_at datetime NOT NULL DEFAULT current_timestamp,
  name VARCHAR(255) NOT NULL
);
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL CHECK (version > 0),
  document TEXT,
  sorts TEXT NOT NULL
);
CREATE TABLE facts (
  position INTEGER PRIMARY KEY CHECK (position > 0),
  stream INTEGER NOT NULL REFERENCES streams (id),
  version INTEGER NOT NULL CHECK (version > 0),
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (stream, version)
);
CREATE TABLE indexes (
  id INTEGER PRIMARY KEY,
  view TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (view, name)
);
CREATE TABLE entries (
  index_id INTEGER NOT NULL REFERENCES indexes (id),
  sort TEXT NOT NULL,
  stream INTEGER NOT NULL,
  PRIMARY KEY (index_id, sort)
) WITHOUT ROWID;
CREATE TABLE leases (
  attempt TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  worker TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  process TEXT
) WITHOUT ROWID;
CREATE TABLE outputs (
  attempt TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  stream TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (attempt, sequence)
);
CREATE VIEW log AS
SELECT position, name AS stream, facts.version, at, type, data
FROM facts JOIN streams ON streams.id = facts.stream;
