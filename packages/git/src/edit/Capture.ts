/**
 * Recording a feature branch as one patch commit, without a checkout.
 *
 * 1. The patch is what the feature branch adds since it left the base, never the difference to the base as it is now: what
 *    the base gained in the meantime is not taken back.
 * 2. A capture that changes nothing moves nothing, also with `force`.
 * 3. A branch that is overwritten is kept under `refs/patchmoi/before/`.
 * 4. The new patch has one commit of its own and takes none from another patch.
 * 5. Author, committer and both dates are those of the feature branch's last commit, so that the same capture gives the
 *    same commit id.
 */
import * as Effect from "effect/Effect"
import { contractTrailers, readTrailers } from "../contract/ContractTrailers.ts"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId, type RefName, shortName } from "../GitName.ts"
import { type EditSpace, makeEditSpace } from "../internal/editSpace.ts"
import { formatCommit, inUtf8 } from "../internal/objectFormat.ts"
import { readCommits } from "../internal/readCommits.ts"
import { readTreeChanges } from "../internal/treeChanges.ts"
import { readTrees } from "../internal/trees.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { PatchBranch } from "../patch/PatchPlan.ts"
import { rebuild } from "../patch/Rebuild.ts"
import { UnreadableCommit } from "../patch/UnreadableCommit.ts"
import { moveRefs, type RefChange, refuseCheckedOut } from "../RefTransaction.ts"
import { type Repository, readRef, resolveCommit } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { findBase, findFork } from "./captureBase.ts"
import { EditRefused } from "./EditRefused.ts"
import {
  changedOwners,
  keepCommit,
  patchNameOf,
  planStack,
  readStack,
  refOfPatch,
  refuseClashes,
  type Stack
} from "./Stack.ts"

/** Which work becomes which patch. A branch of that name that exists is refused (`EditRefused`) unless `force` is set. */
export interface CaptureOptions {
  readonly repository: Repository
  readonly topology: Topology
  /** Name of the patch branch, with or without the prefix. */
  readonly branch: string
  /** The feature branch, tag or commit. */
  readonly from: string
  /** What the patch is to stand on. (Default: the maintained branch, or the upstream commit below its patches.) */
  readonly base?: string
  /** The commit's message. (Default: `patch: <name>`, with the contract that the commits or the old patch had.) */
  readonly message?: string
  /** Overwrite a patch branch that exists. (Default: false.) */
  readonly force?: boolean
  /** Tell what would be done, and move nothing. (Default: false.) */
  readonly dryRun?: boolean
}

/** What came of it. */
export type CaptureResult =
  | {
      readonly _tag: "Captured"
      readonly patch: string
      readonly commit: ObjectId
      /** The commit that the patch stands on. */
      readonly base: ObjectId
      readonly subject: string
      /** Paths that the patch changes. */
      readonly files: number
      /** What the branch was before; `null` when it is new. */
      readonly replaced: ObjectId | null
      /** Patches that stand on the commits that were replaced, and bring them as their own from now on. */
      readonly dependents: ReadonlyArray<string>
      /** The refs that were moved, or would be. */
      readonly moved: ReadonlyArray<RefChange>
    }
  | {
      readonly _tag: "Skipped"
      readonly patch: string
      readonly reason: "no changes to capture" | "captured already"
    }
  | {
      readonly _tag: "Conflicted"
      readonly patch: string
      /** The commit that the patch was to stand on. */
      readonly base: ObjectId
      readonly conflict: Conflict
    }

/**
 * Records the feature branch as a patch branch with one commit.
 *
 * Errors, after each of which nothing has moved: `EditRefused`, `InvalidName`, `RevisionNotFound`, `UpstreamUnknown`,
 * `BranchCheckedOut`, `StaleRef`, `UnreadableCommit`, those of `planPatches`, `QuarantineError`, `GitError`.
 */
export const capture = Effect.fn("Capture.capture")(function* (options: CaptureOptions) {
  const stack = yield* readStack(options)
  const name = yield* patchNameOf(stack.prefix, options.branch)
  const ref = yield* refOfPatch(name)
  const old = yield* readRef({ repository: stack.repository, ref })
  yield* refuseTarget({ stack, ref, old, force: options.force === true })
  const from = yield* resolveCommit({ repository: stack.repository, revision: options.from })
  const base = yield* findBase(stack, options.base)
  const fork = yield* findFork({ stack, from, base })
  if (fork === from) return skipped(name, "no changes to capture")
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const space = yield* makeEditSpace(stack.repository)
      const message = yield* messageOf({ options, stack, name, old, from, fork })
      const made = yield* makePatchCommit({ space, name, from, fork, onto: base.commit, message })
      if (made._tag === "Conflict") {
        const result: CaptureResult = {
          _tag: "Conflicted",
          patch: name,
          base: base.commit,
          conflict: made.conflict
        }
        return result
      }
      if (made.commit === null) return skipped(name, "no changes to capture")
      if (made.commit === old) return skipped(name, "captured already")
      const patch: PatchBranch = { name, tip: made.commit }
      const dependents = yield* checkPlan({ stack, space, patch })
      const moved: Array<RefChange> = [{ ref, expected: old, next: made.commit }]
      if (old !== null) {
        moved.push(
          yield* keepCommit({ repository: stack.repository, place: "before", patch: { name, tip: old } })
        )
      }
      if (options.dryRun !== true) {
        yield* space.keep([made.commit])
        yield* moveRefs({ repository: stack.repository, updates: moved, reason: `patchmoi: capture ${name}` })
      }
      const result: CaptureResult = {
        _tag: "Captured",
        patch: name,
        commit: made.commit,
        base: base.commit,
        subject: message.split("\n", 1)[0] ?? "",
        files: yield* countFiles(space, base.commit, made.commit),
        replaced: old,
        dependents,
        moved
      }
      return result
    })
  )
})

// --- internal ---

const skipped = (
  patch: string,
  reason: Extract<CaptureResult, { _tag: "Skipped" }>["reason"]
): CaptureResult => ({ _tag: "Skipped", patch, reason })

const refuseTarget = (given: {
  readonly stack: Stack
  readonly ref: RefName
  readonly old: ObjectId | null
  readonly force: boolean
}) =>
  Effect.gen(function* () {
    const { stack, ref, old, force } = given
    const { repository } = stack
    if (old !== null && !force) {
      const detail = `the branch ${shortName(ref)} exists; overwrite it with --force, and what it was is kept`
      return yield* new EditRefused({ action: "capture", reason: "exists", detail })
    }
    yield* refuseClashes({
      action: "capture",
      repository,
      created: old === null ? [ref] : [],
      changed: old === null ? [] : [ref]
    })
    yield* refuseCheckedOut({ repository, refs: [ref] })
  })

/** The change as one commit on the fork point, carried over to the base as a rebuild would. `null`: it changes nothing there. */
const makePatchCommit = (given: {
  readonly space: EditSpace
  readonly name: string
  readonly from: ObjectId
  readonly fork: ObjectId
  readonly onto: ObjectId
  readonly message: string
}) =>
  Effect.gen(function* () {
    const { space, name, from, fork, onto } = given
    const { repository } = space
    const [picked] = yield* space.inside(readCommits(repository, [from]))
    if (picked === undefined)
      return yield* new UnreadableCommit({ commitId: from, detail: "it was not read" })
    const content = formatCommit({
      ...picked,
      author: inUtf8(picked.author, picked.encoding),
      committer: inUtf8(picked.committer, picked.encoding),
      encoding: null,
      parents: [fork],
      message: Buffer.from(given.message)
    })
    const tip = yield* space.write("commit", content)
    const result = yield* space.inside(
      rebuild({ repository, onto, patches: [{ name, tip }], upstream: [fork] })
    )
    if (result._tag === "Conflicted") {
      return { _tag: "Conflict", conflict: { ...result.conflict, commit: from } } as const
    }
    return { _tag: "Made", commit: result.applied[0]?.commits[0]?.to ?? null } as const
  })

/** The contract lines of the feature's commits, else of the patch that is overwritten; a message that is given says it itself. */
const messageOf = (given: {
  readonly options: CaptureOptions
  readonly stack: Stack
  readonly name: string
  readonly old: ObjectId | null
  readonly from: ObjectId
  readonly fork: ObjectId
}) =>
  Effect.gen(function* () {
    const { options, stack, name, old, from, fork } = given
    if (options.message !== undefined) return `${options.message.trimEnd()}\n`
    const title = `patch: ${name
      .slice(stack.prefix.length)
      .replace(/^\d+[-_.]/, "")
      .replaceAll("-", " ")}\n`
    const own = yield* contractLines(stack.repository, from, [fork])
    const kept =
      own.length > 0 || old === null ? own : yield* contractLines(stack.repository, old, stack.upstream)
    return kept.length === 0 ? title : `${title}\n${kept.join("\n")}\n`
  })

/** Commits of a feature whose messages are read for contract lines. */
const contractCommitsMax = 1_000

const contractLines = (repository: Repository, tip: ObjectId, below: ReadonlyArray<ObjectId>) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: [
        "rev-list",
        "--topo-order",
        "--reverse",
        "--no-merges",
        `--max-count=${contractCommitsMax}`,
        "--stdin"
      ],
      cwd: repository.directory,
      stdin: `${[tip, ...below.map((commit) => `^${commit}`)].join("\n")}\n`
    })
    const commits = linesOf(output.stdout).filter(isObjectId)
    const trailers = yield* readTrailers({ repository, commits })
    const known = Object.keys(contractTrailers).map((key) => key.toLowerCase())
    const lines = commits.flatMap((commit) =>
      (trailers.get(commit) ?? [])
        .filter(({ key }) => known.includes(key.toLowerCase()))
        .map(({ key, value }) => `${key}: ${value}`)
    )
    return [...new Set(lines)]
  })

/** Refuses a patch that brings more than its commit, and gives the patches that stood on what it replaces. */
const checkPlan = (given: {
  readonly stack: Stack
  readonly space: EditSpace
  readonly patch: PatchBranch
}) =>
  Effect.gen(function* () {
    const { stack, space, patch } = given
    const others = stack.patches.filter(({ name }) => name !== patch.name)
    const before = yield* planStack(stack)
    const inside: Stack = { ...stack, repository: space.repository }
    const after = yield* space.inside(planStack(inside, [...others, patch]))
    const own = after.find(({ name }) => name === patch.name)?.commits ?? []
    if (own.length !== 1) {
      const detail =
        own.length === 0
          ? `${patch.name} would have no commit of its own`
          : `${patch.name} would bring ${own.length - 1} more commits, which belong to patches after it; choose a name that comes after theirs, or another base`
      return yield* new EditRefused({ action: "capture", reason: "carries-others", detail })
    }
    return changedOwners(before, after)
  })

const countFiles = (space: EditSpace, base: ObjectId, commit: ObjectId) =>
  Effect.gen(function* () {
    const { repository } = space
    const trees = yield* space.inside(readTrees({ repository, commits: [base, commit] }))
    const [from, to] = [trees.get(base), trees.get(commit)]
    if (from === undefined || to === undefined) return 0
    const [changes] = yield* space.inside(readTreeChanges({ repository, pairs: [{ from, to }] }))
    return changes?.length ?? 0
  })
