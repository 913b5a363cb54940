/**
 * Moving refs: several at once, all or none, each only from the value that the caller expects.
 *
 * A branch that is checked out in any work tree is never moved: its index and files would then look like a large
 * uncommitted change. Nor is one that a rebase or a bisect has in hand. That is refused before anything is written.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, type GitError, nulFieldsOf } from "./Git.ts"
import { ObjectId, RefName } from "./GitName.ts"
import { readPausedBranches, workTreeOf } from "./internal/pausedBranches.ts"
import { type Repository, readRef } from "./Repository.ts"

/** One ref to move. */
export const RefUpdate = Schema.Struct({
  ref: RefName,
  /** What the ref must point to now; `null` when it must not exist. */
  expected: Schema.NullOr(ObjectId),
  next: ObjectId
})
export type RefUpdate = typeof RefUpdate.Type

/** One ref to remove. What it points to now has to be said, and `next` is `null`. */
export const RefDeletion = Schema.Struct({ ref: RefName, expected: ObjectId, next: Schema.Null })
export type RefDeletion = typeof RefDeletion.Type

/** What may happen to a ref. */
export const RefChange = Schema.Union(RefUpdate, RefDeletion)
export type RefChange = typeof RefChange.Type

/** A ref does not point to what was expected. Nothing was moved. Read it again and decide again. */
export class StaleRef extends Schema.TaggedError<StaleRef>("git/StaleRef")("StaleRef", {
  ref: RefName,
  expected: Schema.NullOr(ObjectId),
  actual: Schema.NullOr(ObjectId)
}) {
  override get message(): string {
    const say = (id: string | null) => (id === null ? "absent" : `at ${id}`)
    return `${this.ref} was expected ${say(this.expected)} and is ${say(this.actual)}; nothing was moved`
  }
}

/** A branch that a work tree has in use would have been moved. Nothing was moved. */
export class BranchCheckedOut extends Schema.TaggedError<BranchCheckedOut>("git/BranchCheckedOut")(
  "BranchCheckedOut",
  {
    ref: RefName,
    workTree: Schema.String,
    /** Besides checked out: in the hands of a rebase or a bisect that is not finished. */
    state: Schema.Literal("checked out", "rebased", "bisected")
  }
) {
  override get message(): string {
    return this.state === "checked out"
      ? `${this.ref} is checked out in ${this.workTree} and is not moved under it; check out something else there`
      : `${this.ref} is being ${this.state} in ${this.workTree} and is not moved under that; finish it there first`
  }
}

/**
 * Moves and removes the refs in one transaction. Updates whose `next` equals `expected` are verified and write nothing.
 *
 * - `StaleRef`: a ref had moved; nothing was moved.
 * - `BranchCheckedOut`: a ref is some work tree's branch; nothing was moved.
 * - `GitError`: git refused for another reason (a hook, a lock, a missing object); nothing was moved.
 */
export const moveRefs = Effect.fn("RefTransaction.moveRefs")(function* (options: {
  readonly repository: Repository
  readonly updates: ReadonlyArray<RefChange>
  /** Reason for the reflog. */
  readonly reason: string
}) {
  const git = yield* Git
  const moving = options.updates.filter((update) => update.expected !== update.next)
  yield* refuseCheckedOut({ repository: options.repository, refs: moving.map(({ ref }) => ref) })
  const zero = "0".repeat(options.repository.objectFormat === "sha1" ? 40 : 64)
  const lines = options.updates.map((update) => {
    if (update.next === null) return `delete ${update.ref}\0${update.expected}\0`
    return update.expected === update.next
      ? `verify ${update.ref}\0${update.next}\0`
      : `update ${update.ref}\0${update.next}\0${update.expected ?? zero}\0`
  })
  if (lines.length === 0) return
  const command = {
    args: ["update-ref", "-m", options.reason.replace(/\s+/g, " "), "--stdin", "-z"],
    cwd: options.repository.directory,
    stdin: ["start\0", ...lines, "prepare\0", "commit\0"].join("")
  }
  yield* git.run(command).pipe(Effect.catchTag("GitError", (error) => explain(options, error)))
})

/** Fails with `BranchCheckedOut` when any work tree has one of the refs in use. Reads only. */
export const refuseCheckedOut = Effect.fn("RefTransaction.refuseCheckedOut")(function* (options: {
  readonly repository: Repository
  readonly refs: ReadonlyArray<RefName>
}) {
  const { repository, refs } = options
  const git = yield* Git
  if (!refs.some((ref) => ref.startsWith("refs/heads/"))) return
  const listing = yield* git.run({
    args: ["worktree", "list", "--porcelain", "-z"],
    cwd: repository.directory
  })
  let workTree = repository.directory
  for (const field of nulFieldsOf(listing.stdout)) {
    if (field.startsWith("worktree ")) workTree = field.slice("worktree ".length)
    const branch = field.startsWith("branch ") ? field.slice("branch ".length) : null
    const taken = refs.find((ref) => ref === branch)
    if (taken !== undefined)
      return yield* new BranchCheckedOut({ ref: taken, workTree, state: "checked out" })
  }
  yield* refusePaused(repository, refs)
})

/** Fails with `BranchCheckedOut` when a rebase or a bisect has one of the refs in hand. Reads files only. */
export const refusePaused = Effect.fnUntraced(function* (
  repository: Repository,
  refs: ReadonlyArray<RefName>
) {
  const { commonDirectory } = repository
  for (const { home, ref: paused, state } of yield* Effect.promise(() =>
    readPausedBranches(commonDirectory)
  )) {
    const ref = refs.find((each) => each === paused)
    if (ref === undefined) continue
    const here = home === repository.gitDirectory ? repository.workTree : null
    const workTree = here ?? (yield* Effect.promise(() => workTreeOf(home, commonDirectory)))
    return yield* new BranchCheckedOut({ ref, workTree, state })
  }
})

// --- internal ---

/** Finds out whether git refused because a ref had moved. */
const explain = (
  options: { readonly repository: Repository; readonly updates: ReadonlyArray<RefChange> },
  error: GitError
) =>
  Effect.gen(function* () {
    for (const update of options.updates) {
      const actual = yield* readRef({ repository: options.repository, ref: update.ref })
      if (actual !== update.expected) {
        return yield* new StaleRef({ ref: update.ref, expected: update.expected, actual })
      }
    }
    return yield* error
  })
