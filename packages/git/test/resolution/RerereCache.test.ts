/** Resolutions to and from git's own memory, shown by real rebases with `git rerere` on. */
import { expect, setDefaultTimeout, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { storeConflict } from "../../src/conflict/ConflictStore.ts"
import { openRepository } from "../../src/Repository.ts"
import { exportToRerere, importFromRerere } from "../../src/resolution/RerereCache.ts"
import { readResolutions } from "../../src/resolution/ResolutionStore.ts"
import { makeResolver } from "../../src/resolution/Resolver.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"
import { conflictIn, makeClash, rebuildClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { ada, resolutionOf, storeOne } from "./resolving.ts"

setDefaultTimeout(120_000)

/** Both only in a long run: the end-to-end test of resolving has both anyway. */
const formats = process.env["TEST_LONG"] === "1" ? (["sha1", "sha256"] as const) : (["sha1"] as const)

const merged = numbered(9, { 5: "both", 6: "same" })

/** Upstream and the patch have a line of the conflict in common, so that each way to write it gives other text. */
const setup = (objectFormat: "sha1" | "sha256") =>
  Effect.gen(function* () {
    const repo = yield* makeClash({
      objectFormat,
      patches: { clash: [{ "a.txt": numbered(9, { 5: "patch", 6: "same" }) }] },
      releases: [{ "a.txt": numbered(9, { 5: "release", 6: "same" }) }]
    })
    const repository = yield* openRepository({ directory: repo.directory })
    return { repo, repository, conflict: yield* conflictIn(repo.directory) }
  })

/** A person's rebase of the patch; gives whether it stopped. */
const rebase = (repo: TempRepo, style: string) =>
  repo
    .git(
      ...["-c", "rerere.enabled=true", "-c", "rerere.autoUpdate=true", "-c", `merge.conflictStyle=${style}`],
      ...["rebase", "--quiet", "main", "patch/clash"]
    )
    .pipe(
      Effect.as("went through"),
      Effect.catchTag("GitError", () => Effect.succeed("stopped"))
    )

for (const objectFormat of formats) {
  test(
    `a stored resolution serves rebases of a person, however git writes their conflicts (${objectFormat})`,
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup(objectFormat)
        const id = yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
        const dry = yield* exportToRerere({ repository, dryRun: true })
        expect(dry.every(({ outcome }) => outcome === "would write")).toBe(true)
        expect(yield* repo.git("rev-parse", "--git-path", "rr-cache")).toBe(".git/rr-cache")
        const exported = yield* exportToRerere({ repository })
        expect(exported.map((each) => ({ ...each, entry: "" }))).toEqual(
          exported.map(() => ({ id, path: "a.txt", entry: "", outcome: "written" }))
        )
        // Git writes this conflict in two ways: `diff3` keeps the common line inside, the others do not.
        expect(exported).toHaveLength(2)
        for (const style of ["merge", "diff3", "zdiff3"]) {
          expect(yield* rebase(repo, style)).toBe("stopped")
          expect([style, yield* repo.git("status", "--porcelain")]).toEqual([style, "M  a.txt"])
          expect(yield* repo.git("show", ":a.txt")).toBe(merged.trimEnd())
          yield* repo.git("rebase", "--abort")
        }
        expect((yield* exportToRerere({ repository })).map(({ outcome }) => outcome)).toEqual([
          "kept",
          "kept"
        ])
      })
    )
  )
}

test(
  "what a person decided in a rebase becomes a resolution, and a rebuild uses it",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, conflict } = yield* setup("sha1")
      yield* storeConflict({ repository, conflict })
      const take = { repository, author: ada }
      expect(yield* importFromRerere(take)).toEqual([])
      expect(yield* rebase(repo, "diff3")).toBe("stopped")
      // The conflict is known to git, and not decided yet.
      expect(yield* importFromRerere(take)).toEqual([])
      yield* repo.write({ "a.txt": merged })
      yield* repo.git("add", "a.txt")
      yield* repo.git("-c", "rerere.enabled=true", "rerere")
      yield* repo.git("rebase", "--abort")
      const entries = yield* Effect.promise(() => readdir(join(repo.directory, ".git", "rr-cache")))
      expect(yield* importFromRerere({ ...take, dryRun: true })).toMatchObject([{ path: "a.txt", id: null }])
      const imported = yield* importFromRerere(take)
      expect(imported).toMatchObject([{ path: "a.txt", entry: entries[0] }])
      expect(yield* importFromRerere(take)).toEqual(imported)
      const { resolutions } = yield* readResolutions({ repository })
      expect(resolutions).toMatchObject([
        { id: imported[0]?.id, resolution: { how: "hand", author: ada, note: `from rr-cache ${entries[0]}` } }
      ])
      const result = yield* rebuildClash(repo.directory, { resolver: makeResolver({ repository }) })
      if (result._tag !== "Rebuilt") return yield* Effect.dieMessage("there was a conflict")
      expect(yield* repo.git("show", `${result.tip}:a.txt`)).toBe(merged.trimEnd())
    })
  )
)
