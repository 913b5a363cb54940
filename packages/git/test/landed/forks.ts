/** Small forks whose upstream did one thing with a patch, for the tests of what landed. */
import { test } from "bun:test"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Git } from "../../src/Git.ts"
import { parseRef } from "../../src/GitName.ts"
import { type FindLandedOptions, findLanded } from "../../src/landed/findLanded.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"

export const landedIn = (repo: TempRepo, more: Partial<FindLandedOptions> = {}) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory: repo.directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    return yield* findLanded({ repository, patches, onto: "main", ...more })
  })

/** `v1` with `a.txt`, `b.txt` and `c.bin`, and nothing else. */
export const makeBase = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  yield* repo.commit("base", {
    "a.txt": numbered(40),
    "b.txt": numbered(40),
    "c.bin": new Uint8Array([0, 1, 2])
  })
  yield* repo.git("tag", "v1")
  return repo
})

/** Puts commits on a branch from `v1`; `main` is checked out afterwards. */
export const patchOf = (
  repo: TempRepo,
  name: string,
  commits: ReadonlyArray<readonly [message: string, files: Readonly<Record<string, TempFile>>]>,
  from = "v1"
) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "-c", `patch/${name}`, from)
    const made = yield* Effect.forEach(commits, ([message, files]) => repo.commit(message, files))
    yield* repo.git("switch", "--quiet", "main")
    return made
  })

export const scenario = <E>(
  name: string,
  given: (repo: TempRepo) => Effect.Effect<void, E, Git | Scope.Scope>
) =>
  test(
    name,
    withGit(() => Effect.flatMap(makeBase, given))
  )

/** The one change that most patches here are. */
export const changeThree = ["change three", { "a.txt": numbered(40, { 3: "three" }) }] as const
