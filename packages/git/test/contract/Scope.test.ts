import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { scopePathsMax } from "../../src/contract/Scope.ts"
import { inspectStack } from "../../src/contract/StackReport.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import { doctor } from "../../src/topology/Doctor.ts"
import { discoverTopology } from "../../src/topology/Topology.ts"
import { withGit } from "../support.ts"

const makeFork = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  const base = yield* repo.commit("base", { "src/login.ts": "a\n", "old/name.ts": "b\n" })
  yield* repo.git("remote", "add", "origin", "https://example.com/fork.git")
  yield* repo.git("remote", "add", "upstream", "https://example.com/upstream.git")
  yield* repo.git("update-ref", "refs/remotes/upstream/main", base)
  return repo
})

const patch = (repo: TempRepo, name: string, message: string, files: Readonly<Record<string, TempFile>>) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "-c", name, "upstream/main")
    yield* repo.commit(message, files)
    yield* repo.git("switch", "--quiet", "main")
  })

const diagnose = (repo: TempRepo) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory: repo.directory })
    const { topology } = yield* discoverTopology({ repository })
    return doctor(topology, yield* inspectStack({ repository, topology }))
  })

describe("doctor on contracts", () => {
  test(
    "a patch within its scope is no issue, also one whose scope speaks of what only upstream has",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork
        yield* patch(repo, "patch/a", "a\n\nPatchmoi-Scope: src/**\nPatchmoi-Scope: old/\n", {
          "src/login.ts": "patched\n",
          "src/new.ts": "new\n"
        })
        yield* patch(repo, "patch/b", "no contract", { "elsewhere.txt": "x\n" })
        expect(yield* diagnose(repo)).toEqual({ ready: true, canRebuild: true, issues: [] })
      })
    )
  )

  test(
    "a stale glob, files outside, a contract in the tree and a wrong trailer: each fails, none blocks",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork
        yield* patch(repo, "patch/a", "a\n\nPatchmoi-Scope: src/**\nPatchmoi-Scope: gone/**\n", {
          "src/login.ts": "patched\n",
          "old/name.ts": null,
          "new/name.ts": "b\n"
        })
        yield* patch(repo, "patch/b", "b\n\nPatchmoi-Drop-When: soon\n", { "patches.toml": "\n" })
        const { ready, canRebuild, issues } = yield* diagnose(repo)
        expect({ ready, canRebuild }).toEqual({ ready: false, canRebuild: true })
        expect(issues.map(({ code }) => code)).toEqual([
          "contract-invalid",
          "stale-scope",
          "outside-scope",
          "contract-in-patch"
        ])
        expect(issues[1]?.message).toContain('patch/a: the scope "gone/**" meets no path')
        expect(issues[2]?.message).toContain("patch/a changes new/name.ts, old/name.ts outside its scope")
      })
    )
  )

  test(
    "paths that are no UTF-8 are compared as bytes, and long lists are cut",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork
        const many = Array.from({ length: scopePathsMax + 3 }, (_, at) => [`many/${at}.txt`, "x\n"] as const)
        yield* patch(repo, "patch/a", "a\n\nPatchmoi-Scope: many/0.txt\n", Object.fromEntries(many))
        yield* repo.git("switch", "--quiet", "patch/a")
        const blob = yield* repo.git("rev-parse", "HEAD:many/0.txt")
        yield* repo.run({
          args: ["update-index", "-z", "--index-info"],
          stdin: Buffer.concat([
            Buffer.from(`100644 ${blob}\t`),
            Buffer.from([0x62, 0x61, 0x64, 0xff, 0x2e, 0x74, 0])
          ])
        })
        yield* repo.git("commit", "--quiet", "-m", "bytes\n\nPatchmoi-Scope: bad?.t")
        yield* repo.git("switch", "--quiet", "--force", "main")
        const { issues } = yield* diagnose(repo)
        expect(issues.map(({ code }) => code)).toEqual(["outside-scope"])
        expect(issues[0]?.message).toContain("many/17.txt")
        expect(issues[0]?.message).toContain("and 2 more")
        expect(issues[0]?.message).not.toContain("bad")
      })
    )
  )

  test(
    "a patch that no rebuild takes blocks, and contracts are not looked at",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork
        yield* patch(repo, "patch/a", "a", { "x.txt": "x\n" })
        yield* repo.git("switch", "--quiet", "-c", "patch/b", "upstream/main")
        yield* repo.commit("own", { "y.txt": "y\n" })
        yield* repo.git("merge", "--quiet", "--no-ff", "-m", "merge", "patch/a")
        yield* repo.git("switch", "--quiet", "main")
        const { canRebuild, issues } = yield* diagnose(repo)
        expect(canRebuild).toBe(false)
        expect(issues.map(({ code }) => code)).toEqual(["unusable-patch"])
        expect(issues[0]?.message).toContain("merge commit")
      })
    )
  )
})
