/** Merging ahead by `git replay`: which commits form a line, and that the results are those of merge-tree. */
import { describe, expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, versionAtLeast } from "../../src/Git.ts"
import { makeGitCli } from "../../src/GitCli.ts"
import { ObjectId } from "../../src/GitName.ts"
import { replayRuns, replayVersionMin } from "../../src/internal/replay.ts"
import type { RebuildOptions } from "../../src/patch/Rebuild.ts"
import { isolatedEnvironment, makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { makeFork, rebuildIn } from "./fork.ts"

const id = (digit: string) => Schema.decodeUnknownSync(ObjectId)(digit.repeat(40))
const patch = (base: string, ...commits: ReadonlyArray<string>) => ({
  name: `patch/${commits.join("")}`,
  tip: id(commits.at(-1) ?? base),
  base: id(base),
  commits: commits.map(id)
})

describe("replayRuns", () => {
  test("joins patches that stand on each other, and leaves single commits out", () => {
    expect(replayRuns([])).toEqual([])
    expect(replayRuns([patch("0", "1"), patch("0", "2")])).toEqual([])
    expect(
      replayRuns([patch("0", "1", "2"), patch("0"), patch("2", "3"), patch("0", "4"), patch("4", "5")])
    ).toEqual([
      { base: id("0"), commits: [id("1"), id("2"), id("3")] },
      { base: id("0"), commits: [id("4"), id("5")] }
    ])
    // Not on the last commit of the line: a line of its own.
    expect(replayRuns([patch("0", "1", "2"), patch("1", "3")])).toHaveLength(1)
  })
})

/** A line of patches, each on the one before it, of which one changes what the release changed as well. */
const makeLine = (conflicts: boolean) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    yield* repo.commit("base", { "a.txt": numbered(30), "b.txt": "b\n" })
    yield* repo.git("tag", "v1")
    for (const at of [1, 2, 3]) {
      yield* repo.git("switch", "--quiet", "-c", `patch/${at}`)
      const line = at === 2 && conflicts ? 25 : at * 4
      yield* repo.commit(`patch ${at}`, { "a.txt": numbered(30, { [line]: `patch ${at}` }) })
      yield* repo.commit(`more ${at}`, { [`new${at}.txt`]: "n\n" })
    }
    yield* repo.git("switch", "--quiet", "main")
    yield* repo.commit("release", { "a.txt": numbered(30, { 25: "v2" }), "new3.txt": "n\n" })
    yield* repo.git("tag", "v2")
    return repo
  })

const agree = (repo: TempRepo, more: Partial<RebuildOptions> = {}) =>
  Effect.gen(function* () {
    const plain = yield* rebuildIn(repo.directory, { engine: "process", ...more })
    expect(yield* rebuildIn(repo.directory, { engine: "replay", ...more })).toEqual(plain)
    return plain
  })

const agreeEverywhere = Effect.gen(function* () {
  for (const format of ["sha1", "sha256"] as const) yield* agree(yield* makeFork(format))
  const clean = yield* agree(yield* makeLine(false))
  expect(clean).toMatchObject({ _tag: "Rebuilt", applied: { length: 3 } })
  const line = yield* makeLine(true)
  expect(yield* agree(line)).toMatchObject({ _tag: "Conflicted", conflict: { patch: "patch/2" } })
  expect(yield* agree(line, { keepGoing: true })).toMatchObject({ skipped: { length: 2 } })
  expect(yield* line.git("for-each-ref", "refs/heads/run")).toBe("")
})

test(
  "without git replay, the engine is that of merge-tree",
  withGit(() => agreeEverywhere)
)

// A git of 2.44 or newer, where there is one beside the installed one.
const newerGit = process.env["TEST_NEWER_GIT"]

test.skipIf(newerGit === undefined)(
  "with git replay, trees, ids and conflicts are those of merge-tree, and no ref is left",
  withGit(() =>
    Effect.gen(function* () {
      const git = yield* makeGitCli({ program: newerGit ?? "git", env: isolatedEnvironment })
      expect(versionAtLeast(git.version, replayVersionMin)).toBe(true)
      let replays = 0
      const counted = Git.of({
        ...git,
        run: (command) => {
          if (command.args.includes("replay")) replays += 1
          return git.run(command)
        }
      })
      yield* agreeEverywhere.pipe(Effect.provideService(Git, counted))
      expect(replays).toBeGreaterThan(3)
    })
  )
)
