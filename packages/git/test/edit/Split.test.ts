import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { type SplitOptions, split } from "../../src/edit/Split.ts"
import { makeTempDirectory, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { branch, branches, here, idOf, makeStack, snapshot, userState } from "./stack.ts"

setDefaultTimeout(60_000)

const byPaths = (parts: Readonly<Record<string, ReadonlyArray<string>>>): SplitOptions["by"] => ({
  _tag: "paths",
  parts: Object.entries(parts).map(([name, globs]) => ({ name, globs }))
})
const byCommits: SplitOptions["by"] = { _tag: "commits" }

const splitIn = (repo: TempRepo, patch: string, by: SplitOptions["by"], dryRun = false) =>
  Effect.flatMap(here(repo), (found) => split({ ...found, patch, by, dryRun }))

const refusedIn = (repo: TempRepo, patch: string, by: SplitOptions["by"]) =>
  Effect.gen(function* () {
    const before = yield* snapshot(repo)
    const error = yield* splitIn(repo, patch, by).pipe(Effect.flip)
    expect(yield* snapshot(repo)).toEqual(before)
    return error
  })

describe("split by paths", () => {
  test(
    "each part has the commits that touch its paths, and the sum is what it was, in both formats",
    withGit(() =>
      Effect.gen(function* () {
        for (const objectFormat of ["sha1", "sha256"] as const) {
          const repo = yield* makeStack({ objectFormat })
          const user = yield* userState(repo)
          const tip = yield* idOf(repo, "patch/020-b")
          const by = byPaths({ "020-b1": ["dir/**"], "020-b2": [] })
          const before = yield* snapshot(repo)
          const dry = yield* splitIn(repo, "020-b", by, true)
          expect(yield* snapshot(repo)).toEqual(before)
          expect(yield* repo.git("fsck", "--unreachable", "--no-reflogs")).toBe("")
          const made = yield* splitIn(repo, "020-b", by)
          expect(made).toEqual(dry)
          expect(made.parts.map(({ patch, subjects, paths }) => ({ patch, subjects, paths }))).toEqual([
            { patch: "patch/020-b1", subjects: ["b, second part"], paths: ["dir/new.txt"] },
            { patch: "patch/020-b2", subjects: ["b, first part", "b, second part"], paths: ["b.txt"] }
          ])
          expect(made).toMatchObject({ renames: [], stackTried: true })
          expect(yield* branches(repo)).toEqual(["patch/010-a", "patch/020-b1", "patch/020-b2"])
          expect(yield* idOf(repo, made.kept)).toBe(tip)
          expect(yield* repo.git("merge-base", "patch/020-b1", "patch/020-b2")).toBe(
            yield* repo.git("rev-parse", "v1")
          )
          const merged = yield* repo.git("merge-tree", "--write-tree", "patch/020-b1", "patch/020-b2")
          expect(merged).toBe(yield* idOf(repo, `${tip}^{tree}`))
          expect(yield* repo.git("log", "--format=%an %ad", "-1", "patch/020-b2")).toBe(
            yield* repo.git("log", "--format=%an %ad", "-1", tip)
          )
          expect(yield* userState(repo)).toEqual(user)
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        }
      })
    )
  )

  test(
    "renames, binaries, modes, symlinks, and a file that becomes a folder",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-odd", "v1", [
          [
            "rename and mode",
            { "dir/c.txt": null, "moved/c.txt": "c\n", run: { content: "x", executable: true } }
          ],
          ["to folder", { "b.txt": null, "b.txt/inner.bin": Uint8Array.from([0, 1, 255]) }],
          ["link", { link: { symlink: "a.txt" } }]
        ])
        const tip = yield* idOf(repo, "patch/030-odd")
        const made = yield* splitIn(repo, "030-odd", byPaths({ "030-odd": ["b.txt/"], "031-rest": [] }))
        expect(made.parts.map(({ paths }) => paths)).toEqual([
          ["b.txt/inner.bin"],
          ["dir/c.txt", "moved/c.txt", "run", "b.txt", "link"]
        ])
        expect(yield* idOf(repo, made.kept)).toBe(tip)
        // The name of the old patch went on to a part.
        expect(yield* idOf(repo, "patch/030-odd")).toBe(made.parts[0]?.tip ?? "")
      })
    )
  )

  test(
    "paths that are no UTF-8 go where a wildcard or the rest takes them",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-x", "v1", [["x", { "x.txt": "x\n" }]])
        const directory = yield* makeTempDirectory
        const env = { GIT_INDEX_FILE: `${directory}/index` }
        const blob = yield* repo.git("rev-parse", "patch/030-x:x.txt")
        yield* repo.run({ args: ["read-tree", "patch/030-x"], env })
        yield* repo.run({
          args: ["update-index", "-z", "--index-info"],
          env,
          stdin: Buffer.concat([Buffer.from(`100644 ${blob}\tb/`), Buffer.from([0xfe, 0xff, 0])])
        })
        const tree = yield* repo.run({ args: ["write-tree"], env })
        const tip = yield* repo.git("commit-tree", "-p", "patch/030-x", "-m", "bytes", tree)
        yield* repo.git("update-ref", "refs/heads/patch/030-x", tip)
        const made = yield* splitIn(repo, "030-x", byPaths({ "030-b": ["b/*"], "030-x": [] }))
        expect(made.parts.map(({ paths }) => paths)).toEqual([["b/\ufffd\ufffd"], ["x.txt"]])
        expect(yield* repo.git("ls-tree", "-r", "--name-only", "patch/030-b", "b")).toBe('"b/\\376\\377"')
      })
    )
  )

  test(
    "names that do not sort get numbers between their neighbours, or all get numbers anew",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/025-c", "v1", [["c", { "c.txt": "c\n" }]])
        const made = yield* splitIn(repo, "020-b", byPaths({ "b-new": ["dir/**"], "b-text": [] }), true)
        expect(made.parts.map(({ patch }) => patch)).toEqual(["patch/015-b-new", "patch/020-b-text"])
        expect(made.renames).toEqual([])
        yield* repo.git("branch", "-m", "patch/025-c", "patch/021-c")
        yield* repo.git("branch", "-m", "patch/010-a", "patch/019-a")
        const anew = yield* splitIn(repo, "020-b", byPaths({ "b-new": ["dir/**"], "b-text": [] }))
        expect(anew.renames).toEqual([
          { from: "patch/019-a", to: "patch/010-a" },
          { from: "patch/021-c", to: "patch/040-c" }
        ])
        expect(yield* branches(repo)).toEqual([
          "patch/010-a",
          "patch/020-b-new",
          "patch/030-b-text",
          "patch/040-c"
        ])
      })
    )
  )

  test(
    "what would lose or double something is refused",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const reasonOf = (by: SplitOptions["by"], patch = "020-b") =>
          Effect.map(refusedIn(repo, patch, by), (error) =>
            error._tag === "EditRefused" ? error.reason : error._tag
          )
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**"] }))).toBe("incomplete")
        const left = yield* refusedIn(
          repo,
          "020-b",
          byPaths({ "020-x": ["dir/**"], "020-y": ["nothing/**"] })
        )
        expect(left.message).toContain("b.txt would be in none")
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**", "b.txt"], "020-y": [] }))).toBe("incomplete")
        expect(yield* reasonOf(byPaths({ "020-x": [], "020-y": [] }))).toBe("incomplete")
        expect(yield* reasonOf(byPaths({ "020-x": ["../up"], "020-y": [] }))).toBe("incomplete")
        expect(yield* reasonOf(byPaths({ "010-a": ["dir/**"], "020-y": [] }))).toBe("exists")
        expect(yield* reasonOf(byPaths({ "b c": ["dir/**"], "020-y": [] }))).toBe("InvalidName")
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**"], "020-y": [] }), "020-c")).toBe("PatchNotFound")
        expect(yield* reasonOf(byPaths({ "020-b/x": ["dir/**"], "020-y": [] }))).toBe("name-clash")
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**"], "020-x/y": [] }))).toBe("name-clash")
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**"], "patch/020-x": [] }))).toBe("exists")
        expect(yield* reasonOf({ _tag: "commits", names: ["020-x", "patch/020-x"] })).toBe("exists")
        yield* branch(repo, "patch/030-on-b", "patch/020-b", [["on b", { "z.txt": "z\n" }]])
        expect(yield* reasonOf(byPaths({ "020-x": ["dir/**"], "020-y": [] }))).toBe("has-dependents")
        yield* repo.git("worktree", "add", "--quiet", `${yield* makeTempDirectory}/linked`, "patch/020-b")
        expect(yield* reasonOf(byCommits)).toBe("BranchCheckedOut")
      })
    )
  )
})

describe("split by commits", () => {
  test(
    "makes a branch of each commit and rewrites none, also where another patch stands on it",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-on-b", "patch/020-b", [
          ["on b", { "b.txt": numbered(20, { 9: "on" }) }]
        ])
        const tip = yield* idOf(repo, "patch/020-b")
        const made = yield* splitIn(repo, "patch/020-b", byCommits)
        expect(made.parts.map(({ patch, subjects }) => [patch, ...subjects])).toEqual([
          ["patch/020-b-1", "b, first part"],
          ["patch/020-b-2", "b, second part"]
        ])
        expect(yield* idOf(repo, "patch/020-b-2")).toBe(tip)
        expect(yield* idOf(repo, "patch/020-b-1")).toBe(yield* idOf(repo, `${tip}~1`))
        expect(yield* branches(repo)).not.toContain("patch/020-b")
      })
    )
  )

  test(
    "takes as many names as there are commits, and a patch with one commit is refused",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const named = yield* splitIn(repo, "020-b", { _tag: "commits", names: ["one", "two"] }, true)
        expect(named.parts.map(({ patch }) => patch)).toEqual(["patch/one", "patch/two"])
        const error = yield* refusedIn(repo, "020-b", { _tag: "commits", names: ["one"] })
        expect(error.message).toContain("2 commits, and 1 names were given")
        expect(yield* refusedIn(repo, "010-a", byCommits)).toMatchObject({ reason: "nothing-to-do" })
      })
    )
  )

  test(
    "is made where the stack does not apply to upstream as it is, and says that it was not tried",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/005-clash", "v1", [["clash", { "a.txt": numbered(20, { 18: "clash" }) }]])
        expect(yield* splitIn(repo, "020-b", byCommits)).toMatchObject({ stackTried: false })
      })
    )
  )
})
