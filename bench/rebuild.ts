/**
 * Rebuild of a patch stack: patchmoi against a `git cherry-pick` loop and `git rebase` in a worktree, and against the floor,
 * a bare loop around one long-lived `git merge-tree`.
 *
 *   bun bench/rebuild.ts [--runs 3] [--sizes 10,50,200] [--engine replay] [--line] [--disk] [--without-git] [--git <program>]
 *
 * All carry the same one-commit patches onto the same release of a generated repository of about 2,000 files, in one
 * process and in turns, so that the noise of the machine meets all. Each has a copy of the repository to itself, as objects
 * that another one wrote need not be written again. The resulting trees are compared on every run. With
 * `--line` patchmoi gets the patches stacked on each other, as `git rebase` needs them; with `--disk` its quarantine is never in
 * memory; with `--without-git` it starts no git.
 */
import { cp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Git, textOf } from "../packages/git/src/Git.ts"
import { layerGitCli } from "../packages/git/src/GitCli.ts"
import { parseRef } from "../packages/git/src/GitName.ts"
import { type PatchBranch, readPatchBranches } from "../packages/git/src/patch/PatchPlan.ts"
import { rebuild } from "../packages/git/src/patch/Rebuild.ts"
import { rebuildWithoutGit } from "../packages/git/src/patch/RebuildWithoutGit.ts"
import { openRepository, type Repository } from "../packages/git/src/Repository.ts"
import { isolatedEnvironment, makeTempDirectory, makeTempRepo } from "../packages/git/src/testing/TempRepo.ts"
import { bareMergeTreeLoop } from "./support/mergeTreeLoop.ts"

const folders = 100
const filesPerFolder = 20
const linesPerFile = 60

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    sizes: { type: "string", default: "10,50,200" },
    engine: { type: "string", default: "auto" },
    line: { type: "boolean", default: false },
    disk: { type: "boolean", default: false },
    "without-git": { type: "boolean", default: false },
    git: { type: "string", default: "git" }
  }
})
const sizes = values.sizes.split(",").map(Number)
const runs = Number(values.runs)
const engine = (["stream", "process", "replay"] as const).find((name) => name === values.engine) ?? "auto"
const quarantine = values.disk ? "disk" : "auto"

const pathOf = (index: number): string =>
  `src/part${index % folders}/file${Math.floor(index / folders) % filesPerFolder}.txt`

const textWith = (index: number, changes: Readonly<Record<number, string>> = {}): string =>
  Array.from(
    { length: linesPerFile },
    (_, line) => `${changes[line] ?? `file ${index} line ${line}`}\n`
  ).join("")

/** A base, a release that changes every third file, and patches that change one file each, every second one of those. */
const makeStack = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  const all = Array.from({ length: folders * filesPerFolder }, (_, index) => index)
  const files = (changes: Readonly<Record<number, string>>, chosen: ReadonlyArray<number>) =>
    Object.fromEntries(chosen.map((index) => [pathOf(index), textWith(index, changes)]))
  const base = yield* repo.commit("base", files({}, all))
  yield* repo.git("tag", "v1")
  yield* repo.commit(
    "release",
    files(
      { 50: "released" },
      all.filter((index) => index % 3 === 0)
    )
  )
  yield* repo.git("tag", "v2")
  for (let index = 0; index < Math.max(...sizes); index++) {
    yield* repo.git("switch", "--quiet", "-c", `patch/${String(index).padStart(3, "0")}`, base)
    const changed = index * 3 + (index % 2)
    yield* repo.commit(`patch ${index}`, { [pathOf(changed)]: textWith(changed, { 5: `patched ${index}` }) })
  }
  yield* repo.git("switch", "--quiet", "main")
  return repo.directory
})

interface Stack {
  readonly repository: Repository
  readonly patches: ReadonlyArray<PatchBranch>
  /** The same patches, each on the one before it. */
  readonly line: ReadonlyArray<PatchBranch>
}

const rebuilt = (repository: Repository, onto: string, patches: ReadonlyArray<PatchBranch>) =>
  Effect.flatMap(rebuild({ repository, onto, patches, engine, quarantine }), (result) =>
    result._tag === "Rebuilt"
      ? Effect.succeed(result)
      : Effect.dieMessage(`conflict in ${result.conflict.patch}`)
  )

const byPatchmoi = ({ line, patches, repository }: Stack) =>
  Effect.map(rebuilt(repository, "v2", values.line ? line : patches), ({ tree }) => tree)

/** All branches there are, so only the largest size is asked for. */
const byPatchmoiWithoutGit = ({ repository }: Stack) =>
  Effect.flatMap(rebuildWithoutGit({ directory: repository.directory, onto: "v2" }), (result) =>
    result._tag === "Rebuilt" ? Effect.succeed(result.tree) : Effect.dieMessage("a conflict")
  )

/** A worktree at the commit, removed afterwards; the tree that it has at the end. */
const inWorktree = <E, R>(
  repository: Repository,
  at: string,
  work: (
    run: (...args: ReadonlyArray<string>) => Effect.Effect<string, E, R>
  ) => Effect.Effect<unknown, E, R>,
  runIn: (cwd: string) => (...args: ReadonlyArray<string>) => Effect.Effect<string, E, R>
) =>
  Effect.gen(function* () {
    const worktree = join(yield* makeTempDirectory, "worktree")
    const here = runIn(repository.directory)
    const inside = runIn(worktree)
    yield* here("worktree", "add", "--quiet", "--detach", worktree, at)
    yield* work(inside)
    const tree = yield* inside("rev-parse", "HEAD^{tree}")
    yield* here("worktree", "remove", "--force", worktree)
    return tree
  }).pipe(Effect.scoped)

const runIn =
  (cwd: string) =>
  (...args: ReadonlyArray<string>) =>
    Effect.flatMap(Git, (git) =>
      Effect.map(git.run({ args, cwd, env: { ...isolatedEnvironment } }), ({ stdout }) =>
        textOf(stdout).trim()
      )
    )

const byCherryPick = ({ patches, repository }: Stack) =>
  inWorktree(
    repository,
    "v2",
    (run) => Effect.forEach(patches, ({ tip }) => run("cherry-pick", tip), { discard: true }),
    runIn
  )

const byRebase = ({ line, repository }: Stack) =>
  inWorktree(
    repository,
    line.at(-1)?.tip ?? "v1",
    (run) => run("rebase", "--quiet", "--onto", "v2", "v1"),
    runIn
  )

const byFloor = ({ patches, repository }: Stack) =>
  Effect.gen(function* () {
    const onto = yield* runIn(repository.directory)("rev-parse", "v2^{commit}")
    const commits = patches.map(({ tip }) => tip)
    return yield* Effect.promise(() =>
      bareMergeTreeLoop({ gitDirectory: repository.gitDirectory, onto, commits })
    )
  })

/** Times the work on a new copy of the repository; making the copy is not part of it. */
const timed = <A, E, R>(stack: Stack, work: (stack: Stack) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const directory = join(yield* makeTempDirectory, "copy")
    yield* Effect.promise(() => cp(stack.repository.directory, directory, { recursive: true }))
    const repository = yield* openRepository({ directory })
    const start = yield* Clock.currentTimeNanos
    const value = yield* work({ ...stack, repository })
    return { value, millis: Number((yield* Clock.currentTimeNanos) - start) / 1e6 }
  }).pipe(Effect.scoped)

const median = (numbers: ReadonlyArray<number>): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const program = Effect.gen(function* () {
  const repository = yield* openRepository({ directory: yield* makeStack })
  const all = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
  const { applied } = yield* rebuilt(repository, "v1", all)
  const line = applied.map(({ commits, patch, tip }) => ({ name: patch, tip: commits[0]?.to ?? tip }))
  yield* Console.log(`${folders * filesPerFolder} files, ${runs} runs each, medians in ms (${tmpdir()})\n`)
  yield* Console.log(
    "| patches | cherry-pick loop | rebase | floor | patchmoi | × the loop | × rebase | of the floor |"
  )
  yield* Console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
  for (const size of sizes) {
    const stack: Stack = { repository, patches: all.slice(0, size), line: line.slice(0, size) }
    const millis: Array<Array<number>> = [[], [], [], []]
    for (let round = 0; round < runs; round++) {
      const results = [
        yield* timed(stack, byCherryPick),
        yield* timed(stack, byRebase),
        yield* timed(stack, byFloor),
        values["without-git"] ? yield* timed(stack, byPatchmoiWithoutGit) : yield* timed(stack, byPatchmoi)
      ]
      if (new Set(results.map(({ value }) => value)).size !== 1)
        return yield* Effect.dieMessage("the trees differ")
      for (const [at, result] of results.entries()) millis[at]?.push(result.millis)
    }
    const [loop = 0, rebase = 0, floor = 0, own = 1] = millis.map(median)
    const times = [loop, rebase, floor, own].map((time) => time.toFixed(0))
    const ratios = [loop / own, rebase / own, own / floor].map((ratio) => ratio.toFixed(1))
    yield* Console.log(`| ${[size, ...times, ...ratios].join(" | ")} |`)
  }
})

await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(layerGitCli({ program: values.git, env: isolatedEnvironment })))
)
