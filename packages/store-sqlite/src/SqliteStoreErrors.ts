/** What can stand in the way of opening a SQLite store. */
import * as Schema from "effect/Schema"

/** The file exists and is not a SQLite database. It was not touched. */
export class NotADatabase extends Schema.TaggedError<NotADatabase>("patchmoi/NotADatabase")("NotADatabase", {
  filename: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.filename} is not a SQLite database (${this.reason}). Name another file, or restore this one from a copy`
  }
}

/** The file is a SQLite database of another program. It was not touched. */
export class ForeignDatabase extends Schema.TaggedError<ForeignDatabase>("patchmoi/ForeignDatabase")(
  "ForeignDatabase",
  { filename: Schema.String, tables: Schema.Array(Schema.String) }
) {
  override get message() {
    const tables = this.tables.slice(0, namedTablesMax).join(", ")
    return `${this.filename} is a database of another program (it has the tables ${tables}). Name another file`
  }
}

/** A newer patchmoi has written the database. It was not touched. */
export class DatabaseTooNew extends Schema.TaggedError<DatabaseTooNew>("patchmoi/DatabaseTooNew")(
  "DatabaseTooNew",
  {
    filename: Schema.String,
    /** The schema version of the database. */
    found: Schema.Int,
    /** The newest schema version that this code knows. */
    known: Schema.Int
  }
) {
  override get message() {
    return (
      `${this.filename} has schema version ${this.found}, and this patchmoi knows versions up to ${this.known}. ` +
      "Use the patchmoi that wrote it, or a newer one"
    )
  }
}

/** Why a file cannot be opened. */
export const UnavailableReason = Schema.Literal(
  "missing",
  "folderMissing",
  "isFolder",
  "notPermitted",
  "tooOld",
  "busy",
  "failed"
)
export type UnavailableReason = typeof UnavailableReason.Type

/** The file cannot be opened as it was asked for. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>(
  "patchmoi/DatabaseUnavailable"
)("DatabaseUnavailable", {
  filename: Schema.String,
  reason: UnavailableReason,
  /** What the machine said. */
  detail: Schema.String
}) {
  override get message() {
    return `The database ${this.filename} cannot be opened: ${explanations[this.reason]} (${this.detail})`
  }
}

/** Every error of opening a SQLite store. */
export type OpenError = NotADatabase | ForeignDatabase | DatabaseTooNew | DatabaseUnavailable

// --- internal ---

const namedTablesMax = 5

const explanations: Readonly<Record<UnavailableReason, string>> = {
  missing: "there is no such file. Open it for writing once to make it",
  folderMissing: "its folder does not exist. Make the folder first",
  isFolder: "the path is a folder. Name a file in it",
  notPermitted: "this process may not read and write the file and its folder",
  tooOld: "its schema is older than this code reads. Open it for writing once to bring it up to date",
  busy: "another process held it for longer than this one waits. Try again",
  failed: "the machine refused"
}
