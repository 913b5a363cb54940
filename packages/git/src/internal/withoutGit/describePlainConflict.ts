/** Makes the conflict record of `patch/Conflict` out of what the merge without git found. */
import { isObjectId, type ObjectId } from "../../GitName.ts"
import {
  type Conflict,
  type ConflictFile,
  type ConflictSide,
  conflictFilesMax
} from "../../patch/Conflict.ts"
import type { TreeItem } from "../objectFormat.ts"
import type { PlainConflict } from "./mergeTreesPlain.ts"

/** The record, bounded as the one that git's answers give. */
export const describePlainConflict = (given: {
  readonly patch: string
  readonly commit: ObjectId
  readonly subject: string
  /** The commit that the patches go onto. */
  readonly onto: ObjectId
  readonly conflicts: ReadonlyArray<PlainConflict>
  readonly markedTextBytesMax: number
}): Conflict => ({
  patch: given.patch,
  commit: given.commit,
  subject: given.subject,
  body: "",
  purpose: null,
  onto: given.onto,
  files: given.conflicts
    .slice(0, conflictFilesMax)
    .map((found) => describeFile(found, given.markedTextBytesMax)),
  filesOmitted: Math.max(0, given.conflicts.length - conflictFilesMax),
  messages: ["Merged without the git program: renames are not followed"]
})

// --- internal ---

const describeFile = (found: PlainConflict, bytesMax: number): ConflictFile => {
  const path = found.path.toString("utf8")
  const isCut = found.marked !== null && found.marked.length > bytesMax
  const end = isCut && found.marked !== null ? found.marked.lastIndexOf(10, bytesMax - 1) + 1 : undefined
  return {
    path,
    pathBase64: Buffer.from(path).equals(found.path) ? null : found.path.toString("base64"),
    kind: found.kind,
    base: sideOf(found.base),
    ours: sideOf(found.ours),
    theirs: sideOf(found.theirs),
    markedText: found.marked === null ? null : found.marked.subarray(0, end).toString("utf8"),
    truncated: isCut,
    markedTextStart: 0,
    // Nobody looked: that takes git's blame.
    touchedBy: [],
    touchedByComplete: false,
    resolutions: []
  }
}

const sideOf = (item: TreeItem | null): ConflictSide | null =>
  item !== null && isObjectId(item.id) ? { oid: item.id, mode: item.mode } : null
