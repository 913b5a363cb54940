/**
 * Upstream commits that took a commit of a patch in another form, or may have. What is found here only asks.
 *
 * 1. Most of the changed lines are in the upstream commit, whatever surrounds them and whatever else it changes.
 * 2. An upstream commit of the same subject is what `git range-diff` pairs with the commit.
 * 3. The messages name each other: `(cherry picked from commit …)` in either one, or the same `Change-Id`.
 */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import { readDiffs } from "../internal/diffs.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import { rangeDiff } from "../rangeDiff/RangeDiff.ts"
import { type ChangedLines, changedLinesOf, containmentOf } from "./changedLines.ts"
import type { UpstreamKnowledge } from "./identical.ts"
import type { LandedEvidence } from "./LandedVerdict.ts"
import type { CommitMessage, UpstreamRange } from "./upstreamRange.ts"

/** Upstream commits that one commit is compared with: those that share the most paths. */
const candidatesPerCommitMax = 4

/** Upstream commits whose diffs are read for all patches together. */
const candidatesMax = 200

/** Pairs that range-diff is asked about, all patches together. */
const rangeDiffsMax = 50

/** Shortest subject that tells two commits apart from others. */
const subjectLengthMin = 10

/** One commit of a patch that upstream does not hold as it is. */
export interface OpenCommit {
  readonly patch: PlannedPatch
  readonly commit: ObjectId
  readonly message: CommitMessage
  readonly paths: ReadonlyArray<string>
}

/** What was found for each commit; a commit without evidence is absent. */
export const findSimilar = Effect.fnUntraced(function* (
  upstream: UpstreamKnowledge,
  open: ReadonlyArray<OpenCommit>
) {
  const evidence = new Map<ObjectId, Array<LandedEvidence>>()
  const add = (found: LandedEvidence) =>
    evidence.set(found.commit, [...(evidence.get(found.commit) ?? []), found])
  for (const each of open) for (const found of trailersOf(upstream, each)) add(found)
  const candidates = candidatesOf(upstream, open)
  const others = yield* readDiffs(upstream.room, [...candidates.values()].flat(), changedLinesOf)
  const own = yield* readDiffs(upstream.room, [...candidates.keys()], changedLinesOf)
  let asked = 0
  for (const each of open) {
    const mine = candidates.get(each.commit) ?? []
    const contained = bestContained(each.commit, own.get(each.commit), mine, others)
    if (contained !== null) {
      add(contained)
      continue
    }
    const [named] = mine.filter((commit) => hasSubject(upstream, each, commit))
    if (named === undefined || asked++ >= rangeDiffsMax) continue
    const paired = yield* pairOf(upstream, each, named)
    if (paired !== null) add(paired)
  }
  return evidence
})

// --- internal ---

/** The upstream commits for each open commit that are worth reading, the likeliest first. */
const candidatesOf = (
  { ranges, index, messages }: UpstreamKnowledge,
  open: ReadonlyArray<OpenCommit>
): ReadonlyMap<ObjectId, ReadonlyArray<ObjectId>> => {
  const byPath = new Map<UpstreamRange, ReadonlyMap<string, ReadonlyArray<ObjectId>>>()
  const pathsOf = (range: UpstreamRange) => {
    const known = byPath.get(range)
    if (known !== undefined) return known
    const made = new Map<string, Array<ObjectId>>()
    for (const commit of range.commits) {
      for (const path of index.get(commit)?.paths ?? []) made.set(path, [...(made.get(path) ?? []), commit])
    }
    byPath.set(range, made)
    return made
  }
  const found = new Map<ObjectId, ReadonlyArray<ObjectId>>()
  for (const { patch, commit, message, paths } of open) {
    const range = ranges.get(patch.name)
    if (range === undefined) continue
    const points = new Map<ObjectId, number>()
    const touching = pathsOf(range)
    for (const path of paths) {
      for (const other of touching.get(path) ?? []) points.set(other, (points.get(other) ?? 0) + 1)
    }
    for (const other of points.keys()) {
      if (messages.get(other)?.subject === message.subject) points.set(other, Number.MAX_SAFE_INTEGER)
    }
    // Most of the lines cannot be in a commit that touches few of the paths.
    const ranked = [...points]
      .filter(([, shared]) => shared * 2 >= paths.length)
      .sort(([, a], [, b]) => b - a)
    if (ranked.length > 0) {
      found.set(
        commit,
        ranked.slice(0, candidatesPerCommitMax).map(([other]) => other)
      )
    }
  }
  return bounded(found)
}

/** At most `candidatesMax` different commits: first the likeliest of every commit, then the second ones, and so on. */
const bounded = (
  found: ReadonlyMap<ObjectId, ReadonlyArray<ObjectId>>
): ReadonlyMap<ObjectId, ReadonlyArray<ObjectId>> => {
  const taken = new Set<ObjectId>()
  for (let rank = 0; rank < candidatesPerCommitMax; rank++) {
    for (const ranked of found.values()) {
      const other = ranked[rank]
      if (other !== undefined && taken.size < candidatesMax) taken.add(other)
    }
  }
  return new Map([...found].map(([commit, ranked]) => [commit, ranked.filter((other) => taken.has(other))]))
}

const bestContained = (
  commit: ObjectId,
  own: ChangedLines | undefined,
  candidates: ReadonlyArray<ObjectId>,
  others: ReadonlyMap<ObjectId, ChangedLines>
): LandedEvidence | null => {
  if (own === undefined) return null
  const measured = candidates.flatMap((upstream) => {
    const other = others.get(upstream)
    return other === undefined ? [] : [{ upstream, ...containmentOf(own, other) }]
  })
  const [best] = measured.filter(({ isTaken }) => isTaken).sort((a, b) => b.shared - a.shared)
  if (best === undefined) return null
  const detail = `${best.shared} of the ${best.all} lines that it changes are in ${shortId(best.upstream)}`
  return { kind: "range-diff", commit, upstream: best.upstream, detail }
}

const hasSubject = ({ messages }: UpstreamKnowledge, { message }: OpenCommit, upstream: ObjectId): boolean =>
  message.subject.length >= subjectLengthMin && messages.get(upstream)?.subject === message.subject

const pairOf = ({ room, messages }: UpstreamKnowledge, { commit, message }: OpenCommit, upstream: ObjectId) =>
  Effect.gen(function* () {
    const parentOf = (id: ObjectId) => (id === commit ? message : messages.get(id))?.parents[0]
    const [ownBase, otherBase] = [parentOf(commit), parentOf(upstream)]
    if (ownBase === undefined || otherBase === undefined) return null
    const rows = yield* rangeDiff({
      repository: room.repository,
      old: { base: ownBase, tip: commit },
      new: { base: otherBase, tip: upstream }
    })
    if (!rows.some((row) => row.old !== null && row.new !== null)) return null
    const detail = `range-diff pairs it with ${shortId(upstream)}, which has the same subject and another form of the change`
    const found: LandedEvidence = { kind: "range-diff", commit, upstream, detail }
    return found
  })

const trailersOf = (
  { ranges, messages }: UpstreamKnowledge,
  { patch, commit, message }: OpenCommit
): ReadonlyArray<LandedEvidence> => {
  const found: Array<LandedEvidence> = []
  const add = (upstream: ObjectId, detail: string) =>
    found.push({ kind: "trailer", commit, upstream, detail })
  for (const upstream of ranges.get(patch.name)?.commits ?? []) {
    const other = messages.get(upstream)
    if (other === undefined) continue
    if (other.pickedFrom.includes(commit))
      add(upstream, `${shortId(upstream)} says that it was picked from it`)
    if (message.pickedFrom.includes(upstream))
      add(upstream, `it says that it was picked from ${shortId(upstream)}`)
    const changeId = other.changeIds.find((id) => message.changeIds.includes(id))
    if (changeId !== undefined) add(upstream, `${shortId(upstream)} has the same Change-Id ${changeId}`)
  }
  return found
}

const shortId = (id: ObjectId): string => id.slice(0, 12)
