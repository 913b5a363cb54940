/**
 * Rebuilds a patch stack onto a new upstream commit, on trees alone.
 *
 * 1. The user's work trees, indexes and HEADs are neither read nor written; a bare repository will do.
 * 2. All or nothing: objects lie in a quarantine until every patch has been carried over, and refs move in one
 *    transaction. A conflict, a stale ref, an interruption or a crash leaves the repository as it was.
 * 3. The same input gives the same commit ids in every clone. A rebuilt commit keeps author, author date, encoding and
 *    message byte for byte, and takes committer and committer date from the commit that it carries over; signatures
 *    are left out. A commit that already stands on the right parent therefore keeps its id, unless it was signed.
 * 4. Results are those of `git cherry-pick` of each commit in turn, without commits that change nothing. The only
 *    exceptions are conflicts: manifests are merged by their values where that is clean, and a resolver may know an earlier
 *    resolution. Each commit says so (`AppliedCommit.structured`, `resolved`; docs/concepts/structured-merge.md).
 * 5. With `keepGoing` the stack is the one without the skipped patches: as if they had not been asked for.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Git, GitError } from "../Git.ts"
import { type ObjectId, parseRef } from "../GitName.ts"
import { askResolver } from "../internal/askResolver.ts"
import { layOutAttributes } from "../internal/attributes.ts"
import { describeConflict } from "../internal/describeConflict.ts"
import { findMemoryRoom, type MemoryRoom } from "../internal/memoryFolder.ts"
import { type EngineChoice, type MergeEngine, makeMergeEngine, mergeTrees } from "../internal/mergeEngine.ts"
import type { CommitObject } from "../internal/objectFormat.ts"
import { pathsOf, readPathsTouched } from "../internal/pathsTouched.ts"
import { makeQuarantine, type Quarantine } from "../internal/quarantine.ts"
import { readCommits } from "../internal/readCommits.ts"
import { type Pick, type Picked, walkStack } from "../internal/rebuildWalk.ts"
import { makeReplay } from "../internal/replay.ts"
import { mergeStructured } from "../internal/structuredMerge.ts"
import { checkTrailers, type RebuildTrailers, trailersOf } from "../internal/trailers.ts"
import type { LandedVerdict } from "../landed/LandedVerdict.ts"
import { moveRefs, type RefUpdate } from "../RefTransaction.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { markedTextBytesMaxDefault } from "./Conflict.ts"
import type { ConflictResolver } from "./ConflictResolver.ts"
import { type PatchBranch, type PlannedPatch, planPatches } from "./PatchPlan.ts"
import type { QuarantineError } from "./QuarantineError.ts"
import type { RebuildResult } from "./RebuildResult.ts"
import { UnreadableCommit } from "./UnreadableCommit.ts"

export type { RebuildTrailers } from "../internal/trailers.ts"

/** What goes onto what, and how far a rebuild may go. With only what is required, commits are made and no ref moves. */
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
  /** Patches that upstream holds already, by name, with the evidence: they are left out. (Default: none.) */
  readonly landed?: ReadonlyMap<string, LandedVerdict>
  /** Asked when neither git nor the merge of values resolve a commit. (Default: nobody.) */
  readonly resolver?: ConflictResolver
  /** Leave out a patch that conflicts, and those that depend on it, and go on. (Default: false: stop at the first.) */
  readonly keepGoing?: boolean
  /**
   * Trailers that rebuilt commits get: `Patchmoi-Patch` with the name of the patch, `Patchmoi-Event` with the event that asked for
   * the rebuild. They are part of the commit, so its id depends on them. (Default: none.)
   */
  readonly trailers?: RebuildTrailers
  /**
   * How trees are merged; the results are the same. `replay` merges lines of commits ahead by `git replay`, where git has it.
   * (Default: `auto`, the fastest that works and is not experimental.)
   */
  readonly engine?: EngineChoice
  /**
   * Where the objects lie until the rebuild has succeeded. `auto` puts them into memory where the system has a place for that
   * with room (`/dev/shm` on Linux), and starts anew on the disk when the place becomes full or fails. The results are the
   * same. (Default: `auto`.)
   */
  readonly quarantine?: "auto" | "disk"
  /** Only look: no object goes into the repository, and no ref moves. (Default: false.) */
  readonly onlyLook?: boolean
}

/**
 * Conflicts of one rebuild for which upstream's history is searched for who touched the lines. With `keepGoing` there may be
 * hundreds; those after these say that nobody looked (`touchedByComplete`).
 */
export const conflictsExplainedMax = 5

/** The files that are merged by their values unless the caller says otherwise. */
export const structuredFilesDefault: ReadonlyArray<string> = ["package.json"]

/**
 * Carries the patches over, in order, and stops at the first conflict.
 *
 * - `Rebuilt`: every patch was carried over or dropped with its reason; refs are moved. With `keepGoing`, patches that
 *   conflict and those that depend on them are left out and listed in `skipped`.
 * - `Conflicted`: one commit does not apply. Nothing was written.
 *
 * Errors, after each of which nothing has moved: `InvalidName`, `InvalidTrailer`, `RevisionNotFound` (onto),
 * `MergeCommitInPatch`, `PatchWithoutBase`, `StackTooLong`, `UnreadableCommit`, `StaleRef`, `BranchCheckedOut`,
 * `QuarantineError`, `GitError`.
 */
export const rebuild = Effect.fn("Rebuild.rebuild")(function* (options: RebuildOptions) {
  const { repository } = options
  const refs = yield* Effect.forEach(options.refs ?? [], (given) =>
    Effect.map(parseRef(given.ref), (ref) => ({ ref, expected: given.expected }))
  )
  yield* checkTrailers(options.patches, options.trailers)
  const onto = yield* resolveCommit({ repository, revision: options.onto })
  const upstream = [onto, ...(options.upstream ?? [])]
  const planned = yield* planPatches({ repository, upstream, patches: options.patches })
  const commits = yield* readAllCommits(repository, onto, planned)
  const count = planned.reduce((sum, patch) => sum + patch.commits.length, 0)
  const room = options.quarantine === "disk" ? null : yield* findMemoryRoom({ repository, commits: count })
  const onDisk = carryOver(options, { onto, planned, commits, room: null })
  const again = (error: GitError | QuarantineError) =>
    Effect.zipRight(Effect.logDebug(`The rebuild starts anew on the disk: ${error.message}`), onDisk)
  const walked =
    room === null
      ? yield* onDisk
      : yield* carryOver(options, { onto, planned, commits, room }).pipe(
          Effect.catchTags({ GitError: again, QuarantineError: again })
        )
  if (walked._tag === "Conflicted" || options.onlyLook === true) return walked
  const moved = refs.map((given): RefUpdate => ({ ...given, next: walked.tip }))
  yield* moveRefs({ repository, updates: moved, reason: `patchmoi: rebuild onto ${onto}` })
  const result: RebuildResult = { ...walked, moved }
  return result
})

// --- internal ---

type Commits = ReadonlyMap<string, CommitObject>

/** Carries the patches over in a quarantine, and brings what is to stay into the repository. No ref is moved. */
const carryOver = (
  options: RebuildOptions,
  given: {
    readonly onto: ObjectId
    readonly planned: ReadonlyArray<PlannedPatch>
    readonly commits: Commits
    readonly room: MemoryRoom | null
  }
) =>
  Effect.gen(function* () {
    const { repository } = options
    const { commits, onto, planned } = given
    const quarantine = yield* makeQuarantine(repository, given.room)
    const attributesDirectory = join(quarantine.directory, "attributes")
    yield* layOutAttributes({ repository, commit: onto, directory: attributesDirectory })
    const engine = yield* makeMergeEngine({
      quarantine,
      attributesDirectory,
      engine: options.engine ?? "auto"
    })
    const ahead =
      options.engine === "replay"
        ? yield* makeReplay({ repository, quarantine, attributesDirectory, planned })
        : () => Effect.succeed(null)
    const explained = { count: 0 }
    // Read when the first patch is skipped, and for all patches at once.
    const touched = yield* Effect.cached(readPathsTouched(repository, planned))
    const walked = yield* walkStack<UnreadableCommit | GitError | QuarantineError, Git>({
      onto,
      planned,
      commitOf: (commit) => commitOf(commits, commit),
      pick: (pick) => pickCommit({ options, onto, quarantine, engine, ahead, explained }, pick),
      writeCommit: (content) => quarantine.write("commit", content),
      pathsTouched: (patch) => Effect.map(touched, (paths) => pathsOf(paths, patch)),
      landed: options.landed ?? new Map(),
      keepGoing: options.keepGoing ?? false,
      trailersOf: (patch) => trailersOf(patch, options.trailers)
    })
    if (walked._tag === "Conflicted" || options.onlyLook === true) return walked
    yield* quarantine.migrate(walked.applied.flatMap((patch) => patch.commits.map((commit) => commit.to)))
    return walked
  }).pipe(Effect.scoped)

/** Every commit that is carried over, the commits they stand on, and `onto`. */
const readAllCommits = (repository: Repository, onto: ObjectId, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const names = [...new Set([onto, ...planned.flatMap((patch) => [patch.base, ...patch.commits])])]
    const commits = yield* readCommits(repository, names)
    return new Map(
      names.flatMap((name, at) => (commits[at] === undefined ? [] : [[name, commits[at]] as const]))
    )
  })

const commitOf = (commits: Commits, commit: ObjectId) =>
  Effect.fromNullable(commits.get(commit)).pipe(
    Effect.mapError(() => new UnreadableCommit({ commitId: commit, detail: "it was not read" }))
  )

interface Engine {
  readonly options: RebuildOptions
  readonly onto: ObjectId
  readonly quarantine: Quarantine
  readonly engine: MergeEngine
  /** The merged tree, where it is known ahead. */
  readonly ahead: (pick: Pick) => Effect.Effect<ObjectId | null>
  /** Conflicts that were described so far. */
  readonly explained: { count: number }
}

/** Merges one commit: by git, then by values, then by an earlier resolution; else the conflict is described. */
const pickCommit = ({ ahead, engine, explained, onto, options, quarantine }: Engine, pick: Pick) =>
  Effect.gen(function* () {
    const { repository } = options
    const known = yield* ahead(pick)
    if (known !== null) return mergedTo({ tree: known })
    const merged = yield* mergeTrees(engine, pick.trees)
    if (merged._tag === "Merged") return mergedTo({ tree: merged.tree })
    const { answer, outcome } = merged
    const byValue = yield* mergeStructured({
      repository,
      quarantine,
      outcome,
      structuredFiles: options.structuredFiles ?? structuredFilesDefault
    })
    if (byValue !== null) return mergedTo({ tree: byValue.tree, structured: byValue.paths })
    if (options.resolver !== undefined) {
      const { resolver } = options
      const asked = yield* askResolver({
        resolver,
        repository,
        quarantine,
        outcome,
        labels: answer.labels,
        pick
      })
      if (asked !== null) return mergedTo(asked)
    }
    const conflict = yield* describeConflict({
      answer,
      outcome,
      repository,
      env: quarantine.env,
      names: { base: pick.parent, ours: pick.tip, theirs: pick.commit },
      patch: pick.patch,
      commit: pick.commit,
      subject: pick.subject,
      onto,
      markedTextBytesMax: options.markedTextBytesMax ?? markedTextBytesMaxDefault,
      withHistory: explained.count < (options.onlyLook === true ? 0 : conflictsExplainedMax)
    })
    explained.count += 1
    const picked: Picked = { _tag: "Conflict", conflict }
    return picked
  })

const mergedTo = (
  merged: { readonly tree: ObjectId } & Partial<Extract<Picked, { readonly _tag: "Merged" }>>
): Picked => ({ structured: [], resolved: [], ...merged, _tag: "Merged" })
