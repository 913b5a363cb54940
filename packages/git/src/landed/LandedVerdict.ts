/**
 * What upstream did with one patch, and by what that was seen. Nothing is ever left out of a stack without one.
 *
 * Only `landed-identical`, `empty` and `obsolete` leave a patch out of a rebuild. `landed-modified` asks: somebody looks
 * whether upstream's form will do, and until then the patch is carried on.
 */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"

/** Pieces of evidence that one verdict keeps. A patch of more commits than this says so in its last detail. */
export const landedEvidenceMax = 50

/** Longest detail of one piece of evidence, in UTF-16 units. */
export const landedDetailLengthMax = 300

/** What upstream did with the patch. */
export const LandedVerdictKind = Schema.Literal(
  /** Upstream holds the same change, commit for commit. */
  "landed-identical",
  /** Upstream took the change in another form, or took a part of it. Only asks. */
  "landed-modified",
  /** The patch changes nothing on the new base. */
  "empty",
  /** What the patch's contract names as its end has come. */
  "obsolete"
)
export type LandedVerdictKind = typeof LandedVerdictKind.Type

/** Why a verdict was given, for one commit of the patch. */
export const LandedEvidence = Schema.Struct({
  /**
   * `patch-id`: an upstream commit has the same change. `range-diff`: an upstream commit has nearly the same change.
   * `trailer`: the messages name each other. `empty`: nothing was left after the merge. `drop-when`: the contract says so.
   */
  kind: Schema.Literal("patch-id", "range-diff", "trailer", "empty", "drop-when"),
  /** The commit of the patch. */
  commit: ObjectId,
  /** The upstream commit that was seen; `null` where there is no single one. */
  upstream: Schema.NullOr(ObjectId),
  /** One sentence for people, at most `landedDetailLengthMax` long. */
  detail: Schema.String
})
export type LandedEvidence = typeof LandedEvidence.Type

/** The verdict about one patch at one tip. */
export const LandedVerdict = Schema.Struct({
  /** Short name of the patch branch, such as `patch/login`. */
  patch: Schema.String,
  /** Where the patch branch pointed when the verdict was given. */
  tip: ObjectId,
  verdict: LandedVerdictKind,
  /** At least one piece, at most `landedEvidenceMax`. */
  evidence: Schema.Array(LandedEvidence)
})
export type LandedVerdict = typeof LandedVerdict.Type

/** Tells whether the verdict leaves the patch out of a rebuild. */
export const leavesOut = (verdict: LandedVerdict): boolean => verdict.verdict !== "landed-modified"
