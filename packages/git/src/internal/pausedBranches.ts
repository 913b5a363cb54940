/**
 * Branches that a rebase or a bisect has in hand. HEAD is detached meanwhile, so that no branch is checked out, and yet the
 * command comes back to the branch in the end: a rebase moves it only from the value that it began with.
 */
import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** A branch, the git folder of the work tree where that happens, and what happens. */
export interface PausedBranch {
  readonly ref: string
  readonly home: string
  readonly state: "rebased" | "bisected"
}

/** The branches of all work trees, as git itself finds them (`prepare_checked_out_branches` in its branch.c). */
export const readPausedBranches = async (commonDirectory: string): Promise<ReadonlyArray<PausedBranch>> => {
  const linked = await readdir(join(commonDirectory, "worktrees")).catch(() => [])
  const homes = [commonDirectory, ...linked.map((name) => join(commonDirectory, "worktrees", name))]
  return (await Promise.all(homes.map(pausedIn))).flat()
}

/** The folder with the files of the work tree whose git folder this is. */
export const workTreeOf = async (home: string, commonDirectory: string): Promise<string> =>
  home === commonDirectory ? dirname(home) : dirname(await textOf(join(home, "gitdir")))

// --- internal ---

const pausedIn = async (home: string): Promise<ReadonlyArray<PausedBranch>> => {
  const heads = await Promise.all(
    ["rebase-merge", "rebase-apply"].map((folder) => textOf(join(home, folder, "head-name")))
  )
  // Three lines for each branch that `--update-refs` is going to move: its name, and its values.
  const updated = (await textOf(join(home, "rebase-merge", "update-refs"))).split("\n")
  const start = await textOf(join(home, "BISECT_START"))
  const found = (names: ReadonlyArray<string>, state: PausedBranch["state"]) =>
    names.filter((ref) => ref.startsWith("refs/heads/")).map((ref): PausedBranch => ({ ref, home, state }))
  return [...found([...heads, ...updated], "rebased"), ...found([`refs/heads/${start}`], "bisected")]
}

const textOf = async (file: string): Promise<string> => (await readFile(file, "utf8").catch(() => "")).trim()
