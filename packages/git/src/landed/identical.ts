/**
 * Which commits of the patches upstream holds as they are, by patch id.
 *
 * 1. A match by `git patch-id` is only a hint: it does not see white space, before 2.39 it does not see what changed in a
 *    binary file, and it may come from the cache. The diffs of a match are compared exactly before it counts.
 * 2. The newest word of upstream counts. A change that was taken and taken back is not there; one that was taken, taken
 *    back and taken again is. Where merges came between, `standing` is asked.
 * 3. A patch of several commits that upstream took as one commit is found by the diff of the patch as a whole.
 */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import {
  type DiffRoom,
  exactDigestOf,
  patchIdOf,
  readDiffBetween,
  readDiffs,
  readPatchIds,
  readPaths,
  readPathsBetween
} from "../internal/diffs.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import { addPatchIds, type ChangeIndex, pathsKeyOf } from "./changeIndex.ts"
import { makeStanding } from "./standing.ts"
import type { CommitMessage, UpstreamRange } from "./upstreamRange.ts"

/** What is known about upstream before the patches are compared with it. */
export interface UpstreamKnowledge {
  readonly room: DiffRoom
  /** The range for each patch, by the patch's name. */
  readonly ranges: ReadonlyMap<string, UpstreamRange>
  /** The changes of all commits of all ranges. Patch ids are added to it. */
  readonly index: ChangeIndex
  readonly messages: ReadonlyMap<ObjectId, CommitMessage>
}

/** An upstream commit with the patch id of a commit, or of a whole patch. */
export interface Match {
  /** The commit of the patch; its tip when the match is for the patch as a whole. */
  readonly commit: ObjectId
  readonly upstream: ObjectId
  /**
   * `same`: the diffs are equal. `unlike`: they differ in white space, or in what patch ids do not see. `taken-back`:
   * upstream has reverted it since, in the commit `by`. `left-behind`: the merge that brought the commit left its change out.
   */
  readonly how: "same" | "unlike" | "taken-back" | "left-behind"
  readonly by: ObjectId | null
}

/** What was found about one patch. */
export interface IdenticalMatches {
  /** For each commit of the patch that has one. */
  readonly commits: ReadonlyMap<ObjectId, Match>
  /** For the patch of several commits as a whole. */
  readonly whole: Match | null
  /** The patch's own commits that change nothing, and so can be in no upstream. */
  readonly unchanging: ReadonlySet<ObjectId>
}

/** Looks for every patch, by name. The index may have gained patch ids afterwards. */
export const findIdentical = Effect.fnUntraced(function* (
  upstream: UpstreamKnowledge,
  planned: ReadonlyArray<PlannedPatch>
) {
  const own = planned.flatMap(({ commits }) => commits)
  const paths = yield* readPaths(upstream.room, own)
  const wholes = yield* readWholes(upstream, planned)
  const keys = new Set([...paths.values()].map(pathsKeyOf))
  for (const { pathsKey } of wholes.values()) keys.add(pathsKey)
  const alike = new Map<string, Array<ObjectId>>()
  for (const [commit, { pathsKey }] of upstream.index) {
    if (keys.has(pathsKey)) alike.set(pathsKey, [...(alike.get(pathsKey) ?? []), commit])
  }
  yield* addPatchIds(upstream.room, upstream.index, [...alike.values()].flat())
  const wanted = own.filter((commit) => alike.has(pathsKeyOf(paths.get(commit) ?? [])))
  const ids = yield* readPatchIds(upstream.room, wanted)
  const known = new Set([...upstream.index.values()].flatMap(({ patchId }) => patchId ?? []))
  const met = wanted.filter((commit) => known.has(ids.get(commit) ?? ""))
  const reversed = yield* readPatchIds(upstream.room, met, "reversed")
  const asked = planned.map((patch): Asked => {
    const whole = wholes.get(patch.name)
    const commits = patch.commits.flatMap((commit): ReadonlyArray<Question> => {
      const id = ids.get(commit)
      return id === undefined ? [] : [{ commit, id, reversed: reversed.get(commit) ?? null, digest: null }]
    })
    return { patch, questions: whole?.question == null ? commits : [...commits, whole.question] }
  })
  const standing = yield* withStanding(upstream, answersOf(upstream, asked))
  const answers = yield* verify(upstream.room, standing)
  const found = new Map<string, IdenticalMatches>()
  for (const patch of planned) {
    const mine = answers.filter((answer) => answer.patch === patch.name)
    found.set(patch.name, {
      commits: new Map(mine.filter((each) => !each.isWhole).map(({ match }) => [match.commit, match])),
      whole: mine.find((each) => each.isWhole)?.match ?? null,
      unchanging: new Set(patch.commits.filter((commit) => !paths.has(commit)))
    })
  }
  return found
})

// --- internal ---

interface Question {
  readonly commit: ObjectId
  readonly id: string
  /** The patch id of its revert. */
  readonly reversed: string | null
  /** The exact diff of a whole patch; `null` where the commit's own diff is meant. */
  readonly digest: string | null
}

interface Asked {
  readonly patch: PlannedPatch
  readonly questions: ReadonlyArray<Question>
}

interface Answer {
  readonly patch: string
  readonly isWhole: boolean
  readonly digest: string | null
  readonly range: UpstreamRange
  readonly match: Match
  /** Other upstream commits of the range with the same patch id that were not taken back, the newest first. */
  readonly older: ReadonlyArray<ObjectId>
}

interface Whole {
  readonly pathsKey: string
  readonly question: Question | null
}

/** The diffs of patches of several commits, where some upstream commit changes the same paths. */
const readWholes = ({ room, index }: UpstreamKnowledge, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const keys = new Set([...index.values()].map(({ pathsKey }) => pathsKey))
    const wholes = new Map<string, Whole>()
    for (const { base, commits, name, tip } of planned) {
      if (commits.length < 2) continue
      const pathsKey = pathsKeyOf(yield* readPathsBetween(room, base, tip))
      const diff = keys.has(pathsKey) ? yield* readDiffBetween(room, base, tip) : null
      const id = diff === null ? null : yield* patchIdOf(room, tip, diff)
      if (diff === null || id === null) continue
      const reversedDiff = yield* readDiffBetween(room, tip, base)
      const reversed = reversedDiff === null ? null : yield* patchIdOf(room, tip, reversedDiff)
      wholes.set(name, { pathsKey, question: { commit: tip, id, reversed, digest: exactDigestOf(diff) } })
    }
    return wholes
  })

const answersOf = (upstream: UpstreamKnowledge, asked: ReadonlyArray<Asked>): ReadonlyArray<Answer> => {
  const words = new Map<UpstreamRange, ReturnType<typeof wordsOf>>()
  return asked.flatMap(({ patch, questions }) => {
    const range = upstream.ranges.get(patch.name)
    if (range === undefined) return []
    const known = words.get(range) ?? wordsOf(upstream, range)
    words.set(range, known)
    return questions.flatMap((question): ReadonlyArray<Answer> => {
      const word = newestWord(range, known, question)
      const { digest } = question
      return word === null ? [] : [{ patch: patch.name, isWhole: digest !== null, digest, range, ...word }]
    })
  })
}

/** Where in a range each patch id stands, and where a commit is named as reverted: places, the newest first. */
const wordsOf = ({ index, messages }: UpstreamKnowledge, range: UpstreamRange) => {
  const byId = new Map<string, Array<number>>()
  const byReverted = new Map<string, Array<number>>()
  const add = (map: Map<string, Array<number>>, key: string, at: number) =>
    map.set(key, [...(map.get(key) ?? []), at])
  for (const [at, commit] of range.commits.entries()) {
    const id = index.get(commit)?.patchId
    if (id != null) add(byId, id, at)
    for (const reverted of messages.get(commit)?.reverts ?? []) add(byReverted, reverted, at)
  }
  return { byId, byReverted }
}

/** What upstream did last: took the change, or took it back. `null` when it never took it. */
const newestWord = (
  range: UpstreamRange,
  { byId, byReverted }: ReturnType<typeof wordsOf>,
  { commit, id, reversed }: Question
): Pick<Answer, "match" | "older"> | null => {
  const taken = byId.get(id) ?? []
  const [newest] = taken
  const upstream = newest === undefined ? undefined : range.commits[newest]
  if (newest === undefined || upstream === undefined) return null
  const back = [
    ...(reversed === null ? [] : (byId.get(reversed) ?? [])),
    ...taken.flatMap((at) => byReverted.get(range.commits[at] ?? "") ?? [])
  ]
  const by = range.commits[Math.min(...back.filter((at) => at < newest))]
  const older = taken
    .slice(1)
    .flatMap((at) => (back.some((each) => each < at) ? [] : (range.commits[at] ?? [])))
  const how = by === undefined ? "same" : "taken-back"
  return { match: { commit, upstream, how, by: by ?? null }, older }
}

/** Passes over commits that do not count because of a merge, as long as another one says the same and counts. */
const withStanding = (upstream: UpstreamKnowledge, answers: ReadonlyArray<Answer>) => {
  const goneOf = makeStanding(upstream)
  return Effect.forEach(answers, (answer) =>
    Effect.gen(function* () {
      const { match, older, range } = answer
      const gone = match.how === "same" ? yield* goneOf(range, match.upstream) : null
      if (gone === null) return answer
      for (const other of older) {
        if ((yield* goneOf(range, other)) === null) return { ...answer, match: { ...match, upstream: other } }
      }
      return { ...answer, match: { ...match, ...gone } }
    })
  )
}

/** Compares the diffs of the matches exactly. */
const verify = (room: DiffRoom, answers: ReadonlyArray<Answer>) =>
  Effect.gen(function* () {
    const commits = answers.flatMap(({ digest, match }) =>
      digest === null ? [match.commit, match.upstream] : [match.upstream]
    )
    const digests = yield* readDiffs(room, commits, exactDigestOf)
    return answers.map((answer): Answer => {
      const { match } = answer
      const own = answer.digest ?? digests.get(match.commit)
      const isSame = own !== undefined && own === digests.get(match.upstream)
      return isSame || match.how !== "same" ? answer : { ...answer, match: { ...match, how: "unlike" } }
    })
  })
