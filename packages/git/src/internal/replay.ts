/**
 * Merges ahead by `git replay`: one process carries a whole line of commits over, and its trees answer the questions that the
 * walk then asks one by one.
 *
 * `git replay` came with 2.44, is experimental, and says nothing about a conflict. So it only gives answers ahead: what it
 * does not give, for whatever reason, is asked of merge-tree as ever. It works in a git folder of its own inside the
 * quarantine, because newer versions move refs and older ones print what to move: no ref of the repository is in reach.
 */
import { existsSync } from "node:fs"
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Git, type GitError, linesOf, versionAtLeast } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import { pinnedConfig } from "./mergeEngine.ts"
import type { Quarantine } from "./quarantine.ts"
import type { Pick } from "./rebuildWalk.ts"

/** The first git that has the command. */
export const replayVersionMin = { major: 2, minor: 44 }

/** Commits that stand one on the other, oldest first. */
export interface ReplayRun {
  readonly base: ObjectId
  readonly commits: ReadonlyArray<ObjectId>
}

/**
 * The lines of at least two commits in a plan: a patch of several commits, and patches of which each stands on the one before
 * it. A single commit is no line: one process for one merge is what merge-tree does, too. Pure.
 */
export const replayRuns = (planned: ReadonlyArray<PlannedPatch>): ReadonlyArray<ReplayRun> => {
  const runs: Array<{ readonly base: ObjectId; readonly commits: Array<ObjectId> }> = []
  for (const { base, commits } of planned) {
    if (commits.length === 0) continue
    const last = runs.at(-1)
    if (last !== undefined && last.commits.at(-1) === base) last.commits.push(...commits)
    else runs.push({ base, commits: [...commits] })
  }
  return runs.filter(({ commits }) => commits.length > 1)
}

export interface ReplayOptions {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly attributesDirectory: string
  readonly planned: ReadonlyArray<PlannedPatch>
}

/** Gives the merged tree of a commit when it is known ahead, else `null`. Without `git replay` it never is. */
export const makeReplay = Effect.fnUntraced(function* (options: ReplayOptions) {
  const git = yield* Git
  const runs = new Map(replayRuns(options.planned).map((run) => [run.commits[0], run]))
  const known = new Map<string, { readonly ours: ObjectId; readonly tree: ObjectId }>()
  return (pick: Pick): Effect.Effect<ObjectId | null> =>
    Effect.gen(function* () {
      const run = runs.get(pick.commit)
      if (run !== undefined && versionAtLeast(git.version, replayVersionMin)) {
        runs.delete(pick.commit)
        const trees = yield* replayRun(git, options, run, pick.tip)
        let ours = pick.trees.ours
        for (const [at, tree] of trees.entries()) {
          known.set(run.commits[at] ?? "", { ours, tree })
          ours = tree
        }
      }
      const answer = known.get(pick.commit)
      // After a commit that was left out or resolved, the line stands on other trees than it was replayed on.
      return answer?.ours === pick.trees.ours ? answer.tree : null
    })
})

// --- internal ---

const runRef = "refs/heads/run"

/** The trees of the line on the new base, or none: every failure has the same remedy. */
const replayRun = (
  git: typeof Git.Service,
  options: ReplayOptions,
  run: ReplayRun,
  onto: ObjectId
): Effect.Effect<ReadonlyArray<ObjectId>> =>
  Effect.gen(function* () {
    const home = join(options.quarantine.directory, "replay")
    const last = run.commits.at(-1) ?? run.base
    yield* Effect.uninterruptible(Effect.tryPromise(() => makeGitDirectory(home, options.repository, last)))
    const env = {
      ...options.quarantine.env,
      GIT_DIR: home,
      GIT_WORK_TREE: options.attributesDirectory,
      GIT_INDEX_FILE: join(options.quarantine.directory, "no-index"),
      // The commits are thrown away; only their trees are read.
      GIT_COMMITTER_NAME: "patchmoi",
      GIT_COMMITTER_EMAIL: "patchmoi@localhost",
      GIT_COMMITTER_DATE: "1 +0000"
    }
    const inHome = (...args: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, GitError> =>
      Effect.map(git.run({ args, env, cwd: options.attributesDirectory }), ({ stdout }) => linesOf(stdout))
    const [printed = ""] = yield* inHome(...pinnedConfig, "replay", "--onto", onto, `${run.base}..${runRef}`)
    const moved = (yield* Effect.tryPromise(() => readFile(join(home, runRef), "utf8"))).trim()
    const tip = printed.startsWith(`update ${runRef} `) ? (printed.split(" ")[2] ?? "") : moved
    if (!isObjectId(tip) || tip === last) return []
    const listed = yield* inHome(
      "rev-list",
      "--reverse",
      "--no-commit-header",
      "--format=%T",
      `${onto}..${tip}`
    )
    const trees = listed.filter(isObjectId)
    // Newer versions leave out commits that became empty, and then nobody knows which tree is whose.
    return trees.length === run.commits.length ? trees : []
  }).pipe(Effect.orElseSucceed(() => []))

/** The least that git takes for a repository, with the settings of the real one. */
const makeGitDirectory = async (home: string, repository: Repository, tip: ObjectId): Promise<void> => {
  const common = repository.commonDirectory
  const quoted = join(common, "config").replace(/[\\"]/g, "\\$&")
  const format = repository.objectFormat === "sha256" ? "[extensions]\n\tobjectFormat = sha256\n" : ""
  await mkdir(join(home, "objects"), { recursive: true })
  await mkdir(join(home, "refs", "heads"), { recursive: true })
  await mkdir(join(home, "info"), { recursive: true })
  await writeFile(join(home, "HEAD"), "ref: refs/heads/none\n")
  await writeFile(join(home, runRef), `${tip}\n`)
  await writeFile(
    join(home, "config"),
    `[core]\n\trepositoryFormatVersion = 1\n${format}[include]\n\tpath = "${quoted}"\n`
  )
  const attributes = join(common, "info", "attributes")
  if (existsSync(attributes)) await copyFile(attributes, join(home, "info", "attributes"))
}
