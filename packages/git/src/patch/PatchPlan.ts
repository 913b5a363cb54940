/**
 * Which commits belong to which patch branch.
 *
 * 1. A patch branch stands for all commits that it has above upstream, oldest first.
 * 2. A commit belongs to the first branch, in order, that reaches it. So a branch stacked on another one brings only
 *    its own commits, no commit is picked twice, and none is lost whatever the order of the names.
 * 3. Merge commits and branches that share no history with upstream are refused with the commit's id.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, ObjectId, type RefName, shortName } from "../GitName.ts"
import { type Repository, readRefs } from "../Repository.ts"

/** Commits of one stack, all patches together. More than this is a wrong upstream, not a stack. */
export const stackCommitsMax = 10_000

/** A patch branch and where it points. */
export interface PatchBranch {
  /** The short name, such as `patch/login`. */
  readonly name: string
  readonly tip: ObjectId
}

/** A patch branch with the commits that it stands for, oldest first. */
export interface PlannedPatch extends PatchBranch {
  readonly commits: ReadonlyArray<ObjectId>
  /** The commit that the patch's first commit stands on, or the tip when it has none of its own. */
  readonly base: ObjectId
}

// An error's field must not be called `commit`: Effect itself calls a method of that name on every yielded value.

/** A patch branch holds a merge commit, which has no single change to carry over. Nothing was rebuilt. */
export class MergeCommitInPatch extends Schema.TaggedError<MergeCommitInPatch>("git/MergeCommitInPatch")(
  "MergeCommitInPatch",
  { patch: Schema.String, commitId: ObjectId }
) {
  override get message(): string {
    return `${this.patch} holds the merge commit ${this.commitId}; rebase the branch so that it is a line of commits`
  }
}

/** A patch branch shares no history with upstream, or the clone is too shallow to tell. Nothing was rebuilt. */
export class PatchWithoutBase extends Schema.TaggedError<PatchWithoutBase>("git/PatchWithoutBase")(
  "PatchWithoutBase",
  { patch: Schema.String, commitId: ObjectId }
) {
  override get message(): string {
    return `${this.patch} reaches the commit ${this.commitId}, which has no parent here, without meeting upstream; fetch more history (git fetch --unshallow) or base the branch on upstream`
  }
}

/** The patch branches have more commits above upstream than a stack may have. Nothing was rebuilt. */
export class StackTooLong extends Schema.TaggedError<StackTooLong>("git/StackTooLong")("StackTooLong", {
  commitsMax: Schema.Int
}) {
  override get message(): string {
    return `The patch branches have more than ${this.commitsMax} commits above upstream; is the upstream right?`
  }
}

/** The patch branches under the prefix (`patch/`), in the order of their names by code unit. */
export const readPatchBranches = Effect.fn("PatchPlan.readPatchBranches")(function* (options: {
  readonly repository: Repository
  readonly prefix: RefName
}) {
  const refs = yield* readRefs({ repository: options.repository, patterns: [`${options.prefix}/`] })
  const branches = [...refs].map(([ref, tip]): PatchBranch => ({ name: shortName(ref), tip }))
  return branches.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
})

/** Finds the commits of every patch. `upstream` holds the commits that bound the patches from below. */
export const planPatches = Effect.fn("PatchPlan.planPatches")(function* (options: {
  readonly repository: Repository
  readonly upstream: ReadonlyArray<ObjectId>
  readonly patches: ReadonlyArray<PatchBranch>
}) {
  const parents = yield* parentsAbove(options)
  return yield* planFrom(parents, options.patches)
})

/** The plan, when the parents of every commit above upstream are known. Pure. */
export const planFrom = (
  parents: ReadonlyMap<string, ReadonlyArray<ObjectId>>,
  patches: ReadonlyArray<PatchBranch>
): Either.Either<ReadonlyArray<PlannedPatch>, MergeCommitInPatch | PatchWithoutBase | StackTooLong> => {
  if (parents.size > stackCommitsMax) return Either.left(new StackTooLong({ commitsMax: stackCommitsMax }))
  const claimed = new Set<string>()
  const planned: Array<PlannedPatch> = []
  for (const patch of patches) {
    const commits: Array<ObjectId> = []
    let at = patch.tip
    for (;;) {
      const known = claimed.has(at) ? undefined : parents.get(at)
      if (known === undefined) break
      const [parent, second] = known
      if (second !== undefined)
        return Either.left(new MergeCommitInPatch({ patch: patch.name, commitId: at }))
      if (parent === undefined) return Either.left(new PatchWithoutBase({ patch: patch.name, commitId: at }))
      claimed.add(at)
      commits.push(at)
      at = parent
    }
    planned.push({ ...patch, commits: commits.reverse(), base: at })
  }
  return Either.right(planned)
}

// --- internal ---

/** Parents of every commit that a patch reaches and upstream does not. */
const parentsAbove = (options: {
  readonly repository: Repository
  readonly upstream: ReadonlyArray<ObjectId>
  readonly patches: ReadonlyArray<PatchBranch>
}) =>
  Effect.gen(function* () {
    const parents = new Map<string, ReadonlyArray<ObjectId>>()
    if (options.patches.length === 0) return parents
    const git = yield* Git
    const tips = options.patches.map((patch) => patch.tip)
    const excluded = options.upstream.map((commit) => `^${commit}`)
    const output = yield* git.run({
      args: ["rev-list", "--parents", `--max-count=${stackCommitsMax + 1}`, "--stdin"],
      cwd: options.repository.directory,
      stdin: `${[...tips, ...excluded].join("\n")}\n`
    })
    for (const line of linesOf(output.stdout)) {
      const [commit = "", ...rest] = line.split(" ")
      parents.set(commit, rest.filter(isObjectId))
    }
    return parents
  })
