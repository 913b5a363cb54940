/**
 * Finds the patches that upstream holds already, before anything is merged.
 *
 * 1. A verdict always comes with its evidence. A patch about which nothing was found has no verdict.
 * 2. `landed-identical` needs every commit of the patch, or the patch as a whole, in the upstream range with exactly the same
 *    diff, and not taken back since. Everything less is `landed-modified`, which only asks.
 * 3. The patch ids of a range are made once and kept (`changeCache`); the number of patches adds one pass over their own
 *    diffs. No process is started per patch, but for patches of several commits, for what upstream took on a branch that it
 *    merged, and for pairs that range-diff is asked about.
 * 4. Reads only. Nothing is written but the cache.
 */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import { makeDiffRoom, readPaths } from "../internal/diffs.ts"
import { type PatchBranch, type PlannedPatch, planPatches } from "../patch/PatchPlan.ts"
import type { RebuildResult } from "../patch/RebuildResult.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { cacheFileOf, readCache, writeCache } from "./changeCache.ts"
import { addPaths } from "./changeIndex.ts"
import { findIdentical, type IdenticalMatches, type Match, type UpstreamKnowledge } from "./identical.ts"
import {
  type LandedEvidence,
  type LandedVerdict,
  landedDetailLengthMax,
  landedEvidenceMax
} from "./LandedVerdict.ts"
import { findSimilar, type OpenCommit } from "./similar.ts"
import {
  rangeCommitsMaxDefault,
  readMessages,
  readRange,
  rootsOf,
  type UpstreamRange
} from "./upstreamRange.ts"

/** Why a patch is at its end by its own contract. */
export interface DropWhenReached {
  /** The upstream commit that brought it, where there is one. */
  readonly upstream: ObjectId | null
  /** One sentence for people. */
  readonly detail: string
}

/** Which patches are looked for, and where: in the upstream commits between the base of each and `onto`. */
export interface FindLandedOptions {
  readonly repository: Repository
  /** The patch branches in their order. */
  readonly patches: ReadonlyArray<PatchBranch>
  /** The upstream commit, tag or ref that the patches are to go onto. */
  readonly onto: string
  /** More upstream commits that bound the patches from below. (Default: none.) */
  readonly upstream?: ReadonlyArray<ObjectId>
  /** The patches, by name, whose contract names an end that has come. (Default: none.) */
  readonly dropWhen?: ReadonlyMap<string, DropWhenReached>
  /** Upstream commits that are looked through for each base; more fail as `UpstreamRangeTooLong`. (Default: 20,000.) */
  readonly commitsMax?: number
}

/** Verdicts by the short name of the patch branch. */
export type LandedVerdicts = ReadonlyMap<string, LandedVerdict>

/**
 * Looks for every patch in the upstream commits between its base and `onto`.
 *
 * Errors: `InvalidName`, `RevisionNotFound` (onto), `MergeCommitInPatch`, `PatchWithoutBase`, `StackTooLong`,
 * `UpstreamRangeTooLong`, `RangeTooLong`, `QuarantineError`, `GitError`.
 */
export const findLanded = Effect.fn("Landed.find")(function* (options: FindLandedOptions) {
  const { repository } = options
  const onto = yield* resolveCommit({ repository, revision: options.onto })
  const bounds = [onto, ...(options.upstream ?? [])]
  const planned = yield* withMerged(
    repository,
    yield* planPatches({ repository, upstream: bounds, patches: options.patches })
  )
  const known = yield* readUpstream(options, onto, planned)
  const verdicts = new Map<string, LandedVerdict>()
  const identical = yield* findIdentical(known.upstream, planned)
  yield* known.keep
  const open = yield* openCommits(known.upstream, planned, identical)
  const similar = yield* findSimilar(known.upstream, open)
  for (const patch of planned) {
    const verdict = verdictOf(patch, {
      matches: identical.get(patch.name),
      similar: patch.commits.flatMap((commit) => similar.get(commit) ?? []),
      dropWhen: options.dropWhen?.get(patch.name)
    })
    if (verdict !== null) verdicts.set(patch.name, verdict)
  }
  const found: LandedVerdicts = verdicts
  return found
})

/** The verdicts with those that only a merge can tell: patches that turned out to change nothing on the new base. */
export const withEmpty = (
  verdicts: LandedVerdicts,
  result: Pick<RebuildResult, "dropped">
): LandedVerdicts => {
  const all = new Map(verdicts)
  for (const { patch, tip, reason, empty } of result.dropped) {
    if (reason !== "empty") continue
    const evidence = empty.map(
      ({ from }): LandedEvidence => ({
        kind: "empty",
        commit: from,
        upstream: null,
        detail: "it changes nothing on the new base"
      })
    )
    const before = verdicts.get(patch)?.evidence ?? []
    all.set(patch, { patch, tip, verdict: "empty", evidence: fitEvidence([...evidence, ...before]) })
  }
  return all
}

// --- internal ---

/**
 * A patch whose tip upstream has merged as it is has no commit of its own. It is looked for as the one commit that its tip
 * is, for upstream may have taken it back since.
 */
const withMerged = (repository: Repository, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const own = new Set(planned.flatMap(({ commits }) => commits))
    const merged = planned.filter(({ commits, tip }) => commits.length === 0 && !own.has(tip))
    const messages = yield* readMessages(
      repository,
      merged.map(({ tip }) => tip)
    )
    return planned.map((patch): PlannedPatch => {
      const [base] = merged.includes(patch) ? (messages.get(patch.tip)?.parents ?? []) : []
      return base === undefined ? patch : { ...patch, commits: [patch.tip], base }
    })
  })

/** Everything about upstream, from the cache as far as it holds it; `keep` writes what is new. */
const readUpstream = (options: FindLandedOptions, onto: ObjectId, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const { repository } = options
    const commitsMax = options.commitsMax ?? rangeCommitsMaxDefault
    const byPatch = rootsOf(planned)
    const roots = [...new Set(byPatch.values())]
    const read = yield* Effect.forEach(roots, (root) => readRange({ repository, root, onto, commitsMax }))
    const byRoot = new Map(read.map((range) => [range.root, range]))
    const commits = [...new Set(read.flatMap((range) => range.commits))]
    const room = yield* makeDiffRoom(repository)
    const file = yield* cacheFileOf(room, roots, onto)
    const index = yield* readCache(file)
    const before = index.size
    const idsBefore = countIds(index)
    yield* addPaths(room, index, commits)
    const ranges = new Map<string, UpstreamRange>()
    for (const [patch, root] of byPatch) {
      const range = byRoot.get(root)
      if (range !== undefined) ranges.set(patch, range)
    }
    const messages = yield* readMessages(repository, commits)
    const upstream: UpstreamKnowledge = { room, ranges, index, messages }
    const keep = Effect.suspend(() =>
      index.size > before || countIds(index) > idsBefore ? writeCache(file, index) : Effect.succeed(false)
    )
    return { upstream, keep }
  })

const countIds = (index: UpstreamKnowledge["index"]): number => {
  let count = 0
  for (const { patchId } of index.values()) if (patchId !== undefined) count++
  return count
}

/** The commits that upstream does not hold as they are. */
const openCommits = (
  { room }: UpstreamKnowledge,
  planned: ReadonlyArray<PlannedPatch>,
  identical: ReadonlyMap<string, IdenticalMatches>
) =>
  Effect.gen(function* () {
    const places = planned.flatMap((patch) => {
      const matches = identical.get(patch.name)
      if (matches?.whole?.how === "same") return []
      return patch.commits
        .filter((commit) => matches?.commits.get(commit) === undefined && !matches?.unchanging.has(commit))
        .map((commit) => ({ patch, commit }))
    })
    const commits = places.map(({ commit }) => commit)
    const paths = yield* readPaths(room, commits)
    const messages = yield* readMessages(room.repository, commits)
    return places.flatMap(({ patch, commit }): ReadonlyArray<OpenCommit> => {
      const message = messages.get(commit)
      return message === undefined ? [] : [{ patch, commit, message, paths: paths.get(commit) ?? [] }]
    })
  })

interface Findings {
  readonly matches: IdenticalMatches | undefined
  readonly similar: ReadonlyArray<LandedEvidence>
  readonly dropWhen: DropWhenReached | undefined
}

const verdictOf = (patch: PlannedPatch, found: Findings): LandedVerdict | null => {
  const { matches, similar, dropWhen } = found
  const commits = patch.commits.filter((commit) => !matches?.unchanging.has(commit))
  const single = commits.flatMap((commit) => matches?.commits.get(commit) ?? [])
  const isWhole = matches?.whole?.how === "same"
  const isIdentical =
    isWhole || (commits.length > 0 && commits.every((commit) => matches?.commits.get(commit)?.how === "same"))
  const evidence: Array<LandedEvidence> = [
    ...(dropWhen === undefined ? [] : [{ kind: "drop-when" as const, commit: patch.tip, ...dropWhen }]),
    ...(matches?.whole == null ? [] : [evidenceOfMatch(matches.whole, commits.length)]),
    ...(isWhole ? [] : single.map((match) => evidenceOfMatch(match, 1))),
    ...similar
  ]
  if (evidence.length === 0) return null
  const verdict = dropWhen !== undefined ? "obsolete" : isIdentical ? "landed-identical" : "landed-modified"
  const partial = !isIdentical && single.length > 0 && single.length < commits.length
  const [first, ...more] = evidence
  const told =
    partial && first !== undefined
      ? [{ ...first, detail: `${single.length} of the ${commits.length} commits: ${first.detail}` }, ...more]
      : evidence
  return { patch: patch.name, tip: patch.tip, verdict, evidence: fitEvidence(told) }
}

const evidenceOf = (commit: ObjectId, upstream: ObjectId, detail: string): LandedEvidence => ({
  kind: "patch-id",
  commit,
  upstream,
  detail
})

const evidenceOfMatch = ({ commit, upstream, how, by }: Match, commits: number): LandedEvidence => {
  const what = commits > 1 ? `the change of its ${commits} commits together` : "the same change"
  const has =
    upstream === commit ? "upstream holds the commit itself" : `${upstream.slice(0, 12)} has ${what}`
  const more = {
    same: "",
    unlike: " but for white space or bytes that patch ids do not see",
    "taken-back": `, and ${by?.slice(0, 12)} took it back`,
    "left-behind": ", and the merge that brought it left it out"
  }
  return evidenceOf(commit, upstream, `${has}${more[how]}`)
}

const fitEvidence = (evidence: ReadonlyArray<LandedEvidence>): ReadonlyArray<LandedEvidence> => {
  const kept = evidence
    .slice(0, landedEvidenceMax)
    .map((each) => ({ ...each, detail: each.detail.slice(0, landedDetailLengthMax) }))
  const left = evidence.length - kept.length
  const last = kept.at(-1)
  if (left === 0 || last === undefined) return kept
  const detail = `${last.detail.slice(0, landedDetailLengthMax - 40)} (and ${left} more like it)`
  return [...kept.slice(0, -1), { ...last, detail }]
}
