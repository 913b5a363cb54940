/** What can be found out about a patch stack: what upstream did with its patches, and how they would fare on a newer upstream. */
import * as Schema from "effect/Schema"
import { RunId } from "../Ids.ts"

/** What upstream did with a patch. `landed-modified` only asks; the others leave the patch out of a rebuild. */
export const VerdictKind = Schema.Literal("landed-identical", "landed-modified", "empty", "obsolete")
export type VerdictKind = typeof VerdictKind.Type

/** Why, for one commit of the patch. */
export const VerdictEvidence = Schema.Struct({
  kind: Schema.Literal("patch-id", "range-diff", "trailer", "empty", "drop-when"),
  /** The commit of the patch. */
  commit: Schema.String,
  /** The upstream commit that was seen; `null` where there is no single one. */
  upstream: Schema.NullOr(Schema.String),
  /** One sentence for people. */
  detail: Schema.String
})
export interface VerdictEvidence extends Schema.Schema.Type<typeof VerdictEvidence> {}

/** The verdict about one patch at one tip. */
export const PatchVerdict = Schema.Struct({
  /** Short name of the patch branch. */
  patch: Schema.String,
  /** The commit that the branch pointed to. */
  tip: Schema.String,
  verdict: VerdictKind,
  evidence: Schema.Array(VerdictEvidence)
})
export interface PatchVerdict extends Schema.Schema.Type<typeof PatchVerdict> {}

/** How a patch would fare. `landed`: upstream holds it, and it would be left out. */
export const ForecastAnswer = Schema.Literal("clean", "conflicts", "landed")
export type ForecastAnswer = typeof ForecastAnswer.Type

/** The answer for one patch. */
export const ForecastPatch = Schema.Struct({
  patch: Schema.String,
  tip: Schema.String,
  answer: ForecastAnswer,
  /** Why it is not clean, for people. */
  reason: Schema.optional(Schema.String)
})
export interface ForecastPatch extends Schema.Schema.Type<typeof ForecastPatch> {}

/** The upstream point that was looked at, and who did. */
export const UpstreamLook = Schema.Struct({
  /** The upstream commit. */
  onto: Schema.String,
  /** What it was asked for by, such as `upstream/main` or a tag. */
  ontoName: Schema.String,
  /** The run that found it, when it was a run. */
  runId: Schema.optional(RunId)
})
export interface UpstreamLook extends Schema.Schema.Type<typeof UpstreamLook> {}

/** Upstream did something with a patch. */
export const PatchVerdictFound = Schema.TaggedStruct("PatchVerdictFound", {
  ...UpstreamLook.fields,
  ...PatchVerdict.fields
})

/** All patches of the stack were tried on an upstream point, and nothing was published. */
export const ForecastMade = Schema.TaggedStruct("ForecastMade", {
  ...UpstreamLook.fields,
  patches: Schema.Array(ForecastPatch)
})

/** Everything that can be found out about a patch stack: a verdict is about one patch, a forecast about all of them. */
export const PatchStackFact = Schema.Union(PatchVerdictFound, ForecastMade)
export type PatchStackFact = typeof PatchStackFact.Type
