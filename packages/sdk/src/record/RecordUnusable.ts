/** Why a folder cannot be opened as a record. */
import * as Schema from "effect/Schema"

/**
 * The folder cannot be opened as a record. Nothing in it was changed.
 *
 * - `notAFolder`: the path is a file.
 * - `twoStores`: it holds a JSONL log and a SQLite database.
 * - `otherStore`: it holds the record in another kind of store than was asked for.
 * - `database`: its SQLite database cannot be opened.
 */
export class RecordUnusable extends Schema.TaggedError<RecordUnusable>("patchmoi/RecordUnusable")(
  "RecordUnusable",
  {
    dataDir: Schema.String,
    reason: Schema.Literal("notAFolder", "twoStores", "otherStore", "database"),
    /** What is wrong, and what to do. */
    detail: Schema.String
  }
) {
  override get message() {
    return this.detail
  }
}
