/**
 * Goal: a rebuild gives what `git cherry-pick` gives, by every engine. Method: generated histories (`histories.ts`); each
 * stack is carried over by each engine and by cherry-pick in a work tree, and the trees, or the patch that conflicts with
 * its paths, are compared. 40 seeds by default, 2,000 with TEST_LONG=1 (from TEST_SEED on). One process per merge is much
 * slower and takes part in every fourth seed.
 *
 * The engine without a git program follows no renames. It is compared on every fourth seed, whose history holds none.
 */
import { expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import { nulFieldsOf } from "../../src/Git.ts"
import { parseRef } from "../../src/GitName.ts"
import type { Conflict } from "../../src/patch/Conflict.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import type { RebuildResult } from "../../src/patch/RebuildResult.ts"
import { rebuildWithoutGit } from "../../src/patch/RebuildWithoutGit.ts"
import { openRepository } from "../../src/Repository.ts"
import { withGit } from "../support.ts"
import { type History, type HistoryKind, makeHistory } from "./histories.ts"

const first = Number(process.env["TEST_SEED"] ?? 0)
const seeds = process.env["TEST_LONG"] === "1" ? 2_000 : 40
const seedsPerTest = 20

/** The tree after all picks, or the branch whose pick conflicts and the paths. Empty picks are kept: they change no tree. */
const byCherryPick = ({ owners, repo }: History) =>
  Effect.gen(function* () {
    yield* repo.git("checkout", "--quiet", "--force", "--detach", "main")
    const args = ["cherry-pick", "--allow-empty", "--keep-redundant-commits", ...owners.keys()]
    yield* repo.run({ args, okExitCodes: [0, 1] })
    // Not every conflict leaves unmerged files (a folder renamed in two ways does not), but each stops the sequence.
    const stopped = yield* repo.run({
      args: ["rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD"],
      okExitCodes: [0, 1]
    })
    if (stopped === "") return yield* repo.git("rev-parse", "HEAD^{tree}")
    const listed = yield* repo.git("ls-files", "--unmerged", "-z")
    const paths = nulFieldsOf(Buffer.from(listed)).map((line) => line.slice(line.indexOf("\t") + 1))
    return conflictText(owners.get(stopped) ?? stopped, paths)
  })

const conflictText = (patch: string, paths: ReadonlyArray<string>): string => {
  // A file that git moved aside is named after the commit, and the two have commits of their own.
  const names = paths.map((path) => path.replace(/~(?:HEAD|[0-9a-f]{7,40}).*$/, "~"))
  return `conflict in ${patch}: ${[...new Set(names)].sort().join(" ")}`
}

/** Paths with a side. Git also names folders that were renamed in two ways, and those have none. */
const pathOf = ({ base, ours, path, theirs }: Conflict["files"][number]): ReadonlyArray<string> =>
  base === null && ours === null && theirs === null ? [] : [path]

const answerOf = (result: RebuildResult): string =>
  result._tag === "Rebuilt"
    ? result.tree
    : conflictText(result.conflict.patch, result.conflict.files.flatMap(pathOf))

const kindOf = (seed: number): HistoryKind => (seed % 4 !== 3 ? "all" : seed % 8 === 3 ? "add" : "remove")

/** Every engine that differs from cherry-pick, and whether the history conflicts. */
const compare = (seed: number) =>
  Effect.gen(function* () {
    const kind = kindOf(seed)
    const history = yield* makeHistory({ seed, kind })
    const { directory } = history.repo
    const repository = yield* openRepository({ directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const expected = yield* byCherryPick(history)
    const differences: Array<unknown> = []
    const note = (engine: string, answer: string, wanted: string) => {
      if (answer !== wanted) differences.push({ seed, engine, answer, cherryPick: wanted })
    }
    const engines = seed % 4 === 0 ? (["stream", "process"] as const) : (["stream"] as const)
    for (const engine of engines) {
      note(engine, answerOf(yield* rebuild({ repository, onto: "main", patches, engine })), expected)
    }
    if (kind !== "all") {
      // Where a file became a symlink on one side, git moves one of them aside; without git the path stands for both.
      const wanted = expected.replaceAll(/ \S+~(?= |$)/g, "")
      note("without git", answerOf(yield* rebuildWithoutGit({ directory, onto: "main" })), wanted)
    }
    if (seed % 4 === 1 && expected.startsWith("conflict")) {
      // Keeping going gives what a rebuild of the patches that were not skipped gives.
      const kept = yield* rebuild({ repository, onto: "main", patches, keepGoing: true })
      const skipped = new Set(kept._tag === "Rebuilt" ? kept.skipped.map(({ patch }) => patch) : [])
      const others = patches.filter(({ name }) => !skipped.has(name))
      const alone = yield* rebuild({ repository, onto: "main", patches: others })
      note("keeping going", answerOf(kept), answerOf(alone))
    }
    return { differences, conflicts: expected.startsWith("conflict") }
  }).pipe(Effect.scoped)

for (let at = first; at < first + seeds; at += seedsPerTest) {
  test(
    `seeds ${at} to ${at + seedsPerTest - 1} give what cherry-pick gives`,
    withGit(() =>
      Effect.gen(function* () {
        const chosen = Array.from({ length: seedsPerTest }, (_, index) => at + index)
        const answers = yield* Effect.forEach(chosen, compare, { concurrency: 2 })
        expect(answers.flatMap(({ differences }) => differences)).toEqual([])
        // A sample that only conflicts, or never does, would show little.
        const conflicting = answers.filter(({ conflicts }) => conflicts).length
        expect(conflicting).toBeGreaterThan(0)
        expect(conflicting).toBeLessThan(seedsPerTest)
      })
    ),
    120_000
  )
}
