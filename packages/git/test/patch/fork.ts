/** The fork that the tests of rebuild share, and short ways to rebuild it. */
import * as Effect from "effect/Effect"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { type RebuildOptions, rebuild } from "../../src/patch/Rebuild.ts"
import type { Rebuilt } from "../../src/patch/RebuildResult.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { numbered } from "../support.ts"

const patchesOf = (directory: string) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    return { repository, patches }
  })

/** Rebuilds the fork in the folder onto `v2`. */
export const rebuildIn = (directory: string, more: Partial<RebuildOptions> = {}) =>
  Effect.flatMap(patchesOf(directory), (found) => rebuild({ ...found, onto: "v2", ...more }))

/** The same, where a conflict is a failure of the test. */
export const rebuiltIn = (directory: string, more: Partial<RebuildOptions> = {}) =>
  Effect.flatMap(rebuildIn(directory, more), (result) =>
    result._tag === "Rebuilt"
      ? Effect.succeed<Rebuilt>(result)
      : Effect.dieMessage(`conflict: ${JSON.stringify(result.conflict)}`)
  )

/** `v1`, then `v2` on main; `patch/one` and `patch/two` on `v1`, `patch/two` with two commits. */
export const makeFork = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    yield* repo.commit("base", { "a.txt": numbered(30), "b.txt": numbered(30), "c.txt": "c\n" })
    yield* repo.git("tag", "v1")
    yield* repo.git("switch", "--quiet", "-c", "patch/two", "v1")
    yield* repo.commit("two, first part\n\nWith a body.\n", { "b.txt": numbered(30, { 3: "two" }) })
    yield* repo.commit("two, second part", { "new/file.txt": "new\n" })
    yield* repo.git("switch", "--quiet", "-c", "patch/one", "v1")
    yield* repo.commit("one", { "a.txt": numbered(30, { 3: "one" }) })
    yield* repo.git("switch", "--quiet", "main")
    yield* repo.commit("release", {
      "a.txt": numbered(30, { 25: "v2" }),
      "b.txt": numbered(30, { 25: "v2" })
    })
    yield* repo.git("tag", "-a", "-m", "release", "v2")
    return repo
  })
