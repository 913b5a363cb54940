/**
 * The work tree in which a conflict is resolved: linked to the repository, locked with a reason by which it is found again.
 *
 * Its HEAD is the stack below the conflict, its files are what git left of the merge, and its index has the three versions
 * of every path in conflict, as after a `git cherry-pick` that stopped. The user's own work trees are not touched, and no
 * hook runs.
 */
import { lstat, readdir, realpath, rm } from "node:fs/promises"
import { basename, dirname, join, resolve, sep } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, nulFieldsOf } from "../Git.ts"
import { makeSharedFolder } from "../internal/sharedFolder.ts"
import type { Repository } from "../Repository.ts"
import { absentIsNull, fileWork, type OpenConflict } from "./ResolveState.ts"

/** Why such a work tree is locked. */
export const lockReason = "patchmoi resolve"

/** The folder cannot be the work tree. Nothing was done. */
export class ResolveFolderRefused extends Schema.TaggedError<ResolveFolderRefused>(
  "git/ResolveFolderRefused"
)("ResolveFolderRefused", { directory: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `${this.directory} cannot be the work tree of the conflict: ${this.reason}`
  }
}

/** Where the work tree of a conflict lies: the folder that was asked for, checked, or one inside the git folder. */
export const chooseFolder = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly id: string
  readonly asked: string | null
}) {
  const { asked, repository } = options
  if (asked === null) return join(homeOf(repository), options.id.slice(0, 12))
  const refuse = (reason: string) => new ResolveFolderRefused({ directory: asked, reason })
  const directory = yield* fileWork(asked, async () => {
    const home = await realpath(dirname(resolve(asked))).catch(() => dirname(resolve(asked)))
    return join(home, basename(asked))
  })
  const stat = yield* fileWork(directory, () => lstat(directory).catch(absentIsNull))
  if (stat !== null) {
    if (!stat.isDirectory()) return yield* refuse("it is no folder")
    if ((yield* fileWork(directory, () => readdir(directory))).length > 0)
      return yield* refuse("it is not empty")
  }
  const isInside = (folder: string | null) =>
    folder !== null && `${directory}${sep}`.startsWith(`${folder}${sep}`)
  if (isInside(repository.workTree)) return yield* refuse("it is inside the checkout, which stays untouched")
  if (isInside(repository.commonDirectory)) return yield* refuse("it is inside the git folder")
  return directory
})

/** Makes the work tree. An older one of the same folder is replaced. */
export const openWorktree = Effect.fnUntraced(function* (repository: Repository, conflict: OpenConflict) {
  const git = yield* Git
  const { directory, files, merged, tip } = conflict
  yield* closeWorktree(repository, directory)
  if (directory.startsWith(`${homeOf(repository)}${sep}`)) {
    // What a crash left of an earlier one; nobody else puts anything there.
    yield* fileWork(directory, () => rm(directory, { recursive: true, force: true }))
  }
  yield* fileWork(directory, () => makeSharedFolder(dirname(directory)))
  const settings = ["-c", "core.hooksPath=/dev/null", "-c", "core.sparseCheckout=false"]
  yield* git.run({
    args: [
      ...settings,
      ...["worktree", "add", "--quiet", "--detach", "--lock", "--reason", lockReason],
      directory,
      tip
    ],
    cwd: repository.directory
  })
  const inside = (args: ReadonlyArray<string>, stdin = "") =>
    git.run({ args: [...settings, ...args], cwd: directory, stdin })
  // A ref of this work tree alone: it keeps the tree from gc, and goes with the work tree.
  yield* inside(["update-ref", "refs/worktree/patchmoi/merged", merged])
  yield* inside(["read-tree", "-m", "-u", tip, merged])
  const zero = "0".repeat(tip.length)
  const lines = files.flatMap(({ base, ours, path, theirs }) => [
    `0 ${zero} 0\t${path}\0`,
    ...[base, ours, theirs].flatMap((side, at) =>
      side === null ? [] : [`${side.mode} ${side.oid} ${at + 1}\t${path}\0`]
    )
  ])
  yield* inside(["update-index", "-z", "--index-info"], lines.join(""))
})

/** Removes the work tree and git's record of it. One that is gone already is no error. */
export const closeWorktree = Effect.fnUntraced(function* (repository: Repository, directory: string) {
  const git = yield* Git
  const known = yield* listWorktrees(repository)
  if (!known.includes(directory)) return false
  yield* git.run({
    args: ["worktree", "remove", "--force", "--force", directory],
    cwd: repository.directory
  })
  return true
})

/** The work trees that were made for conflicts, found by the reason of their lock. */
export const listWorktrees = Effect.fnUntraced(function* (repository: Repository) {
  const git = yield* Git
  const args = ["worktree", "list", "--porcelain", "-z"]
  const listing = yield* git.run({ args, cwd: repository.directory })
  const found: Array<string> = []
  let directory = ""
  for (const field of nulFieldsOf(listing.stdout)) {
    if (field.startsWith("worktree ")) directory = field.slice("worktree ".length)
    if (field === `locked ${lockReason}`) found.push(directory)
  }
  return found
})

/** Removes the folder in which the work trees lie when nobody asks for another one, with what a crash left there. */
export const removeHome = (repository: Repository) => {
  const home = homeOf(repository)
  return fileWork(home, () => rm(home, { recursive: true, force: true }))
}

// --- internal ---

const homeOf = (repository: Repository): string => join(repository.commonDirectory, "patchmoi", "resolve")
