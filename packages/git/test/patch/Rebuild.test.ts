import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"

const lines = (count: number, change: Readonly<Record<number, string>> = {}) =>
  Array.from({ length: count }, (_, at) => `${change[at + 1] ?? `line ${at + 1}`}\n`).join("")

describe("rebuild", () => {
  test(
    "carries two patches onto a new release",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        const base = yield* repo.commit("base", { "a.txt": lines(30), "b.txt": lines(30) })
        yield* repo.git("switch", "-c", "patch/one")
        yield* repo.commit("one", { "a.txt": lines(30, { 3: "patched" }) })
        yield* repo.git("switch", "-c", "patch/two", base)
        yield* repo.commit("two", { "b.txt": lines(30, { 3: "patched" }) })
        yield* repo.git("switch", "main")
        yield* repo.commit("release", {
          "a.txt": lines(30, { 25: "new" }),
          "b.txt": lines(30, { 25: "new" })
        })
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        for (const engine of ["stream", "process"] as const) {
          const result = yield* rebuild({ repository, onto: "main", patches, engine })
          if (result._tag !== "Rebuilt") throw new Error(JSON.stringify(result))
          expect(yield* repo.git("show", `${result.tip}:a.txt`)).toBe(
            lines(30, { 3: "patched", 25: "new" }).trimEnd()
          )
        }
      })
    )
  )
})
