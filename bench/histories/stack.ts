/**
 * A patch stack out of real later commits: each patch branch is one commit on the base release with the change of one commit
 * that the project made after it.
 *
 * The commits are spread evenly over everything between the release and the newest commit, so that the releases that follow
 * hold a growing part of them. Where none of a few neighbours applies to the release by itself, the first is taken over file
 * by file, as a person does who backports in a hurry: every file it touches gets the content that it had there.
 */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import { parseObjectId, parseRef } from "../../packages/git/src/GitName.ts"
import { readPatchBranches } from "../../packages/git/src/patch/PatchPlan.ts"
import { openRepository } from "../../packages/git/src/Repository.ts"
import type { Project } from "./clone.ts"
import type { Place } from "./run.ts"

/** Commits that are tried for one patch. */
const triesMax = 5

/** How many patches came about in which way. */
export interface StackOrigin {
  /** Cherry-picked onto the release without a conflict. */
  readonly picked: number
  /** Taken over file by file. */
  readonly byFile: number
}

/** Makes the branches `patch/NNN-…` on the release and lists them in order. */
export const makeStack = Effect.fnUntraced(function* (
  project: Project,
  options: {
    readonly base: string
    /** Patches wanted; fewer when the project has fewer fitting commits. */
    readonly count: number
    /** Commits that touch more files are no patches of a fork. */
    readonly filesMax: number
  }
) {
  const { repo, worktree } = project
  const base = yield* commitOf(repo, options.base)
  const range = `${base}..HEAD`
  const later = (yield* repo.git("rev-list", "--no-merges", "--reverse", range)).split("\n")
  const origin = { picked: 0, byFile: 0 }
  for (let slot = 0; slot < options.count; slot++) {
    const from = Math.floor((slot * later.length) / options.count)
    const to = Math.floor(((slot + 1) * later.length) / options.count)
    const made = yield* takeOverOne(worktree, base, later.slice(from, to), options.filesMax)
    if (made === null) continue
    origin[made.by] += 1
    const name = `patch/${String(slot).padStart(3, "0")}-${slugOf(yield* subjectOf(repo, made.commit))}`
    yield* repo.git("update-ref", `refs/heads/${name}`, made.commit)
  }
  const repository = yield* openRepository({ directory: repo.directory }).pipe(Effect.orDie)
  const prefix = yield* parseRef("refs/heads/patch").pipe(Effect.orDie)
  const patches = yield* readPatchBranches({ repository, prefix }).pipe(Effect.orDie)
  return { repository, base, patches, origin: origin satisfies StackOrigin }
})

/** The commit that a revision names. */
export const commitOf = (place: Place, revision: string) =>
  Effect.flatMap(place.git("rev-parse", "--verify", `${revision}^{commit}`), (found) =>
    Effect.orDie(parseObjectId(found))
  )

// --- internal ---

interface Made {
  readonly commit: ObjectId
  readonly by: keyof StackOrigin
}

const made = (commit: ObjectId, by: Made["by"]): Made => ({ commit, by })

/** The first commit that applies by itself, else the first that can be taken over file by file. */
const takeOverOne = Effect.fnUntraced(function* (
  place: Place,
  base: ObjectId,
  commits: ReadonlyArray<string>,
  filesMax: number
) {
  const candidates: Array<{ readonly commit: string; readonly changes: ReadonlyArray<string> }> = []
  for (const commit of commits.slice(0, triesMax)) {
    const args = ["-r", "-z", "--no-renames", "--no-commit-id", "--name-status", commit]
    const changes = yield* place.fields("diff-tree", ...args)
    if (changes.length === 0 || changes.length > filesMax * 2) continue
    candidates.push({ commit, changes })
    const picked = yield* pick(place, base, commit)
    if (picked !== null) return made(picked, "picked")
  }
  for (const { commit, changes } of candidates) {
    const copied = yield* copyFiles(place, base, commit, changes)
    if (copied !== null) return made(copied, "byFile")
  }
  return null
})

const pick = Effect.fnUntraced(function* (place: Place, base: ObjectId, commit: string) {
  yield* place.git("reset", "--quiet", "--hard", base)
  const picked = yield* place.attempt("cherry-pick", commit)
  if (picked.exitCode === 0) return yield* commitOf(place, "HEAD")
  yield* place.attempt("cherry-pick", "--quit")
  return null
})

const copyFiles = Effect.fnUntraced(function* (
  place: Place,
  base: ObjectId,
  commit: string,
  changes: ReadonlyArray<string>
) {
  yield* place.git("reset", "--quiet", "--hard", base)
  for (let at = 0; at + 1 < changes.length; at += 2) {
    const [status, path = ""] = [changes[at], changes[at + 1]]
    const done =
      status === "D"
        ? yield* place.attempt("rm", "--quiet", "--force", "--ignore-unmatch", "--", path)
        : yield* place.attempt("checkout", "--quiet", commit, "--", path)
    // A file where the release has a folder, for instance.
    if (done.exitCode !== 0) return null
  }
  const written = yield* place.attempt("commit", "--quiet", "--no-verify", `--reuse-message=${commit}`)
  return written.exitCode === 0 ? yield* commitOf(place, "HEAD") : null
})

const subjectOf = (place: Place, commit: string) => place.git("log", "-1", "--format=%s", commit)

const slugOf = (subject: string): string =>
  subject
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40)
    .replace(/-$/, "") || "change"
