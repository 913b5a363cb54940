import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { writeCandidate } from "../../src/candidate/Candidate.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempDirectory, makeTempRepo, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { doctor } from "../../src/topology/Doctor.ts"
import { listPatches } from "../../src/topology/PatchList.ts"
import { discoverTopology, Topology } from "../../src/topology/Topology.ts"
import { withGit } from "../support.ts"

const makeFork = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  const base = yield* repo.commit("base", { "a.txt": "a\n" })
  yield* repo.git("tag", "v1")
  yield* repo.git("remote", "add", "origin", "https://me:token@example.com/fork.git")
  yield* repo.git("remote", "add", "theirs", "https://example.com/upstream.git")
  yield* repo.git("update-ref", "refs/remotes/theirs/trunk", base)
  yield* repo.git("symbolic-ref", "refs/remotes/theirs/HEAD", "refs/remotes/theirs/trunk")
  for (const name of ["patch/b", "patch/B", "patch/ä", "patch/10", "patch/9"]) {
    yield* repo.git("switch", "--quiet", "-c", name, "v1")
    yield* repo.commit(`subject ${name}\n\nbody`, { [`${name}.txt`]: "x\n" })
  }
  yield* repo.git("switch", "--quiet", "main")
  return { repo, repository: yield* openRepository({ directory: repo.directory }), base }
})

describe("topology", () => {
  test(
    "is found by convention, with patches in code-unit order and no credentials",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, base } = yield* makeFork
        const { topology, config } = yield* discoverTopology({ repository })
        expect(config.file).toBeNull()
        expect(topology).toMatchObject({
          forkRemote: "origin",
          upstreamRemote: "theirs",
          upstream: { ref: "refs/remotes/theirs/trunk", commit: base },
          target: { ref: "refs/heads/main", commit: base },
          branch: "main",
          tags: ["v1"],
          workTree: "clean",
          shallow: false
        })
        expect(topology.remotes[0]).toEqual({ name: "origin", url: "https://***@example.com/fork.git" })
        expect(topology.patches.map((patch) => patch.name)).toEqual([
          "patch/10",
          "patch/9",
          "patch/B",
          "patch/b",
          "patch/ä"
        ])
        expect(yield* Schema.decodeUnknown(Topology)(JSON.parse(JSON.stringify(topology)))).toEqual(topology)
        expect(doctor(topology)).toEqual({ ready: true, canRebuild: true, issues: [] })
        const upstream = [base]
        const [first] = yield* listPatches({ repository, upstream, patches: topology.patches })
        expect(first).toMatchObject({ name: "patch/10", subject: "subject patch/10", base, commits: 1 })
      })
    )
  )

  test(
    "follows the file, from a folder inside the work tree",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository } = yield* makeFork
        yield* repo.write({
          ".patchmoi.toml":
            '[git]\nupstreamRemote = "other"\ntargetBranch = "maintained"\npatchPrefix = "patch/b"\n',
          "sub/x.txt": "x\n"
        })
        const directory = join(repo.directory, "sub")
        const { topology } = yield* discoverTopology({ repository, directory })
        expect(topology).toMatchObject({ upstreamRemote: null, patches: [], workTree: "dirty" })
        expect(doctor(topology).issues.map((issue) => issue.code)).toEqual([
          "missing-upstream-remote",
          "missing-upstream-ref",
          "missing-target-branch",
          "no-patch-branches",
          "dirty-work-tree"
        ])
        expect(doctor(topology)).toMatchObject({ ready: false, canRebuild: false })
      })
    )
  )

  test(
    "an empty repository, a bare one and a folder without one",
    withGit(() =>
      Effect.gen(function* () {
        for (const bare of [false, true]) {
          const repo = yield* makeTempRepo({ bare })
          const repository = yield* openRepository({ directory: repo.directory })
          const { topology } = yield* discoverTopology({ repository })
          expect(topology).toMatchObject({ remotes: [], patches: [], workTree: bare ? "none" : "clean" })
          expect(doctor(topology).canRebuild).toBe(false)
        }
        const directory = yield* makeTempDirectory
        const error = yield* openRepository({ directory }).pipe(Effect.flip)
        expect(error._tag).toBe("NotARepository")
        const absent = yield* openRepository({ directory: join(directory, "no") }).pipe(Effect.flip)
        expect(absent._tag).toBe("NotARepository")
        const odd = join(directory, "line\nfeed")
        yield* Effect.flatMap(tempRepoAt(directory), (home) => home.git("init", "--quiet", odd))
        const refused = yield* openRepository({ directory: odd }).pipe(Effect.flip)
        expect(refused.message).toContain("line feed")
      })
    )
  )
})

describe("writeCandidate", () => {
  test(
    "writes the candidate and moves the maintained branch with it, once",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, base } = yield* makeFork
        yield* repo.git("branch", "maintained", base)
        const commit = yield* repo.commit("rebuilt")
        const move = { branch: "maintained", expected: base }
        const written = yield* writeCandidate({ repository, tag: "release/1.2", commit, move })
        expect(written.map((ref) => [ref.name, ref.outcome])).toEqual([
          ["candidate/release/1.2", "created"],
          ["maintained", "moved"]
        ])
        expect(yield* repo.git("rev-parse", "candidate/release/1.2", "maintained")).toBe(
          `${commit}\n${commit}`
        )
        const again = yield* writeCandidate({
          repository,
          tag: "release/1.2",
          commit,
          move: { ...move, expected: commit }
        })
        expect(again.map((ref) => ref.outcome)).toEqual(["already there", "already there"])
      })
    )
  )

  test(
    "moves neither when one is stale, checked out or badly named",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, base } = yield* makeFork
        const commit = yield* repo.commit("rebuilt")
        const before = yield* repo.git("for-each-ref")
        const attempt = (tag: string, branch: string, expected: typeof base | null) =>
          writeCandidate({ repository, tag, commit: base, move: { branch, expected } }).pipe(
            Effect.flip,
            Effect.map((error) => error._tag)
          )
        expect(yield* attempt("v2", "patch/b", base)).toBe("StaleRef")
        expect(yield* attempt("v2", "main", commit)).toBe("BranchCheckedOut")
        expect(yield* attempt("v2..v3", "other", null)).toBe("InvalidName")
        expect(yield* repo.git("for-each-ref")).toBe(before)
      })
    )
  )
})
