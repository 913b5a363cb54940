/**
 * Goal: a patch is called identical exactly when git calls each of its commits equal. Method: generated stacks, of which
 * upstream picks some commits among changes of its own, and `git cherry` asked about each patch. 2 seeds by default,
 * 100 with TEST_LONG=1.
 */
import { expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import { parseRef } from "../../src/GitName.ts"
import { findLanded } from "../../src/landed/findLanded.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"

const seeds = process.env["TEST_LONG"] === "1" ? 100 : 2

/** Numbers from a seed (mulberry32), so that a failing history can be made again. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof randomOf>
type Files = Record<string, Record<number, string>>

const change = (random: Random, files: Files, word: string): void => {
  const path = `${"abcd"[random(4)]}.txt`
  files[path] = { ...files[path], [1 + random(60)]: `${word} ${random(1000)}` }
}

const textsOf = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([path, lines]) => [path, numbered(60, lines)]))

const makeHistory = (random: Random) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    const base: Files = { "a.txt": {}, "b.txt": {}, "c.txt": {}, "d.txt": {} }
    yield* repo.commit("base", textsOf(base))
    yield* repo.git("tag", "v1")
    const commits: Array<string> = []
    for (let patch = 0; patch < 6; patch++) {
      const stacked = patch > 0 && random(3) === 0
      yield* repo.git("switch", "--quiet", "-c", `patch/${patch}`, stacked ? `patch/${patch - 1}` : "v1")
      const files = structuredClone(base)
      for (let count = 1 + random(3); count > 0; count--) {
        // A stacked patch must not write over what the one below changed, so it gets a file of its own.
        if (stacked)
          files[`own${patch}.txt`] = { ...files[`own${patch}.txt`], [1 + random(60)]: `own ${count}` }
        else change(random, files, `patch ${patch}`)
        const written = stacked ? { [`own${patch}.txt`]: files[`own${patch}.txt`] ?? {} } : files
        commits.push(yield* repo.commit(`patch ${patch} part ${count}`, textsOf(written)))
      }
    }
    yield* repo.git("switch", "--quiet", "main")
    for (let step = 0; step < 10; step++) yield* upstreamStep(repo, random, commits)
    return repo
  })

/** Upstream changes something of its own, or picks a commit where that is clean. */
const upstreamStep = (repo: TempRepo, random: Random, commits: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const commit = commits[random(commits.length)]
    if (random(2) === 0 || commit === undefined) {
      const files: Files = {}
      change(random, files, "upstream")
      yield* repo.commit(
        "upstream",
        random(2) === 0 ? { "own-upstream.txt": `${random(1000)}\n` } : textsOf(files)
      )
      return
    }
    const picked = yield* Effect.either(repo.git("cherry-pick", "--allow-empty", commit))
    if (picked._tag === "Left") yield* Effect.either(repo.git("cherry-pick", "--abort"))
  })

const isTogether = (detail: string): boolean => detail.includes("commits together")

for (let seed = 1; seed <= seeds; seed++) {
  test(
    `seed ${seed}`,
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeHistory(randomOf(seed))
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        const found = yield* findLanded({ repository, patches, onto: "main" })
        for (const { name } of patches) {
          const below = Number(name.slice("patch/".length)) - 1
          const isStacked =
            below >= 0 &&
            (yield* repo.git("merge-base", name, `patch/${below}`)) !== (yield* repo.git("rev-parse", "v1"))
          const lines = yield* repo.git("cherry", "main", name, isStacked ? `patch/${below}` : "v1")
          const isEqual = lines.split("\n").every((line) => line.startsWith("- ") || line === "")
          const verdict = found.get(name)
          if (verdict?.evidence.some(({ detail }) => isTogether(detail))) continue
          expect({ seed, name, isIdentical: verdict?.verdict === "landed-identical" }).toEqual({
            seed,
            name,
            isIdentical: isEqual
          })
        }
      })
    )
  )
}
