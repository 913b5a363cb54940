/** A fork whose patch disagrees with upstream, for the tests of conflicts and of their resolutions. */
import * as Effect from "effect/Effect"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { type RebuildOptions, rebuild } from "../../src/patch/Rebuild.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile } from "../../src/testing/TempRepo.ts"
import { numbered } from "../support.ts"

export type Files = Readonly<Record<string, TempFile>>

export interface ClashOptions {
  readonly objectFormat?: "sha1" | "sha256"
  readonly base?: Files
  /** Patches by name, each a list of commits on the base. */
  readonly patches?: Readonly<Record<string, ReadonlyArray<Files>>>
  /** What the patches' messages say that they are for. */
  readonly purpose?: string
  /** Upstream's commits since the base. */
  readonly releases?: ReadonlyArray<Files>
}

/** `v1`, patch branches on it, and `main` with what upstream did. By default `patch/clash` disagrees about line 5 of a.txt. */
export const makeClash = (options: ClashOptions = {}) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat: options.objectFormat ?? "sha1" })
    yield* repo.commit("base", options.base ?? { "a.txt": numbered(9), "b.txt": numbered(9) })
    yield* repo.git("tag", "v1")
    const trailer = options.purpose === undefined ? "" : `\nPatchmoi-Purpose: ${options.purpose}\n`
    const patches = options.patches ?? { clash: [{ "a.txt": numbered(9, { 5: "patch" }) }] }
    for (const [name, commits] of Object.entries(patches)) {
      yield* repo.git("switch", "--quiet", "-c", `patch/${name}`, "v1")
      for (const [at, files] of commits.entries()) {
        yield* repo.commit(`${name} ${at + 1}\n\nWhy ${name} is carried.\n${trailer}`, files)
      }
    }
    yield* repo.git("switch", "--quiet", "main")
    for (const [at, files] of (options.releases ?? [{ "a.txt": numbered(9, { 5: "release" }) }]).entries()) {
      yield* repo.commit(`release ${at + 1}`, files)
    }
    return repo
  })

/** Rebuilds the fork in the folder onto `main`. */
export const rebuildClash = (directory: string, more: Partial<RebuildOptions> = {}) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    return yield* rebuild({ repository, onto: "main", patches, ...more })
  })

/** The conflict that the rebuild ends in. */
export const conflictIn = (directory: string, more: Partial<RebuildOptions> = {}) =>
  Effect.gen(function* () {
    const result = yield* rebuildClash(directory, more)
    if (result._tag !== "Conflicted") return yield* Effect.dieMessage("there was no conflict")
    return result.conflict
  })
