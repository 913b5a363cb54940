/**
 * Taking a patch out of the stack. Its commits stay under `refs/patchmoi/dropped/<name>/<tip>`; with a reason, that ref is an
 * annotated tag that tells it, so that the reason travels with the commits.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Git, GitError, textOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readTreeChanges } from "../internal/treeChanges.ts"
import { readPatchTrees } from "../internal/trees.ts"
import type { PatchBranch, PlannedPatch } from "../patch/PatchPlan.ts"
import { moveRefs, type RefChange, refuseCheckedOut } from "../RefTransaction.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import {
  findPatch,
  inOrder,
  keepCommit,
  planStack,
  readStack,
  refOfPatch,
  refuseClashes,
  type Stack
} from "./Stack.ts"

/** Paths that one dependency names. The rest is counted. */
export const dependencyPathsMax = 20

/** Longest reason, in UTF-16 units. */
export const dropReasonLengthMax = 10_000

/** Which patch goes, and why. Patches that may need it are no reason to refuse: the result names them. */
export interface DropOptions {
  readonly repository: Repository
  readonly topology: Topology
  /** Its name, with or without the prefix. */
  readonly patch: string
  /** Why it goes, kept with the commits; cut after `dropReasonLengthMax`. (Default: no word.) */
  readonly reason?: string
  /** Tell what would be done, and move nothing. (Default: false.) */
  readonly dryRun?: boolean
}

/** A patch that may need the one that goes. */
export interface Dependent {
  readonly patch: string
  /** `commit`: it stands on commits of the dropped patch, and brings them as its own from now on. `path`: both change the paths. */
  readonly by: "commit" | "path"
  readonly paths: ReadonlyArray<string>
  readonly pathsOmitted: number
}

/** What dropping a patch did, or would do with `dryRun`. */
export interface Dropped {
  /** Its full name, with the prefix. */
  readonly patch: string
  /** What its branch pointed to. */
  readonly tip: ObjectId
  /** The full ref under which its commits stay. */
  readonly kept: string
  /** Patches after it, in order, that may need it; `null` when the stack could not be read (see: patchmoi patch doctor). */
  readonly dependents: ReadonlyArray<Dependent> | null
  /** The refs that were moved, or would be. */
  readonly moved: ReadonlyArray<RefChange>
}

/**
 * Drops the patch.
 *
 * Errors, after each of which nothing has moved: `PatchNotFound`, `UpstreamUnknown`, `EditRefused` (a symbolic ref),
 * `BranchCheckedOut`, `StaleRef`, `GitError`.
 */
export const drop = Effect.fn("Drop.drop")(function* (options: DropOptions) {
  const stack = yield* readStack(options)
  const { repository } = stack
  const patch = yield* findPatch(stack.patches, stack.prefix, options.patch)
  const ref = yield* refOfPatch(patch.name)
  yield* refuseClashes({ action: "drop", repository, created: [], changed: [ref] })
  yield* refuseCheckedOut({ repository, refs: [ref] })
  const dependents = yield* readDependents(stack, patch)
  const reason = options.reason?.trim().slice(0, dropReasonLengthMax) ?? ""
  const writes = reason !== "" && options.dryRun !== true
  const object = writes ? { object: yield* writeReason({ repository, patch, reason }) } : {}
  const keep = yield* keepCommit({ repository, place: "dropped", patch, ...object })
  const moved: ReadonlyArray<RefChange> = [{ ref, expected: patch.tip, next: null }, keep]
  if (options.dryRun !== true) {
    yield* moveRefs({ repository, updates: moved, reason: `patchmoi: drop ${patch.name}` })
  }
  const result: Dropped = { patch: patch.name, tip: patch.tip, kept: keep.ref, dependents, moved }
  return result
})

// --- internal ---

/** An annotated tag on the tip, which holds the reason. Nothing names it before the refs move. */
const writeReason = (given: {
  readonly repository: Repository
  readonly patch: PatchBranch
  readonly reason: string
}) =>
  Effect.gen(function* () {
    const { repository, patch, reason } = given
    const git = yield* Git
    const args = ["mktag"]
    const head = `object ${patch.tip}\ntype commit\ntag dropped/${patch.name}\ntagger ${yield* taggerOf(repository)}\n`
    const output = yield* git.run({ args, cwd: repository.directory, stdin: `${head}\n${reason}\n` })
    const tag = textOf(output.stdout).trim()
    if (isObjectId(tag)) return tag
    return yield* new GitError({
      args,
      cwd: repository.directory,
      reason: "protocol",
      exitCode: 0,
      stderr: "no object id was printed"
    })
  })

/** The operator's identity, or our own where none is configured, with the time of the clock. */
const taggerOf = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: ["var", "GIT_COMMITTER_IDENT"],
      cwd: repository.directory,
      okExitCodes: [0, 128]
    })
    const found = /^(.+ <[^<>]*>) \d+ ([+-]\d{4})$/.exec(textOf(output.stdout).trim())
    const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    return `${found?.[1] ?? "patchmoi <patchmoi@localhost>"} ${seconds} ${found?.[2] ?? "+0000"}`
  })

/** A stack with a patch that cannot be planned is no reason to keep a patch: dropping may be the cure. */
const readDependents = (stack: Stack, patch: PatchBranch) =>
  Effect.gen(function* () {
    const planned = yield* planStack(stack)
    const without = yield* planStack(
      stack,
      stack.patches.filter(({ name }) => name !== patch.name)
    )
    const own = new Set<string>(planned.find(({ name }) => name === patch.name)?.commits)
    const standing = new Set(
      without.filter(({ commits }) => commits.some((commit) => own.has(commit))).map(({ name }) => name)
    )
    const paths = yield* readPaths(stack.repository, planned)
    const mine = paths.get(patch.name) ?? new Set()
    const later = inOrder(stack.patches).filter(({ name }) => name > patch.name || standing.has(name))
    return later.flatMap(({ name }): ReadonlyArray<Dependent> => {
      if (name === patch.name) return []
      const shared = [...(paths.get(name) ?? [])].filter((path) => mine.has(path))
      const by = standing.has(name) ? "commit" : "path"
      if (by === "path" && shared.length === 0) return []
      const told = shared
        .slice(0, dependencyPathsMax)
        .map((path) => Buffer.from(path, "latin1").toString("utf8"))
      return [{ patch: name, by, paths: told, pathsOmitted: shared.length - told.length }]
    })
  }).pipe(
    Effect.catchTags({
      MergeCommitInPatch: () => Effect.succeed(null),
      PatchWithoutBase: () => Effect.succeed(null),
      StackTooLong: () => Effect.succeed(null)
    })
  )

/** The paths that each patch changes, as bytes in latin1. */
const readPaths = (repository: Repository, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const readable = yield* readPatchTrees(repository, planned)
    const changes = yield* readTreeChanges({ repository, pairs: readable })
    return new Map(
      readable.map(({ name }, at) => [
        name,
        new Set((changes[at] ?? []).map(({ path }) => path.toString("latin1")))
      ])
    )
  })
