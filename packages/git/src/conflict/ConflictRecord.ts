/**
 * A conflict as it is stored: the record, and an id that is made of what disagrees.
 *
 * The same commit of a patch against the same versions is the same conflict, whoever finds it, so its id is the same in
 * every clone. What is told about it besides (marked texts, upstream's commits) is not part of the id.
 */
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import { ObjectId, RefName } from "../GitName.ts"
import { Conflict, type ConflictSide } from "../patch/Conflict.ts"

/** Where conflicts are stored, one ref each. */
export const conflictsPrefix = "refs/patchmoi/conflicts/"

/** Longest stored record, in bytes: 16 MiB. Marked texts are left out from the end until it fits. */
export const recordBytesMax = 16 * 1024 * 1024

/** Stored conflicts that are listed. */
export const conflictsMax = 1_000

/** 32 hex digits. */
export const ConflictId = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{32}$/), Schema.brand("git/ConflictId"))
export type ConflictId = typeof ConflictId.Type

/** Tells whether the text can be the id of a conflict. */
export const isConflictId = Schema.is(ConflictId)

/** The content of `conflict.json`. */
export const ConflictRecord = Schema.Struct({
  version: Schema.Literal(1),
  conflict: Conflict
})
export type ConflictRecord = typeof ConflictRecord.Type

/** A conflict that was read from its ref. */
export const StoredConflict = Schema.TaggedStruct("StoredConflict", {
  id: ConflictId,
  ref: RefName,
  /** The commit that the ref points to. */
  record: ObjectId,
  conflict: Conflict
})
export type StoredConflict = typeof StoredConflict.Type

/** A ref where a conflict should lie and none can be read. */
export const ConflictIssue = Schema.TaggedStruct("ConflictIssue", {
  ref: Schema.String,
  detail: Schema.String
})
export type ConflictIssue = typeof ConflictIssue.Type

/** The id of a conflict. */
export const conflictIdOf = (conflict: Conflict): ConflictId => {
  const side = (given: ConflictSide | null) => (given === null ? null : [given.mode, given.oid])
  const files = conflict.files.map((file) => [
    file.path,
    file.pathBase64,
    side(file.base),
    side(file.ours),
    side(file.theirs)
  ])
  const text = JSON.stringify([conflict.patch, conflict.commit, files, conflict.filesOmitted])
  return ConflictId.make(createHash("sha256").update(text).digest("hex").slice(0, 32))
}
