/** Forks of a package with a manifest, and a short way to see that a conflict stays as git reports it. */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import type { RebuildOptions } from "../../src/patch/Rebuild.ts"
import { makeTempRepo, type TempFile } from "../../src/testing/TempRepo.ts"
import { rebuildIn } from "./fork.ts"

export type Files = Readonly<Record<string, TempFile>>

export const manifest = (name: string, version: string, ...more: ReadonlyArray<string>): string =>
  `${["{", `  "name": "${name}",`, `  "version": "${version}",`, ...more, '  "type": "module"', "}"].join("\n")}\n`

export const upstream1 = manifest("up", "1.0.0")
export const upstream2 = manifest("up", "2.0.0")
export const fork1 = manifest("@fork/up", "1.0.0")
export const fork2 = manifest("@fork/up", "2.0.0")

/** A fork with the one patch `patch/name` on `v1`, and `v2` on main. */
export const makeManifestFork = (
  given: { readonly base: Files; readonly ours: Files; readonly theirs: Files },
  objectFormat: "sha1" | "sha256" = "sha1"
) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    yield* repo.commit("base", given.base)
    yield* repo.git("tag", "v1")
    yield* repo.git("switch", "--quiet", "-c", "patch/name", "v1")
    yield* repo.commit("Publish as the fork", given.theirs)
    yield* repo.git("switch", "--quiet", "main")
    yield* repo.commit("release", given.ours)
    yield* repo.git("tag", "v2")
    return repo
  })

export const renameBesideBump = {
  base: { "package.json": upstream1 },
  ours: { "package.json": upstream2 },
  theirs: { "package.json": fork1 }
}

/** The conflict record, which must be the one that is given with the merge by values switched off. */
export const conflictAsBefore = (directory: string, more: Partial<RebuildOptions> = {}) =>
  Effect.gen(function* () {
    const result = yield* rebuildIn(directory, more)
    const before = yield* rebuildIn(directory, { structuredFiles: [] })
    if (before._tag !== "Conflicted") return yield* Effect.dieMessage("git merges these files itself")
    expect(result).toEqual(before)
    return before.conflict
  })
