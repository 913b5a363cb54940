/**
 * A temporary work tree at one commit, for running a project's own checks.
 *
 * It lies in the system's temporary folder, its HEAD is detached, and the repository's hooks do not run. The user's own
 * work trees, branches and index are not touched. Closing the scope removes the folder and git's record of it.
 */
import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Git } from "./Git.ts"
import type { ObjectId } from "./GitName.ts"
import type { Repository } from "./Repository.ts"

/** A checkout that `makeWorktree` made. It may be written into: whatever is left there goes when the scope closes. */
export interface Worktree {
  /** Its top folder, absolute. */
  readonly directory: string
  /** What was checked out. */
  readonly commit: ObjectId
}

/**
 * Checks the commit out. `GitError` when git cannot, for instance because a partial clone cannot fetch what is missing.
 *
 * A removal that fails is logged as a warning: the folder is removed by hand, and `git worktree prune` forgets it.
 */
export const makeWorktree = Effect.fn("Worktree.make")(function* (options: {
  readonly repository: Repository
  readonly commit: ObjectId
}) {
  const git = yield* Git
  const { repository, commit } = options
  const home = yield* Effect.acquireRelease(
    Effect.promise(async () => realpath(await mkdtemp(join(tmpdir(), "patchmoi-worktree-")))),
    (created) => Effect.promise(() => rm(created, { recursive: true, force: true }))
  )
  const directory = join(home, "tree")
  const inRepository = (args: ReadonlyArray<string>) => git.run({ args, cwd: repository.directory })
  yield* Effect.addFinalizer(() =>
    inRepository(["worktree", "remove", "--force", "--force", directory]).pipe(
      Effect.catchTag("GitError", (error) =>
        Effect.logWarning(`The work tree ${directory} was not removed by git: ${error.message}`)
      )
    )
  )
  yield* inRepository([
    "-c",
    "core.hooksPath=/dev/null",
    // The user's own work tree may leave folders out; a check needs all of them.
    "-c",
    "core.sparseCheckout=false",
    "worktree",
    "add",
    "--quiet",
    "--detach",
    directory,
    commit
  ])
  const worktree: Worktree = { directory, commit }
  return worktree
})
