/** One test per kind of conflict: what each side has, what git's markers say, and that nothing is left behind. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { type RebuildOptions, rebuild } from "../../src/patch/Rebuild.ts"
import { Conflicted } from "../../src/patch/RebuildResult.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"

type Files = Readonly<Record<string, TempFile>>

/** Two patches around a conflicting one, so that what is before and after it shows. */
const conflictOf = (
  files: { readonly base: Files; readonly patch: Files; readonly release: Files },
  more: Partial<RebuildOptions> = {}
) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    yield* repo.commit("base", { "keep.txt": "keep\n", ...files.base })
    yield* repo.git("tag", "v1")
    for (const [name, changes] of [
      ["patch/a-fine", { "fine.txt": "fine\n" }],
      ["patch/b-bad", files.patch],
      ["patch/c-never", { "never.txt": "never\n" }]
    ] as const) {
      yield* repo.git("switch", "--quiet", "-c", name, "v1")
      yield* repo.commit(`subject of ${name}`, changes)
    }
    yield* repo.git("switch", "--quiet", "main")
    yield* repo.commit("release", files.release)
    const before = yield* repo.git("for-each-ref")
    const objects = yield* repo.git("count-objects", "-v")
    const repository = yield* openRepository({ directory: repo.directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const refs = [{ ref: "refs/heads/candidate/v2", expected: null }]
    const results = []
    for (const engine of ["stream", "process"] as const) {
      results.push(yield* rebuild({ repository, onto: "main", patches, refs, engine, ...more }))
    }
    const [streamed, separate] = results
    expect(streamed).toEqual(separate)
    if (streamed?._tag !== "Conflicted") return yield* Effect.dieMessage("there was no conflict")
    expect(yield* repo.git("for-each-ref")).toBe(before)
    expect(yield* repo.git("count-objects", "-v")).toBe(objects)
    expect(streamed.applied.map((patch) => patch.patch)).toEqual(["patch/a-fine"])
    expect(streamed.remaining).toEqual(["patch/c-never"])
    expect(streamed.conflict.patch).toBe("patch/b-bad")
    expect(streamed.conflict.subject).toBe("subject of patch/b-bad")
    expect(streamed.conflict.commit.toString()).toBe(yield* repo.git("rev-parse", "patch/b-bad"))
    expect(yield* Schema.decodeUnknown(Conflicted)(JSON.parse(JSON.stringify(streamed)))).toEqual(streamed)
    return { repo, conflict: streamed.conflict }
  })

const sidesOf = (file: { base: unknown; ours: unknown; theirs: unknown } | undefined) =>
  [file?.base, file?.ours, file?.theirs].map((side) => side !== null)

describe("conflict", () => {
  test(
    "content: blob ids of the three sides and zdiff3 markers that name real commits",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, conflict } = yield* conflictOf({
          base: { "a.txt": numbered(9) },
          patch: { "a.txt": numbered(9, { 5: "patch" }) },
          release: { "a.txt": numbered(9, { 5: "release" }) }
        })
        const [file] = conflict.files
        expect(file).toMatchObject({ path: "a.txt", pathBase64: null, kind: "content", truncated: false })
        expect(yield* repo.git("cat-file", "blob", file?.base?.oid ?? "")).toBe(numbered(9).trimEnd())
        expect(file?.theirs?.oid.toString()).toBe(yield* repo.git("rev-parse", "patch/b-bad:a.txt"))
        expect(file?.ours?.oid.toString()).toBe(yield* repo.git("rev-parse", "main:a.txt"))
        const base = yield* repo.git("rev-parse", "v1")
        expect(file?.markedText).toContain(`>>>>>>> ${conflict.commit}\n`)
        expect(file?.markedText).toContain(`||||||| ${base.slice(0, 7)}`)
        expect(file?.markedText).toContain("release\n")
        expect(conflict.messages).toEqual(["CONFLICT (content): Merge conflict in a.txt"])
      })
    )
  )

  test(
    "add/add, and mode where only the modes differ",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: {},
          patch: { "n.txt": "patch\n", run: "#!\n" },
          release: { "n.txt": "release\n", run: { content: "#!\n", executable: true } }
        })
        expect(conflict.files.map((file) => [file.path, file.kind, sidesOf(file)])).toEqual([
          ["n.txt", "add/add", [false, true, true]],
          ["run", "mode", [false, true, true]]
        ])
        expect(conflict.files[1]?.ours?.mode).toBe("100755")
        expect(conflict.files[1]?.theirs?.mode).toBe("100644")
      })
    )
  )

  test(
    "mode, where one side makes a symlink of a file",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: { x: numbered(9) },
          patch: { x: { symlink: "keep.txt" } },
          release: { x: numbered(9, { 2: "release" }) }
        })
        expect(conflict.files.every((file) => file.kind === "mode")).toBe(true)
        expect(conflict.files.map((file) => file.theirs?.mode)).toContain("120000")
      })
    )
  )

  test(
    "modify/delete in both directions",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: { "gone.txt": numbered(9), "kept.txt": numbered(20) },
          patch: { "gone.txt": numbered(9, { 2: "patch" }), "kept.txt": null },
          release: { "gone.txt": null, "kept.txt": numbered(20, { 2: "release" }) }
        })
        expect(conflict.files.map((file) => [file.path, file.kind, sidesOf(file)])).toEqual([
          ["gone.txt", "modify/delete", [true, false, true]],
          ["kept.txt", "modify/delete", [true, true, false]]
        ])
      })
    )
  )

  test(
    "rename: both sides rename one file differently",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: { "old.txt": numbered(40) },
          patch: { "old.txt": null, "patch.txt": numbered(40) },
          release: { "old.txt": null, "release.txt": numbered(40) }
        })
        expect(conflict.files.length).toBe(3)
        expect(conflict.files.every((file) => file.kind === "rename")).toBe(true)
      })
    )
  )

  test(
    "rename: a folder that went two ways, with no file in conflict",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: { "dir/a.txt": numbered(20), "dir/b.txt": numbered(30) },
          patch: { "dir/new.txt": "new\n" },
          release: { "dir/a.txt": null, "dir/b.txt": null, "x/a.txt": numbered(20), "y/b.txt": numbered(30) }
        })
        expect(conflict.files).toMatchObject([
          { path: "dir", kind: "rename", base: null, ours: null, theirs: null }
        ])
        expect(conflict.messages[0]).toContain("Unclear where to rename dir to")
      })
    )
  )

  test(
    "binary: no marked text",
    withGit(() =>
      Effect.gen(function* () {
        const bytes = (last: number) => new Uint8Array([0, 1, 2, 0, 255, last])
        const { conflict } = yield* conflictOf({
          base: { "logo.bin": bytes(1) },
          patch: { "logo.bin": bytes(2) },
          release: { "logo.bin": bytes(3) }
        })
        expect(conflict.files[0]).toMatchObject({ path: "logo.bin", kind: "binary", markedText: null })
      })
    )
  )

  test(
    "file/directory: one side makes a folder where the other has a file",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf({
          base: {},
          patch: { thing: "a file\n" },
          release: { "thing/inside.txt": "a folder\n" }
        })
        expect(conflict.files[0]?.kind).toBe("file/directory")
      })
    )
  )

  test(
    "a path that is not UTF-8 keeps its bytes",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        const commitWith = (text: string, ...parents: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: text })
            const entry = Buffer.concat([Buffer.from(`100644 blob ${blob}\tcaf`), Buffer.from([0xe9, 10, 0])])
            const tree = yield* repo.run({ args: ["mktree", "-z"], stdin: entry })
            const parentArgs = parents.flatMap((parent) => ["-p", parent])
            return yield* repo.run({ args: ["commit-tree", "-m", text, ...parentArgs, tree] })
          })
        const base = yield* commitWith("base")
        yield* repo.git("update-ref", "refs/heads/patch/x", yield* commitWith("patch", base))
        yield* repo.git("update-ref", "refs/heads/main", yield* commitWith("release", base))
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        const result = yield* rebuild({ repository, onto: "main", patches })
        if (result._tag !== "Conflicted") return yield* Effect.dieMessage("there was no conflict")
        const [file] = result.conflict.files
        // The name is "caf", a Latin-1 e with acute, and a line feed.
        expect(Buffer.from(file?.pathBase64 ?? "", "base64")).toEqual(
          Buffer.from([0x63, 0x61, 0x66, 0xe9, 10])
        )
        expect(file?.kind).toBe("content")
        expect(file?.markedText).toContain("<<<<<<<")
      })
    )
  )

  test(
    "a long text is cut around its first marker",
    withGit(() =>
      Effect.gen(function* () {
        const { conflict } = yield* conflictOf(
          {
            base: { "long.txt": numbered(5_000) },
            patch: { "long.txt": numbered(5_000, { 4000: "patch" }) },
            release: { "long.txt": numbered(5_000, { 4000: "release" }) }
          },
          { markedTextBytesMax: 2_000 }
        )
        const [file] = conflict.files
        expect(file?.truncated).toBe(true)
        expect(Buffer.byteLength(file?.markedText ?? "")).toBeLessThanOrEqual(2_100)
        expect(file?.markedText).toContain("<<<<<<<")
        expect(file?.markedTextStart).toBeGreaterThan(30_000)
      })
    )
  )
})
