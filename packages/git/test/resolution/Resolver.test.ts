/** Stored resolutions in a rebuild: used and labelled where the three versions are the same, and never elsewhere. */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { openRepository } from "../../src/Repository.ts"
import { storeResolutions } from "../../src/resolution/ResolutionStore.ts"
import { heldBack, makeResolver, reusedResolutions } from "../../src/resolution/Resolver.ts"
import { type ClashOptions, conflictIn, makeClash, rebuildClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { resolutionOf, storeOne } from "./resolving.ts"

// Real git on a busy machine; the helper sets this for the file that loads it first only.
setDefaultTimeout(60_000)

/** Both only in a long run: the end-to-end test of resolving has both anyway. */
const formats = process.env["TEST_LONG"] === "1" ? (["sha1", "sha256"] as const) : (["sha1"] as const)

const setup = (options: ClashOptions = {}) =>
  Effect.gen(function* () {
    const repo = yield* makeClash(options)
    const repository = yield* openRepository({ directory: repo.directory })
    return { repo, repository, conflict: yield* conflictIn(repo.directory) }
  })

const merged = numbered(9, { 5: "both" })

describe("reuse", () => {
  for (const objectFormat of formats) {
    test(
      `the same three versions are resolved and labelled (${objectFormat})`,
      withGit(() =>
        Effect.gen(function* () {
          const { repo, repository, conflict } = yield* setup({ objectFormat })
          const id = yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
          const resolver = makeResolver({ repository })
          const result = yield* rebuildClash(repo.directory, { resolver })
          if (result._tag !== "Rebuilt") return yield* Effect.dieMessage("there was a conflict")
          expect(yield* repo.git("show", `${result.tip}:a.txt`)).toBe(merged.trimEnd())
          expect(result.applied[0]?.commits[0]?.resolved).toEqual([{ path: "a.txt", resolution: id }])
          const uses = [{ patch: "patch/clash", commit: conflict.commit, path: "a.txt", resolution: id }]
          expect<unknown>(reusedResolutions(result)).toEqual(uses)
          expect<unknown>(heldBack(result, { reuse: "label", push: false })).toEqual(uses)
          expect(heldBack(result, { reuse: "label", push: true })).toEqual([])
          // Without a resolver the conflict names what is known about it.
          expect((yield* conflictIn(repo.directory)).files[0]?.resolutions).toEqual([id])
        })
      )
    )
  }

  test(
    "policy never: not used, except those that are asked for by id",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup()
        const id = yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
        const policy = { reuse: "never", push: false } as const
        const tagOf = (only?: ReadonlySet<string>) =>
          Effect.map(
            rebuildClash(repo.directory, {
              resolver: makeResolver({ repository, policy, ...(only === undefined ? {} : { only }) })
            }),
            ({ _tag }) => _tag
          )
        expect(yield* tagOf()).toBe("Conflicted")
        expect(yield* tagOf(new Set())).toBe("Conflicted")
        expect(yield* tagOf(new Set([id]))).toBe("Rebuilt")
      })
    )
  )

  test(
    "another version on any side is another conflict",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup()
        yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
        yield* repo.commit("once more", { "a.txt": numbered(9, { 5: "release", 1: "top" }) })
        const resolver = makeResolver({ repository })
        expect((yield* rebuildClash(repo.directory, { resolver }))._tag).toBe("Conflicted")
      })
    )
  )

  test(
    "a file that moved with the same versions is the same conflict; a deleted one only at its place",
    withGit(() =>
      Effect.gen(function* () {
        const texts = { base: numbered(9), patch: numbered(9, { 5: "p" }), release: numbered(9, { 5: "r" }) }
        const { repo, repository, conflict } = yield* setup({
          base: { "a.txt": texts.base, "b.txt": texts.base, "gone.txt": "x\n", "lost.txt": "x\n" },
          patches: { one: [{ "a.txt": texts.patch }], two: [{ "gone.txt": "y\n" }] },
          releases: [{ "a.txt": texts.release, "gone.txt": null, "lost.txt": null }]
        })
        yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
        const resolver = makeResolver({ repository })
        const second = yield* conflictIn(repo.directory, { resolver })
        expect(second.patch).toBe("patch/two")
        yield* storeOne(repository, yield* resolutionOf(repo, second, null))
        expect((yield* rebuildClash(repo.directory, { resolver }))._tag).toBe("Rebuilt")
        yield* repo.git("switch", "--quiet", "-c", "patch/three", "v1")
        yield* repo.commit("three", { "b.txt": texts.patch })
        yield* repo.git("switch", "--quiet", "main")
        yield* repo.commit("b too", { "b.txt": texts.release })
        const moved = yield* rebuildClash(repo.directory, { resolver })
        expect(reusedResolutions(moved).map(({ path }) => path)).toContain("b.txt")
        yield* repo.git("switch", "--quiet", "-c", "patch/x", "v1")
        yield* repo.commit("x", { "lost.txt": "y\n" })
        yield* repo.git("switch", "--quiet", "main")
        expect(yield* rebuildClash(repo.directory, { resolver })).toMatchObject({
          _tag: "Conflicted",
          conflict: { patch: "patch/x" }
        })
      })
    )
  )

  test(
    "all files of a commit, or none; a rename is answered path by path",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup({
          base: { "old.txt": numbered(40), "a.txt": numbered(9) },
          patches: {
            clash: [{ "old.txt": null, "patch.txt": numbered(40), "a.txt": numbered(9, { 5: "patch" }) }]
          },
          releases: [{ "old.txt": null, "release.txt": numbered(40), "a.txt": numbered(9, { 5: "release" }) }]
        })
        expect(conflict.files.map(({ path }) => path)).toEqual([
          "a.txt",
          "old.txt",
          "patch.txt",
          "release.txt"
        ])
        const resolver = makeResolver({ repository })
        const answers = [merged, null, null, numbered(40)]
        for (const [at, text] of answers.entries()) {
          expect((yield* rebuildClash(repo.directory, { resolver }))._tag).toBe("Conflicted")
          yield* storeOne(repository, yield* resolutionOf(repo, conflict, text, { at }))
        }
        const result = yield* rebuildClash(repo.directory, { resolver })
        if (result._tag !== "Rebuilt") return yield* Effect.dieMessage("there was a conflict")
        expect(yield* repo.git("ls-tree", "--name-only", result.tip)).toBe("a.txt\nrelease.txt")
      })
    )
  )

  test(
    "of several resolutions the newest one holds",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup()
        const texts = ["first\n", "third\n", "second\n"]
        const dates = [1_000, 3_000, 2_000]
        const resolutions = yield* Effect.forEach(texts, (text, at) =>
          resolutionOf(repo, conflict, text, { date: dates[at] ?? 0 })
        )
        const ids = yield* storeResolutions({ repository, resolutions })
        const result = yield* rebuildClash(repo.directory, { resolver: makeResolver({ repository }) })
        expect<string | undefined>(reusedResolutions(result)[0]?.resolution).toBe(ids[1])
        expect<unknown>((yield* conflictIn(repo.directory)).files[0]?.resolutions).toEqual([
          ids[1],
          ids[2],
          ids[0]
        ])
      })
    )
  )
})
