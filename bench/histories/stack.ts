/**
 * A patch stack out of real later commits: each patch branch is one commit on the base release with the change of one commit
 * that the project made after it.
 *
 * The commits are spread evenly over everything between the release and the newest commit, so that the releases that follow
 * hold a growing part of them. Where none of a few neighbours applies to the release by itself, the first is taken over file
 * by file, as a person does who backports in a hurry: every file it touches gets the content that it had there.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import { parseObjectId, parseRef } from "../../packages/git/src/GitName.ts"
import { readPatchBranches } from "../../packages/git/src/patch/PatchPlan.ts"
import { openRepository } from "../../packages/git/src/Repository.ts"
import type { Place } from "./run.ts"

/** Commits that are tried for one patch. */
const triesMax = 5

/** How many patches came about in which way. */
export interface StackOrigin {
  /** The commit applies to the release. */
  readonly merged: number
  /** Taken over file by file. */
  readonly byFile: number
}

/** Makes the branches `patch/NNN-…` on the release and lists them in order. The same clone gives the same commits. */
export const makeStack = Effect.fnUntraced(function* (
  repo: Place,
  options: {
    readonly base: string
    /** Patches wanted; fewer when the project has fewer fitting commits. */
    readonly count: number
    /** Commits that touch more files are no patches of a fork. */
    readonly filesMax: number
  }
) {
  const base = yield* commitOf(repo, options.base)
  const later = (yield* repo.git("rev-list", "--no-merges", "--reverse", `${base}..HEAD`)).split("\n")
  const origin = { merged: 0, byFile: 0 }
  for (let slot = 0; slot < options.count; slot++) {
    const from = Math.floor((slot * later.length) / options.count)
    const to = Math.floor(((slot + 1) * later.length) / options.count)
    const taken = yield* takeOverOne(repo, base, later.slice(from, to), options.filesMax)
    if (taken === null) continue
    origin[taken.by] += 1
    const made = yield* commitOn(repo, base, taken)
    const subject = yield* repo.git("log", "-1", "--format=%s", made)
    yield* repo.git(
      "update-ref",
      `refs/heads/patch/${String(slot).padStart(3, "0")}-${slugOf(subject)}`,
      made
    )
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

interface Taken {
  readonly commit: string
  /** The release with the change of the commit. */
  readonly tree: string
  readonly by: keyof StackOrigin
}

/** The first commit that applies by itself, else the first that can be taken over file by file. */
const takeOverOne = Effect.fnUntraced(function* (
  repo: Place,
  base: ObjectId,
  commits: ReadonlyArray<string>,
  filesMax: number
) {
  const unchanged = yield* repo.git("rev-parse", `${base}^{tree}`)
  const take = (commit: string, tree: string | null, by: Taken["by"]): Taken | null =>
    tree === null || tree === unchanged ? null : { commit, tree, by }
  const candidates: Array<{ readonly commit: string; readonly changes: ReadonlyArray<string> }> = []
  for (const commit of commits.slice(0, triesMax)) {
    const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id", commit]
    const changes = yield* repo.fields(...args)
    if (changes.length === 0 || changes.length > filesMax * 2) continue
    candidates.push({ commit, changes })
    const taken = take(commit, yield* mergeOnto(repo, base, commit), "merged")
    if (taken !== null) return taken
  }
  for (const { commit, changes } of candidates) {
    const taken = take(commit, yield* copyFiles(repo, base, changes), "byFile")
    if (taken !== null) return taken
  }
  return null
})

const builder = ["-c", "user.name=Stack Builder", "-c", "user.email=stack@example.invalid"]

/** The tree of the release with the commit's change, or `null` where they conflict. */
const mergeOnto = Effect.fnUntraced(function* (repo: Place, base: ObjectId, commit: string) {
  // With the commit's own parent for a parent, the release and the commit have that parent as their merge base.
  const args = ["commit-tree", `${base}^{tree}`, "-p", `${commit}^`, "-m", "release"]
  const release = yield* repo.git(...builder, ...args)
  const merged = yield* repo.attempt({
    args: ["merge-tree", "--write-tree", "--no-messages", release, commit]
  })
  return merged.exitCode === 0 ? merged.stdout : null
})

/** The tree of the release with the files as the commit has them, or `null` where a file meets a folder. */
const copyFiles = Effect.fnUntraced(function* (repo: Place, base: ObjectId, changes: ReadonlyArray<string>) {
  const env = { GIT_INDEX_FILE: join(repo.directory, "stack-index") }
  yield* repo.attempt({ args: ["read-tree", base], env })
  const lines: Array<string> = []
  for (let at = 0; at + 1 < changes.length; at += 2) {
    const [, , mode = "", , oid = ""] = /^:(\d+) (\d+) (\w+) (\w+)/.exec(changes[at] ?? "") ?? []
    lines.push(`${mode} ${oid}\t${changes[at + 1]}\0`)
  }
  const args = ["update-index", "-z", "--index-info"]
  const updated = yield* repo.attempt({ args, env, stdin: lines.join("") })
  if (updated.exitCode !== 0) return null
  const written = yield* repo.attempt({ args: ["write-tree"], env })
  return written.exitCode === 0 ? written.stdout : null
})

/** The change as one commit on the release, with the words, author and dates of the commit that it comes from. */
const commitOn = Effect.fnUntraced(function* (repo: Place, base: ObjectId, { commit, tree }: Taken) {
  const format = "--format=%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"
  const [name = "", email = "", date = "", by = "", at = "", on = "", ...message] = (yield* repo.git(
    "log",
    "-1",
    format,
    commit
  )).split("\n")
  const made = yield* repo.attempt({
    args: ["commit-tree", tree, "-p", base],
    stdin: message.join("\n"),
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: by,
      GIT_COMMITTER_EMAIL: at,
      GIT_COMMITTER_DATE: on
    }
  })
  return yield* Effect.orDie(parseObjectId(made.stdout))
})

const slugOf = (subject: string): string =>
  subject
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40)
    .replace(/-$/, "") || "change"
