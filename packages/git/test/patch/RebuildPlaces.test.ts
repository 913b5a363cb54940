/** Rebuilds in unusual repositories, under attributes, and with names that attack. */
import { describe, expect, test } from "bun:test"
import { statSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { makeDiffRoom } from "../../src/internal/diffs.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempClone, makeTempDirectory, makeTempRepo, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { makeFork, rebuildIn, rebuiltIn } from "./fork.ts"

describe("rebuild", () => {
  test(
    "works in a SHA-256 repository, in a bare one, and in one with a colon in its path",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork("sha256")
        const result = yield* rebuiltIn(repo.directory)
        expect(result.tip).toHaveLength(64)
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        const home = yield* makeTempRepo()
        yield* home.git("clone", "--quiet", "--mirror", repo.directory, 'odd:name "x"')
        const odd = yield* tempRepoAt(join(home.directory, 'odd:name "x"'))
        expect((yield* rebuiltIn(odd.directory)).tip).toBe(result.tip)
      })
    )
  )

  test(
    "works in a partial clone, and refuses a clone that is too shallow to see the base",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("config", "uploadpack.allowFilter", "true")
        const whole = yield* rebuiltIn(repo.directory)
        const partial = yield* makeTempClone({
          from: repo.directory,
          args: ["--mirror", "--filter=blob:none"]
        })
        expect((yield* rebuiltIn(partial.directory)).tip).toBe(whole.tip)
        expect(yield* partial.git("show", `${whole.tip}:b.txt`)).toBe(
          numbered(30, { 3: "two", 25: "v2" }).trimEnd()
        )
        const args = ["--bare", "--depth=1", "--no-single-branch"]
        const shallow = yield* makeTempClone({ from: repo.directory, args })
        const error = yield* rebuildIn(shallow.directory).pipe(Effect.flip)
        expect(error).toMatchObject({ _tag: "PatchWithoutBase", patch: "patch/one" })
      })
    )
  )

  test(
    "makes folders in which the others can write, in a repository that a group shares",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        for (const quarantine of ["auto", "disk"] as const) {
          const shared = yield* tempRepoAt(yield* makeTempDirectory)
          yield* shared.git("init", "--quiet", "--bare", "--shared=group", ".")
          yield* repo.git("push", "--quiet", "--mirror", shared.directory)
          const refs = [{ ref: "refs/heads/candidate/v2", expected: null }]
          yield* rebuiltIn(shared.directory, { quarantine, refs })
          yield* makeDiffRoom(yield* openRepository({ directory: shared.directory }))
          const entries = yield* Effect.promise(() =>
            readdir(shared.directory, { recursive: true, withFileTypes: true })
          )
          const folders = entries
            .filter((one) => one.isDirectory())
            .map((one) => join(one.parentPath, one.name))
          expect(folders.filter((folder) => (statSync(folder).mode & 0o070) !== 0o070)).toEqual([])
        }
      })
    )
  )

  test(
    "holds the attributes of the release, not those of the work tree",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        yield* repo.commit("base", { ".gitattributes": "*.list merge=union\n", "sub/x.list": "a\n" })
        yield* repo.git("switch", "--quiet", "-c", "patch/one")
        yield* repo.commit("one", { "sub/x.list": "a\npatch\n" })
        yield* repo.git("switch", "--quiet", "main")
        yield* repo.commit("release", { "sub/x.list": "a\nrelease\n" })
        yield* repo.git("tag", "v2")
        yield* repo.write({ ".gitattributes": "" })
        const result = yield* rebuiltIn(repo.directory)
        expect(yield* repo.git("show", `${result.tip}:sub/x.list`)).toBe("a\nrelease\npatch")
      })
    )
  )

  test(
    "refuses hostile names before git sees them",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        for (const onto of [
          "--upload-pack=touch pwned",
          "v1..v2",
          "-h",
          "v2:a.txt",
          ":/release",
          "v2\nv1",
          "v2@{1}"
        ]) {
          const error = yield* rebuildIn(repo.directory, { onto }).pipe(Effect.flip)
          expect(error._tag).toBe("InvalidName")
        }
        for (const ref of ["HEAD", "refs/heads/../x", "refs/heads/x.lock", "refs/heads/a b", "--stdin"]) {
          const error = yield* rebuildIn(repo.directory, { refs: [{ ref, expected: null }] }).pipe(
            Effect.flip
          )
          expect(error._tag).toBe("InvalidName")
        }
        const absent = yield* rebuildIn(repo.directory, { onto: "no-such-tag" }).pipe(Effect.flip)
        expect(absent._tag).toBe("RevisionNotFound")
      })
    )
  )
})
