/**
 * Rebuilds a patch stack onto a new upstream commit, on trees alone.
 *
 * 1. The user's work trees, indexes and HEADs are neither read nor written; a bare repository will do.
 * 2. All or nothing: objects lie in a quarantine until every patch has been carried over, and refs move in one
 *    transaction. A conflict, a stale ref, an interruption or a crash leaves the repository as it was.
 * 3. The same input gives the same commit ids in every clone. A rebuilt commit keeps author, author date, encoding and
 *    message byte for byte, and takes committer and committer date from the commit that it carries over; signatures
 *    are left out. A commit that already stands on the right parent therefore keeps its id, unless it was signed.
 * 4. Results are those of `git cherry-pick` of each commit in turn, without commits that change nothing. The one
 *    exception: manifests that git calls a conflict are merged by their values where that is clean, and each commit says so
 *    (`AppliedCommit.structured`; docs/concepts/structured-merge.md).
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { ObjectId, parseRef } from "../GitName.ts"
import { layOutAttributes } from "../internal/attributes.ts"
import { readObjects } from "../internal/catFile.ts"
import { describeConflict } from "../internal/describeConflict.ts"
import {
  type EngineChoice,
  type MergedTrees,
  type MergeEngine,
  makeMergeEngine,
  mergeTrees
} from "../internal/mergeEngine.ts"
import { type CommitObject, formatCommit, parseCommit, subjectOf } from "../internal/objectFormat.ts"
import { makeQuarantine, type Quarantine } from "../internal/quarantine.ts"
import { mergeStructured } from "../internal/structuredMerge.ts"
import { moveRefs, type RefUpdate } from "../RefTransaction.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { type Conflict, markedTextBytesMaxDefault } from "./Conflict.ts"
import { type PatchBranch, type PlannedPatch, planPatches } from "./PatchPlan.ts"
import type {
  AppliedCommit,
  AppliedPatch,
  Conflicted,
  DroppedPatch,
  EmptyCommit,
  RebuildResult,
  Rebuilt
} from "./RebuildResult.ts"

export interface RebuildOptions {
  readonly repository: Repository
  /** The upstream commit, tag or ref that the patches go onto. */
  readonly onto: string
  /** The patch branches in the order in which they are applied. See `readPatchBranches`. */
  readonly patches: ReadonlyArray<PatchBranch>
  /** More upstream commits that bound the patches from below, such as the release they stand on now. (Default: none.) */
  readonly upstream?: ReadonlyArray<ObjectId>
  /** Refs to move to the new tip, with what they must point to now. (Default: none.) */
  readonly refs?: ReadonlyArray<{ readonly ref: string; readonly expected: ObjectId | null }>
  /** Longest marked text per conflicted file, in bytes. (Default: 64 KiB.) */
  readonly markedTextBytesMax?: number
  /** Names of files, without folders, that are merged as JSON values when git finds a conflict. (Default: `package.json`.) */
  readonly structuredFiles?: ReadonlyArray<string>
  /** How trees are merged; the results are the same. (Default: `auto`, the fastest that works.) */
  readonly engine?: EngineChoice
}

/** The files that are merged by their values unless the caller says otherwise. */
export const structuredFilesDefault: ReadonlyArray<string> = ["package.json"]

/** A commit object that cannot be read. Nothing was rebuilt. */
export class UnreadableCommit extends Schema.TaggedError<UnreadableCommit>("git/UnreadableCommit")(
  "UnreadableCommit",
  { commitId: ObjectId, detail: Schema.String }
) {
  override get message(): string {
    return `The commit ${this.commitId} cannot be carried over: ${this.detail}`
  }
}

/**
 * Carries the patches over, in order, and stops at the first conflict.
 *
 * - `Rebuilt`: every patch was carried over or dropped with its reason; refs are moved.
 * - `Conflicted`: one commit does not apply. Nothing was written.
 *
 * Errors, after each of which nothing has moved: `InvalidName`, `RevisionNotFound` (onto), `MergeCommitInPatch`,
 * `PatchWithoutBase`, `StackTooLong`, `UnreadableCommit`, `StaleRef`, `BranchCheckedOut`, `QuarantineError`, `GitError`.
 */
export const rebuild = Effect.fn("Rebuild.rebuild")(function* (options: RebuildOptions) {
  const { repository } = options
  const refs = yield* Effect.forEach(options.refs ?? [], (given) =>
    Effect.map(parseRef(given.ref), (ref) => ({ ref, expected: given.expected }))
  )
  const onto = yield* resolveCommit({ repository, revision: options.onto })
  const upstream = [onto, ...(options.upstream ?? [])]
  const planned = yield* planPatches({ repository, upstream, patches: options.patches })
  const commits = yield* readCommits(repository, onto, planned)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const quarantine = yield* makeQuarantine(repository)
      const attributesDirectory = join(quarantine.directory, "attributes")
      yield* layOutAttributes({ repository, commit: onto, directory: attributesDirectory })
      const engine = yield* makeMergeEngine({
        quarantine,
        attributesDirectory,
        engine: options.engine ?? "auto"
      })
      const walked = yield* walk({ options, onto, planned, commits, quarantine, engine })
      if (walked._tag === "Conflicted") return walked
      const created = walked.applied.flatMap((patch) => patch.commits.map((commit) => commit.to))
      yield* quarantine.migrate(created)
      const moved = refs.map((given): RefUpdate => ({ ...given, next: walked.tip }))
      yield* moveRefs({ repository, updates: moved, reason: `patchmoi: rebuild onto ${onto}` })
      const result: RebuildResult = { ...walked, moved }
      return result
    })
  )
})

// --- internal ---

type Commits = ReadonlyMap<string, CommitObject>

/** Every commit that is carried over, the commits they stand on, and `onto`. */
const readCommits = (repository: Repository, onto: ObjectId, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const names = [...new Set([onto, ...planned.flatMap((patch) => [patch.base, ...patch.commits])])]
    const objects = yield* readObjects({ repository, names })
    const commits = new Map<string, CommitObject>()
    for (const [at, commit] of names.entries()) {
      const object = objects[at] ?? null
      const parsed = object === null ? Either.left("it is missing") : parseCommit(object.content)
      if (Either.isLeft(parsed)) return yield* new UnreadableCommit({ commitId: commit, detail: parsed.left })
      commits.set(commit, parsed.right)
    }
    return commits
  })

const commitOf = (commits: Commits, commit: ObjectId) =>
  Effect.fromNullable(commits.get(commit)).pipe(
    Effect.mapError(() => new UnreadableCommit({ commitId: commit, detail: "it was not read" }))
  )

interface Walk {
  readonly options: RebuildOptions
  readonly onto: ObjectId
  readonly planned: ReadonlyArray<PlannedPatch>
  readonly commits: Commits
  readonly quarantine: Quarantine
  readonly engine: MergeEngine
}

/** Where the stack stands: the last commit and its tree. */
interface Tip {
  readonly commit: ObjectId
  readonly tree: ObjectId
}

const walk = (given: Walk) =>
  Effect.gen(function* () {
    const applied: Array<AppliedPatch> = []
    const dropped: Array<DroppedPatch> = []
    let tip: Tip = { commit: given.onto, tree: (yield* commitOf(given.commits, given.onto)).tree }
    for (const [at, planned] of given.planned.entries()) {
      const carried = yield* carryPatch(given, tip, planned)
      if (carried._tag === "Conflict") {
        const remaining = given.planned.slice(at + 1).map((patch) => patch.name)
        const result: Conflicted = {
          _tag: "Conflicted",
          onto: given.onto,
          applied,
          dropped,
          conflict: carried.conflict,
          remaining
        }
        return result
      }
      const { commits, empty } = carried
      tip = carried.tip
      const patch = { patch: planned.name, tip: planned.tip }
      if (commits.length > 0) applied.push({ ...patch, commits, empty })
      else dropped.push({ ...patch, reason: empty.length > 0 ? "empty" : "no-commits", empty })
    }
    const result: Rebuilt = {
      _tag: "Rebuilt",
      onto: given.onto,
      tip: tip.commit,
      tree: tip.tree,
      applied,
      dropped,
      moved: []
    }
    return result
  })

type Carried =
  | { readonly _tag: "Conflict"; readonly conflict: Conflict }
  | {
      readonly _tag: "Carried"
      readonly tip: Tip
      readonly commits: ReadonlyArray<AppliedCommit>
      readonly empty: ReadonlyArray<EmptyCommit>
    }

const carryPatch = (given: Walk, start: Tip, planned: PlannedPatch) =>
  Effect.gen(function* () {
    const commits: Array<AppliedCommit> = []
    const empty: Array<EmptyCommit> = []
    let tip = start
    let parent = planned.base
    for (const from of planned.commits) {
      const picked = yield* commitOf(given.commits, from)
      const base = yield* commitOf(given.commits, parent)
      const subject = subjectOf(picked)
      const trees = { base: base.tree, ours: tip.tree, theirs: picked.tree }
      const merged = yield* resolve(given, yield* mergeTrees(given.engine, trees))
      if (merged._tag === "Unmerged") {
        const conflict = yield* describeConflict({
          answer: merged.answer,
          outcome: merged.outcome,
          repository: given.options.repository,
          env: given.quarantine.env,
          names: { base: parent, ours: tip.commit, theirs: from },
          patch: planned.name,
          commit: from,
          subject,
          markedTextBytesMax: given.options.markedTextBytesMax ?? markedTextBytesMaxDefault
        })
        return { _tag: "Conflict", conflict } satisfies Carried as Carried
      }
      const { tree, structured } = merged
      if (tree === tip.tree) empty.push({ from, tree, subject })
      else {
        const content = formatCommit({ ...picked, tree, parents: [tip.commit] })
        const to = yield* given.quarantine.write("commit", content)
        commits.push({ from, to, subject, structured })
        tip = { commit: to, tree }
      }
      parent = from
    }
    return { _tag: "Carried", tip, commits, empty } satisfies Carried as Carried
  })

/** The merged tree with the files that were merged by their values, or git's conflict unchanged. */
const resolve = (given: Walk, merged: MergedTrees) =>
  Effect.gen(function* () {
    if (merged._tag === "Merged") return { ...merged, structured: [] }
    const resolved = yield* mergeStructured({
      repository: given.options.repository,
      quarantine: given.quarantine,
      outcome: merged.outcome,
      structuredFiles: given.options.structuredFiles ?? structuredFilesDefault
    })
    if (resolved === null) return merged
    return { _tag: "Merged" as const, tree: resolved.tree, structured: resolved.paths }
  })
