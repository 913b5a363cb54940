/**
 * How each patch would fare on an upstream point, released or not, without publishing anything.
 *
 * 1. Nothing is left behind: no object, no ref. Only the cache of `landed/` is written.
 * 2. A patch that upstream holds is `landed`, with the verdict. One that does not apply, or builds on one that does not, is
 *    `conflicts`, with the place. Every other patch is `clean`, together with all clean patches before it.
 * 3. `landed-modified` asks and decides nothing: such a patch is tried as any other, and its verdict stands beside the answer.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { dropWhenReached } from "../contract/DropWhen.ts"
import { readContracts } from "../contract/PatchContract.ts"
import { ObjectId } from "../GitName.ts"
import { type DropWhenReached, findLanded, type LandedVerdicts, withEmpty } from "../landed/findLanded.ts"
import { LandedVerdict } from "../landed/LandedVerdict.ts"
import type { ConflictResolver } from "../patch/ConflictResolver.ts"
import { type PatchBranch, type PlannedPatch, planPatches } from "../patch/PatchPlan.ts"
import { rebuild } from "../patch/Rebuild.ts"
import type { RebuildResult, SkippedPatch } from "../patch/RebuildResult.ts"
import { type Repository, resolveCommit } from "../Repository.ts"

/** Paths in conflict that one answer names. */
export const forecastPathsMax = 20

/** How a patch would fare. */
export const ForecastAnswer = Schema.Literal("clean", "conflicts", "landed")
export type ForecastAnswer = typeof ForecastAnswer.Type

/** Where a patch does not apply. */
export const ForecastConflict = Schema.Struct({
  /** The commit of the patch. */
  commit: ObjectId,
  subject: Schema.String,
  /** At most `forecastPathsMax`. */
  paths: Schema.Array(Schema.String),
  pathsOmitted: Schema.Int
})
export type ForecastConflict = typeof ForecastConflict.Type

/** The answer for one patch. */
export const PatchForecast = Schema.Struct({
  patch: Schema.String,
  tip: ObjectId,
  answer: ForecastAnswer,
  /** One sentence for people: why it is not clean, or what asks to be looked at; `null` when there is nothing to say. */
  reason: Schema.NullOr(Schema.String),
  verdict: Schema.NullOr(LandedVerdict),
  /** `null` also for a patch that was not tried because it builds on one that conflicts. */
  conflict: Schema.NullOr(ForecastConflict)
})
export type PatchForecast = typeof PatchForecast.Type

/** The answers for a stack, in its order. */
export const Forecast = Schema.Struct({
  onto: ObjectId,
  /** What the upstream point was asked for by. */
  ontoName: Schema.String,
  patches: Schema.Array(PatchForecast),
  /** What could not be looked at, one sentence each. */
  notes: Schema.Array(Schema.String)
})
export type Forecast = typeof Forecast.Type

/** Which patches are tried on which upstream point, and who may answer conflicts. Patches and refs stay as they are. */
export interface ForecastOptions {
  readonly repository: Repository
  /** The patch branches in the order in which they are applied. */
  readonly patches: ReadonlyArray<PatchBranch>
  /** The upstream commit, tag or ref to look at. */
  readonly onto: string
  /** More upstream commits that bound the patches from below. (Default: none.) */
  readonly upstream?: ReadonlyArray<ObjectId>
  /** Asked about conflicts, as in a rebuild. (Default: nobody.) */
  readonly resolver?: ConflictResolver
  /** Upstream commits that are looked through for what landed. (Default: 20,000; beyond it `notes` says so.) */
  readonly commitsMax?: number
}

/**
 * Tries every patch.
 *
 * Errors, after each of which nothing has changed: `InvalidName`, `RevisionNotFound` (onto), `MergeCommitInPatch`,
 * `PatchWithoutBase`, `StackTooLong`, `UnreadableCommit`, `QuarantineError`, `GitError`.
 */
export const forecast = Effect.fn("Forecast.forecast")(function* (options: ForecastOptions) {
  const { repository, patches } = options
  const onto = yield* resolveCommit({ repository, revision: options.onto })
  const given = { ...options, onto }
  const { notes, verdicts } = yield* lookForLanded(given)
  const result = yield* rebuild({ ...given, landed: verdicts, keepGoing: true, onlyLook: true })
  const made: Forecast = {
    onto,
    ontoName: options.onto,
    patches: answersOf(patches, result, withEmpty(verdicts, result)),
    notes
  }
  return made
})

/** What is known about upstream and the patches before anything is merged. */
export interface LandedLook {
  readonly verdicts: LandedVerdicts
  /** What could not be looked at, one sentence each. Then nothing was found, and nothing is left out for it. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Looks for the patches that upstream holds, and for those whose contract says that their end has come. A range that is too
 * long to look through is a note, and no error: it must not stand in the way of a rebuild.
 *
 * Errors: those of `findLanded`, less `UpstreamRangeTooLong` and `RangeTooLong`.
 */
export const lookForLanded = Effect.fn("Forecast.lookForLanded")(function* (
  options: Pick<ForecastOptions, "repository" | "patches" | "onto" | "upstream" | "commitsMax">
) {
  const { patches, repository } = options
  const onto = yield* resolveCommit({ repository, revision: options.onto })
  const upstream = [onto, ...(options.upstream ?? [])]
  const dropWhen = yield* reachedEnds(repository, onto, yield* planPatches({ repository, upstream, patches }))
  const noted = ({ message }: { readonly message: string }) => {
    const notes = [`Not looked for patches that upstream holds: ${message}`]
    const look: LandedLook = { verdicts: new Map(), notes }
    return Effect.succeed(look)
  }
  return yield* findLanded({ ...options, onto, dropWhen }).pipe(
    Effect.map((verdicts): LandedLook => ({ verdicts, notes: [] })),
    Effect.catchTags({ UpstreamRangeTooLong: noted, RangeTooLong: noted })
  )
})

/** The contracts' ends that have come at this upstream commit, by patch. */
export const reachedEnds = Effect.fn("Forecast.reachedEnds")(function* (
  repository: Repository,
  onto: ObjectId,
  planned: ReadonlyArray<PlannedPatch>
) {
  const reached = new Map<string, DropWhenReached>()
  for (const [patch, { dropWhen }] of yield* readContracts({ repository, patches: planned })) {
    if (dropWhen === undefined) continue
    const answer = yield* dropWhenReached({ repository, onto, dropWhen })
    if (answer.reached) reached.set(patch, { upstream: onto, detail: answer.detail })
  }
  return reached
})

// --- internal ---

const answersOf = (
  patches: ReadonlyArray<PatchBranch>,
  result: RebuildResult,
  verdicts: LandedVerdicts
): ReadonlyArray<PatchForecast> => {
  const skipped = new Map(
    result._tag === "Rebuilt" ? result.skipped.map((each) => [each.patch, each] as const) : []
  )
  const dropped = new Set(result.dropped.map(({ patch }) => patch))
  const resolved = new Map(
    result.applied.map(({ patch, commits }) => [patch, commits.flatMap((commit) => commit.resolved)] as const)
  )
  return patches.map(({ name: patch, tip }): PatchForecast => {
    const verdict = verdicts.get(patch) ?? null
    const detail = verdict?.evidence[0]?.detail ?? null
    const skip = skipped.get(patch)
    if (skip !== undefined) {
      return { patch, tip, answer: "conflicts", reason: reasonOf(skip), verdict, conflict: conflictOf(skip) }
    }
    if (dropped.has(patch)) {
      const reason = detail ?? "upstream, or a patch before it, holds all of its commits"
      return { patch, tip, answer: "landed", reason, verdict, conflict: null }
    }
    const said = [
      ...(detail === null ? [] : [`upstream may have taken it: ${detail}`]),
      ...(resolved.get(patch) ?? []).slice(0, pathsSaid).map(({ path }) => `${path} by an earlier resolution`)
    ]
    const reason = said.length === 0 ? null : said.join("; ")
    return { patch, tip, answer: "clean", reason, verdict, conflict: null }
  })
}

const conflictOf = (skip: SkippedPatch): ForecastConflict | null => {
  if (skip.reason === "depends") return null
  const { commit, subject, files, filesOmitted } = skip.conflict
  const paths = files.slice(0, forecastPathsMax).map(({ path }) => path)
  return { commit, subject, paths, pathsOmitted: files.length - paths.length + filesOmitted }
}

const reasonOf = (skip: SkippedPatch): string => {
  const more = (count: number) => (count > 0 ? ` and ${count} more` : "")
  if (skip.reason === "depends") return `it builds on ${skip.on}, which conflicts`
  const conflict = conflictOf(skip)
  const paths = conflict?.paths.slice(0, pathsSaid) ?? []
  const left = (conflict?.paths.length ?? 0) - paths.length + (conflict?.pathsOmitted ?? 0)
  return `${skip.conflict.commit.slice(0, 12)} conflicts in ${paths.join(", ") || "its tree"}${more(left)}`
}

/** Paths that a reason names. */
const pathsSaid = 3
