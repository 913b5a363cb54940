/**
 * Rebuild of a patch stack: patchmoi against a `git cherry-pick` loop in a worktree.
 *
 *   bun bench/rebuild.ts [--runs 3] [--sizes 10,50,200]
 *
 * Both sides carry the same one-commit patches onto the same release of a generated repository of about 2,000 files, in one
 * process and in turns, so that the noise of the machine meets both. The resulting trees are compared on every run.
 */
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
import { openRepository, type Repository } from "../packages/git/src/Repository.ts"
import { isolatedEnvironment, makeTempDirectory, makeTempRepo } from "../packages/git/src/testing/TempRepo.ts"

const folders = 100
const filesPerFolder = 20
const linesPerFile = 60

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    sizes: { type: "string", default: "10,50,200" }
  }
})
const sizes = values.sizes.split(",").map(Number)
const runs = Number(values.runs)

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

const byPatchmoi = (repository: Repository, patches: ReadonlyArray<PatchBranch>) =>
  Effect.gen(function* () {
    const result = yield* rebuild({ repository, onto: "v2", patches })
    if (result._tag !== "Rebuilt") return yield* Effect.dieMessage(`conflict in ${result.conflict.patch}`)
    return result.tree
  })

const byCherryPick = (repository: Repository, patches: ReadonlyArray<PatchBranch>) =>
  Effect.gen(function* () {
    const git = yield* Git
    const home = yield* makeTempDirectory
    const worktree = join(home, "worktree")
    const run = (cwd: string, ...args: ReadonlyArray<string>) =>
      git.run({ args, cwd, env: { ...isolatedEnvironment } })
    yield* run(repository.directory, "worktree", "add", "--quiet", "--detach", worktree, "v2")
    for (const patch of patches) yield* run(worktree, "cherry-pick", patch.tip)
    const tree = textOf((yield* run(worktree, "rev-parse", "HEAD^{tree}")).stdout).trim()
    yield* run(repository.directory, "worktree", "remove", "--force", worktree)
    return tree
  }).pipe(Effect.scoped)

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeNanos
    const value = yield* work
    return { value, millis: Number((yield* Clock.currentTimeNanos) - start) / 1e6 }
  })

const median = (numbers: ReadonlyArray<number>): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const program = Effect.gen(function* () {
  const repository = yield* openRepository({ directory: yield* makeStack })
  const all = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
  yield* Console.log(`${folders * filesPerFolder} files, ${runs} runs each, medians (${tmpdir()})\n`)
  yield* Console.log("| patches | cherry-pick loop, ms | patchmoi rebuild, ms | times faster |")
  yield* Console.log("| ---: | ---: | ---: | ---: |")
  for (const size of sizes) {
    const patches = all.slice(0, size)
    const ours: Array<number> = []
    const theirs: Array<number> = []
    for (let round = 0; round < runs; round++) {
      const rebuilt = yield* timed(byPatchmoi(repository, patches))
      const picked = yield* timed(byCherryPick(repository, patches))
      if (rebuilt.value !== picked.value) return yield* Effect.dieMessage("the trees differ")
      ours.push(rebuilt.millis)
      theirs.push(picked.millis)
    }
    const [slow, fast] = [median(theirs), median(ours)]
    yield* Console.log(`| ${size} | ${slow.toFixed(0)} | ${fast.toFixed(0)} | ${(slow / fast).toFixed(1)} |`)
  }
})

await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(layerGitCli({ env: isolatedEnvironment })))
)
