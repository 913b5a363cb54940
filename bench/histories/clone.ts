/** A throw-away clone of a project with a work tree for cherry-pick; the project itself is only read. */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { makeTempDirectory } from "../../packages/git/src/testing/TempRepo.ts"
import { type Place, placeAt } from "./run.ts"

export interface Project {
  /** A bare clone that borrows the project's objects. */
  readonly repo: Place
  /** A linked work tree, where cherry-pick works. */
  readonly worktree: Place
}

/** The clone, removed when the scope closes. `tags` are the releases that the work tree must be able to show. */
export const makeProject = Effect.fnUntraced(function* (source: string, tags: ReadonlyArray<string>) {
  const home = yield* makeTempDirectory
  yield* placeAt(home).git("clone", "--quiet", "--bare", "--shared", "--", source, "repo")
  const repo = placeAt(join(home, "repo"))
  yield* repo.git("config", "gc.auto", "0")
  yield* repo.git("config", "advice.detachedHead", "false")
  const worktree = placeAt(join(home, "worktree"))
  yield* repo.git(
    "worktree",
    "add",
    "--quiet",
    "--no-checkout",
    "--detach",
    worktree.directory,
    tags[0] ?? "HEAD"
  )
  const absent = yield* absentPaths(repo, tags)
  if (absent.length > 0) yield* leaveOut(worktree, absent)
  yield* worktree.git("reset", "--quiet", "--hard")
  const project: Project = { repo, worktree }
  return project
})

/** How many files the release has. */
export const countFiles = (repo: Place, tag: string) =>
  Effect.map(repo.fields("ls-tree", "-r", "-z", "--name-only", tag), (names) => names.length)

/** Six releases from the last half of the project's plain version tags, in equal steps, the oldest first. */
export const pickTags = Effect.fnUntraced(function* (source: string) {
  const listed = yield* placeAt(source).git(
    "for-each-ref",
    "--sort=creatordate",
    "--merged=HEAD",
    "--format=%(refname:lstrip=2)",
    "refs/tags"
  )
  const versions = listed.split("\n").filter((tag) => /^v?\d+\.\d+\.\d+$/.test(tag))
  const from = Math.floor(versions.length / 2)
  const step = Math.max(1, Math.floor((versions.length - from) / 8))
  return Array.from({ length: 6 }, (_, at) => versions[from + at * step]).filter((tag) => tag !== undefined)
})

// --- internal ---

/** Paths whose content the clone does not have, as in snapshots without their largest files. */
const absentPaths = Effect.fnUntraced(function* (repo: Place, tags: ReadonlyArray<string>) {
  const trees = tags.map((tag) => `${tag}^{tree}`)
  const listed = yield* repo.git("rev-list", "--objects", "--missing=print", "--no-object-names", ...trees)
  const missing = new Set(listed.split("\n").flatMap((line) => (line.startsWith("?") ? [line.slice(1)] : [])))
  if (missing.size === 0) return []
  const paths = new Set<string>()
  for (const tag of tags) {
    for (const entry of yield* repo.fields("ls-tree", "-r", "-z", tag)) {
      const [, , oid = "", path = ""] = /^\d+ (\w+) (\w+)\t(.*)$/s.exec(entry) ?? []
      if (missing.has(oid)) paths.add(path)
    }
  }
  return [...paths]
})

/** Keeps the paths out of the work tree; they stay in the index and in every tree. */
const leaveOut = Effect.fnUntraced(function* (worktree: Place, paths: ReadonlyArray<string>) {
  yield* worktree.git("config", "core.sparseCheckout", "true")
  yield* worktree.git("config", "core.sparseCheckoutCone", "false")
  const file = yield* worktree.git(
    "rev-parse",
    "--path-format=absolute",
    "--git-path",
    "info/sparse-checkout"
  )
  const patterns = ["/*", ...paths.map((path) => `!/${path}`)]
  yield* Effect.promise(async () => {
    await mkdir(join(file, ".."), { recursive: true })
    await writeFile(file, `${patterns.join("\n")}\n`)
  })
})
