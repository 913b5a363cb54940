/** A rebuild that keeps going, one that asks for earlier resolutions, one that is told what upstream holds, and trailers. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { textOf } from "../../src/Git.ts"
import { ObjectId, parseObjectId } from "../../src/GitName.ts"
import type { LandedVerdict } from "../../src/landed/LandedVerdict.ts"
import type { ConflictResolver, ResolverQuestion } from "../../src/patch/ConflictResolver.ts"
import { RebuildResult } from "../../src/patch/RebuildResult.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"
import { makeFork, rebuildIn, rebuiltIn } from "./fork.ts"

/** A fork whose patches are given as changes of files, each on `v1` or on the patch that it names. */
const makeStack = (options: {
  readonly base: Readonly<Record<string, TempFile>>
  readonly release: Readonly<Record<string, TempFile>>
  readonly patches: Readonly<
    Record<
      string,
      { readonly on?: string; readonly commits: ReadonlyArray<Readonly<Record<string, TempFile>>> }
    >
  >
}) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    yield* repo.commit("base", options.base)
    yield* repo.git("tag", "v1")
    for (const [name, { on, commits }] of Object.entries(options.patches)) {
      yield* repo.git("switch", "--quiet", "-c", `patch/${name}`, on === undefined ? "v1" : `patch/${on}`)
      for (const files of commits) yield* repo.commit(`${name}\n\nWhy.\n`, files)
    }
    yield* repo.git("switch", "--quiet", "main")
    yield* repo.commit("release", options.release)
    yield* repo.git("tag", "v2")
    return repo
  })

const conflicting = {
  base: { "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", "d/e.txt": "e\n" },
  release: { "a.txt": "upstream\n" },
  patches: {
    "1-clean": { commits: [{ "b.txt": "one\n" }] },
    "2-conflict": { commits: [{ "new.txt": "n\n", "d/e.txt": "two\n" }, { "a.txt": "two\n" }] },
    "3-same-path": { commits: [{ "d/e.txt": "three\n" }] },
    "4-below-a-file": { commits: [{ "new.txt/x": "four\n" }] },
    "5-on-two": { on: "2-conflict", commits: [{ "other.txt": "five\n" }] },
    "6-after-five": { commits: [{ "other.txt": "six\n" }] },
    "7-clean": { commits: [{ "c.txt": "seven\n" }] }
  }
} as const

const namesOf = (list: ReadonlyArray<{ readonly patch: string }>) => list.map(({ patch }) => patch)

describe("keepGoing", () => {
  test(
    "leaves out what conflicts and what depends on it, carries the rest, and lists both",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack(conflicting)
        const refs = [{ ref: "refs/heads/candidate/v2", expected: null }]
        const stopped = yield* rebuildIn(repo.directory, { refs })
        expect(stopped._tag).toBe("Conflicted")
        const result = yield* rebuiltIn(repo.directory, { keepGoing: true, refs })
        expect(namesOf(result.applied)).toEqual(["patch/1-clean", "patch/7-clean"])
        expect(result.skipped).toMatchObject([
          { patch: "patch/2-conflict", reason: "conflict", conflict: { files: [{ path: "a.txt" }] } },
          { patch: "patch/3-same-path", reason: "depends", on: "patch/2-conflict", paths: ["d/e.txt"] },
          { patch: "patch/4-below-a-file", reason: "depends", on: "patch/2-conflict", paths: ["new.txt/x"] },
          { patch: "patch/5-on-two", reason: "depends", on: "patch/2-conflict", paths: [] },
          { patch: "patch/6-after-five", reason: "depends", on: "patch/5-on-two", paths: ["other.txt"] }
        ])
        expect(yield* repo.git("rev-parse", "candidate/v2")).toBe(result.tip)
        expect(yield* repo.git("ls-tree", "-r", "--name-only", result.tip)).toBe(
          "a.txt\nb.txt\nc.txt\nd/e.txt"
        )
        expect(yield* Schema.decodeUnknown(RebuildResult)(JSON.parse(JSON.stringify(result)))).toEqual(result)
        for (const { patch } of result.skipped) yield* repo.git("branch", "-D", patch)
        expect((yield* rebuiltIn(repo.directory)).tip).toBe(result.tip)
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      })
    )
  )

  test(
    "changes nothing where nothing conflicts",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const plain = yield* rebuiltIn(repo.directory)
        expect(yield* rebuiltIn(repo.directory, { keepGoing: true })).toEqual(plain)
      })
    )
  )
})

describe("landed", () => {
  const verdictOf = (repo: TempRepo, patch: string, verdict: LandedVerdict["verdict"]) =>
    Effect.gen(function* () {
      const tip = yield* parseObjectId(yield* repo.git("rev-parse", patch))
      const evidence = [{ kind: "patch-id", commit: tip, upstream: tip, detail: "the same change" }] as const
      return { patch, tip, verdict, evidence } satisfies LandedVerdict
    })

  test(
    "leaves a landed patch out with its evidence, and carries one that landed in another form",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const one = yield* verdictOf(repo, "patch/one", "landed-identical")
        const two = yield* verdictOf(repo, "patch/two", "landed-modified")
        const landed = new Map([one, two].map((verdict) => [verdict.patch, verdict]))
        const result = yield* rebuiltIn(repo.directory, { landed })
        expect(result.dropped).toEqual([
          { patch: "patch/one", tip: one.tip, reason: "landed-identical", empty: [], evidence: one.evidence }
        ])
        expect(namesOf(result.applied)).toEqual(["patch/two"])
        const stale = new Map([["patch/one", { ...one, tip: two.tip }]])
        expect((yield* rebuiltIn(repo.directory, { landed: stale })).dropped).toEqual([])
      })
    )
  )
})

describe("resolver", () => {
  const sides = {
    base: { "dir/a.txt": "a\n", "gone.txt": "g\n", "x.txt": "x\n" },
    release: { "dir/a.txt": "upstream\n", "gone.txt": "changed\n" },
    patches: { one: { commits: [{ "dir/a.txt": "patch\n", "gone.txt": null }] } }
  }

  test(
    "puts its answer into the commit, and the commit says so",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack(sides)
        const asked: Array<ResolverQuestion> = []
        const resolver: ConflictResolver = {
          resolve: (given) =>
            Effect.gen(function* () {
              asked.push(given)
              const blob = yield* given.write(Buffer.from("both\n"))
              return {
                files: [
                  { path: "dir/a.txt", blob, mode: "100755", resolution: "r1" },
                  { path: "gone.txt", blob: null, mode: "100644", resolution: "r2" }
                ]
              }
            })
        }
        const result = yield* rebuiltIn(repo.directory, { resolver })
        expect(asked).toMatchObject([
          {
            patch: "patch/one",
            files: [{ path: "dir/a.txt" }, { path: "gone.txt", theirs: null }]
          }
        ])
        expect(result.applied[0]?.commits[0]?.resolved).toEqual([
          { path: "dir/a.txt", resolution: "r1" },
          { path: "gone.txt", resolution: "r2" }
        ])
        expect(yield* repo.git("ls-tree", "-r", "--format=%(objectmode) %(path)", result.tip)).toBe(
          "100755 dir/a.txt\n100644 x.txt"
        )
        expect(yield* repo.git("show", `${result.tip}:dir/a.txt`)).toBe("both")
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        expect(yield* Schema.decodeUnknown(RebuildResult)(JSON.parse(JSON.stringify(result)))).toEqual(result)
      })
    )
  )

  test(
    "leaves the conflict as it is when the answer is none, not whole, or not usable",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack(sides)
        const absent = yield* Schema.decodeUnknown(ObjectId)("0123456789".repeat(4))
        const entry = (path: string, blob: ObjectId | null, mode = "100644") => ({
          path,
          blob,
          mode,
          resolution: "r"
        })
        const tree = yield* parseObjectId(yield* repo.git("rev-parse", "v1^{tree}"))
        const plain = yield* rebuildIn(repo.directory)
        for (const files of [
          null,
          [],
          [entry("gone.txt", null)],
          [entry("gone.txt", null), entry("gone.txt", null)],
          [entry("gone.txt", null), entry("dir/a.txt", absent)],
          [entry("gone.txt", null), entry("dir/a.txt", tree)],
          [entry("gone.txt", null), entry("dir/a.txt", tree, "40000")],
          [entry("gone.txt", null), entry("dir/a.txt", null), entry("../x", null)]
        ]) {
          const resolver: ConflictResolver = {
            resolve: () => Effect.succeed(files === null ? null : { files })
          }
          expect(yield* rebuildIn(repo.directory, { resolver })).toEqual(plain)
        }
      })
    )
  )

  test(
    "is not asked about paths that are not UTF-8",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        const commitWith = (text: string, parent: string | null) =>
          Effect.gen(function* () {
            const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: text })
            const line = Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), Buffer.from([0xff, 0xfe, 0])])
            const tree = yield* repo.run({ args: ["mktree", "-z"], stdin: line })
            return yield* repo.git(
              "commit-tree",
              "-m",
              text,
              ...(parent === null ? [] : ["-p", parent]),
              tree
            )
          })
        const base = yield* commitWith("base\n", null)
        yield* repo.git("update-ref", "refs/heads/patch/one", yield* commitWith("patch\n", base))
        yield* repo.git("update-ref", "refs/tags/v2", yield* commitWith("release\n", base))
        const resolver: ConflictResolver = { resolve: () => Effect.dieMessage("asked") }
        const result = yield* rebuildIn(repo.directory, { resolver, keepGoing: true })
        expect(result).toMatchObject({ _tag: "Rebuilt", skipped: [{ reason: "conflict" }] })
      })
    )
  )
})

describe("trailers", () => {
  const messageOf = (repo: TempRepo, commit: string) =>
    Effect.map(repo.git("cat-file", "commit", commit), (text) => text.slice(text.indexOf("\n\n") + 2))

  test(
    "name the patch and the event, replace those of an earlier rebuild, and give the same ids again",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const trailers = { patch: true, event: "evt-1" }
        const first = yield* rebuiltIn(repo.directory, { trailers })
        expect(yield* rebuiltIn(repo.directory, { trailers })).toEqual(first)
        expect(yield* messageOf(repo, first.tip)).toBe(
          "two, second part\n\nPatchmoi-Patch: patch/two\nPatchmoi-Event: evt-1"
        )
        yield* repo.git("update-ref", "refs/heads/patch/two", first.tip)
        const again = yield* rebuiltIn(repo.directory, { trailers })
        expect(again.tip).toBe(first.tip)
        const later = yield* rebuiltIn(repo.directory, { trailers: { patch: true, event: "evt-2" } })
        expect(yield* messageOf(repo, later.tip)).toBe(
          "two, second part\n\nPatchmoi-Patch: patch/two\nPatchmoi-Event: evt-2"
        )
        for (const event of ["", " x", "x\nSigned-off-by: somebody", "x".repeat(1025)]) {
          const error = yield* rebuildIn(repo.directory, { trailers: { patch: false, event } }).pipe(
            Effect.flip
          )
          expect(error).toMatchObject({ _tag: "InvalidTrailer", key: "Patchmoi-Event" })
        }
      })
    )
  )

  test(
    "stand where git interpret-trailers puts them",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const { withTrailers } = yield* Effect.promise(() => import("../../src/internal/trailers.ts"))
        const added = [
          { key: "Patchmoi-Patch", value: "patch/größe" },
          { key: "Patchmoi-Event", value: "evt-1" }
        ]
        const args = added.map(({ key, value }) => `--trailer=${key}: ${value}`)
        for (const message of [
          "title\n",
          "title: like a trailer\n",
          "title\n\nbody\n",
          "title\n\nSigned-off-by: A <a@example.com>\n",
          "title\n\nbody\n\nReviewed-by: B\nPatchmoi-Event: old\n",
          "title\n\nbody\n\nPatchmoi-Patch: old\nFixes: #1\n",
          "title\n\nnot: a block\nbecause of this\n",
          "title\n\nReviewed-by: somebody\n  with a second line\n",
          "title\n\none\ntwo\nSigned-off-by: C <c@example.com>\n",
          "title\n\none\ntwo\nthree\nfour\nSigned-off-by: C <c@example.com>\n",
          "title\n\nbody\n\n---\nnot a divider\n"
        ]) {
          const expected = yield* repo.run({
            args: ["interpret-trailers", "--no-divider", "--if-exists=replace", ...args],
            stdin: message
          })
          const given = withTrailers(Buffer.from(message), added)
          // Git puts a replaced trailer where the old one stood, ours come last: compared as sets of lines.
          const sorted = (text: string) => text.trimEnd().split("\n").sort().join("\n")
          expect(sorted(textOf(given))).toBe(sorted(expected))
          expect(withTrailers(given, added).equals(given)).toBe(true)
          const parse = { args: ["interpret-trailers", "--parse", "--no-divider"], stdin: given }
          expect(yield* repo.run(parse)).toEndWith(
            added.map(({ key, value }) => `${key}: ${value}`).join("\n")
          )
        }
      })
    )
  )
})
