/**
 * A conflict as data: which commit of which patch did not apply, and for each path what each side has.
 *
 * Everything encodes to JSON and is bounded, so that it can travel in a flow's artifacts.
 */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"

/** Longest marked text per file unless the caller says otherwise, in bytes: 64 KiB. */
export const markedTextBytesMaxDefault = 64 * 1024

/** Files that one conflict describes; the rest is counted in `filesOmitted`. */
export const conflictFilesMax = 200

/** Messages of git that one conflict keeps. */
export const conflictMessagesMax = 400

/** Upstream commits that one file in conflict names. */
export const touchesMax = 20

/** Longest message body that a conflict keeps, in UTF-16 units. */
export const bodyLengthMax = 8_000

/** What kind of disagreement a path has. */
export const ConflictKind = Schema.Literal(
  "content",
  "add/add",
  "modify/delete",
  "rename",
  "binary",
  "mode",
  "file/directory",
  "submodule",
  "other"
)
export type ConflictKind = typeof ConflictKind.Type

/** One side's version of a path. The id is a blob's, or a commit's for mode 160000. */
export const ConflictSide = Schema.Struct({
  oid: ObjectId,
  /** Git's file mode in octal: 100644, 100755, 120000 (symlink), 160000 (submodule). */
  mode: Schema.String
})
export type ConflictSide = typeof ConflictSide.Type

/** An upstream commit that changed lines which the patch changes as well. */
export const UpstreamTouch = Schema.Struct({
  commit: ObjectId,
  /** The author's name. */
  author: Schema.String,
  /** When it was written, in ISO 8601 with the author's zone. */
  date: Schema.String,
  subject: Schema.String
})
export type UpstreamTouch = typeof UpstreamTouch.Type

/** One path in conflict. */
export const ConflictFile = Schema.Struct({
  /** The path from the top of the tree; bytes that are not UTF-8 appear as replacement characters. */
  path: Schema.String,
  /** The exact bytes of the path in base64, or `null` when `path` is exact. */
  pathBase64: Schema.NullOr(Schema.String),
  kind: ConflictKind,
  /** The version that the patch was written against; `null` when the path did not exist. */
  base: Schema.NullOr(ConflictSide),
  /** The version on the new base with the patches before this one. */
  ours: Schema.NullOr(ConflictSide),
  /** The version that the patch wants. */
  theirs: Schema.NullOr(ConflictSide),
  /** The merged text with conflict markers in zdiff3 style; `null` for binaries and where git leaves no file. */
  markedText: Schema.NullOr(Schema.String),
  /** True when the marked text is only a part of the file. */
  truncated: Schema.Boolean,
  /** Where the part begins in the file, in bytes. A part begins shortly before the first marker. */
  markedTextStart: Schema.Int,
  /**
   * The upstream commits since the patch was written that touched the lines in conflict, or that deleted the file; newest
   * first, at most `touchesMax`. Empty in records from before this field.
   */
  touchedBy: Schema.optionalWith(Schema.Array(UpstreamTouch), { default: () => [] }),
  /** False when there are more of them, or when looking for them took too long. */
  touchedByComplete: Schema.optionalWith(Schema.Boolean, { default: () => true }),
  /** Ids of the stored resolutions for the same three versions, newest first. */
  resolutions: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })
})
export type ConflictFile = typeof ConflictFile.Type

/** The first commit that did not apply. */
export const Conflict = Schema.Struct({
  /** Short name of the patch branch. */
  patch: Schema.String,
  commit: ObjectId,
  subject: Schema.String,
  /** The commit's message below its subject, at most `bodyLengthMax` long. */
  body: Schema.optionalWith(Schema.String, { default: () => "" }),
  /** What the patch's contract says it is for; `null` when it says nothing. */
  purpose: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  /** The upstream commit that the patches go onto; `null` in records from before this field. */
  onto: Schema.optionalWith(Schema.NullOr(ObjectId), { default: () => null }),
  files: Schema.Array(ConflictFile),
  /** Files in conflict beyond `conflictFilesMax`. */
  filesOmitted: Schema.Int,
  /** What git said, one sentence each. */
  messages: Schema.Array(Schema.String)
})
export type Conflict = typeof Conflict.Type
