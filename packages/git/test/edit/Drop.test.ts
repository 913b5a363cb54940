import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { type DropOptions, drop } from "../../src/edit/Drop.ts"
import { parseObjectId, parseRef } from "../../src/GitName.ts"
import { moveRefs } from "../../src/RefTransaction.ts"
import { makeTempDirectory, type TempRepo, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { branch, here, idOf, makeStack, snapshot, userState } from "./stack.ts"

setDefaultTimeout(60_000)

const dropIn = (repo: TempRepo, patch: string, more: Partial<DropOptions> = {}) =>
  Effect.flatMap(here(repo), (found) => drop({ ...found, patch, ...more }))

describe("drop", () => {
  test(
    "takes the branch away and keeps its commits, with the reason",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const tip = yield* idOf(repo, "patch/020-b")
        const user = yield* userState(repo)
        const before = yield* snapshot(repo)
        const dry = yield* dropIn(repo, "020-b", { reason: "taken in", dryRun: true })
        expect(yield* snapshot(repo)).toEqual(before)
        const done = yield* dropIn(repo, "020-b", { reason: "taken in\nby upstream" })
        expect({ ...done, moved: [] }).toEqual({ ...dry, moved: [] })
        expect(done).toMatchObject({ patch: "patch/020-b", tip, dependents: [] })
        expect(yield* idOf(repo, "refs/heads/patch/020-b")).toBe("")
        const kept = `refs/patchmoi/dropped/patch/020-b/${tip}`
        expect(done.kept).toBe(kept)
        expect(yield* idOf(repo, `${kept}^{commit}`)).toBe(tip)
        expect(yield* repo.git("for-each-ref", "--format=%(contents)", kept)).toBe("taken in\nby upstream\n")
        expect(yield* userState(repo)).toEqual(user)
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        // Undone by hand, and dropped again without a word: the reason of the first time stays.
        yield* repo.git("branch", "patch/020-b", tip)
        yield* dropIn(repo, "020-b")
        expect(yield* idOf(repo, `${kept}^{commit}`)).toBe(tip)
        expect(yield* repo.git("for-each-ref", "--format=%(contents:subject)", kept)).toContain("taken in")
      })
    )
  )

  test(
    "a ref of that name that leads elsewhere is put right",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const tip = yield* idOf(repo, "patch/020-b")
        const kept = `refs/patchmoi/dropped/patch/020-b/${tip}`
        yield* repo.git("update-ref", kept, "v1")
        yield* dropIn(repo, "020-b")
        expect(yield* idOf(repo, kept)).toBe(tip)
      })
    )
  )

  test(
    "the tag of the reason has the time of the clock",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack({ objectFormat: "sha256" })
        const done = yield* TestClock.setTime(1_800_000_000_000).pipe(
          Effect.zipRight(dropIn(repo, "010-a", { reason: "why" })),
          Effect.provide(TestContext.TestContext)
        )
        expect(yield* repo.git("for-each-ref", "--format=%(taggername) %(taggerdate:unix)", done.kept)).toBe(
          "Cleo Committer 1800000000"
        )
      })
    )
  )

  test(
    "tells which patches may need it, by commit and by path",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-on-b", "patch/020-b", [["on b", { "z.txt": "z\n" }]])
        yield* branch(repo, "patch/040-same", "v1", [["same", { "b.txt": numbered(20, { 11: "s" }) }]])
        yield* branch(repo, "patch/005-early", "v1", [["early", { "b.txt": numbered(20, { 13: "e" }) }]])
        const { dependents } = yield* dropIn(repo, "020-b", { dryRun: true })
        expect(dependents).toEqual([
          { patch: "patch/030-on-b", by: "commit", paths: [], pathsOmitted: 0 },
          { patch: "patch/040-same", by: "path", paths: ["b.txt"], pathsOmitted: 0 }
        ])
      })
    )
  )

  test(
    "a patch that no rebuild takes can be dropped: that is the cure",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const merge = yield* repo.git("commit-tree", "-p", "patch/010-a", "-p", "v1", "-m", "m", "v1^{tree}")
        yield* repo.git("update-ref", "refs/heads/patch/030-merge", merge)
        expect(yield* dropIn(repo, "030-merge")).toMatchObject({ dependents: null })
        expect(yield* idOf(repo, "refs/heads/patch/030-merge")).toBe("")
      })
    )
  )

  test(
    "refuses what is checked out, symbolic or unknown",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* repo.git("worktree", "add", "--quiet", `${yield* makeTempDirectory}/linked`, "patch/010-a")
        yield* repo.git("symbolic-ref", "refs/heads/patch/050-s", "refs/heads/patch/020-b")
        const before = yield* snapshot(repo)
        expect(yield* dropIn(repo, "010-a").pipe(Effect.flip)).toMatchObject({ _tag: "BranchCheckedOut" })
        expect(yield* dropIn(repo, "050-s").pipe(Effect.flip)).toMatchObject({ reason: "symbolic" })
        expect(yield* dropIn(repo, "nothing").pipe(Effect.flip)).toMatchObject({ _tag: "PatchNotFound" })
        expect(yield* snapshot(repo)).toEqual(before)
      })
    )
  )
})

test(
  "refuses what a rebase or a bisect has in hand, in any work tree, though nothing has it checked out",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeStack()
      const linked = yield* tempRepoAt(`${yield* makeTempDirectory}/linked`)
      const stacked = yield* branch(repo, "patch/005-below", "v1", [
        ["c", { "b.txt": numbered(20, { 3: "c" }) }]
      ])
      yield* repo.git("worktree", "add", "--quiet", linked.directory, "patch/020-b")
      const args = ["rebase", "--quiet", "patch/005-below"]
      yield* linked.run({ args, okExitCodes: [1] })
      const where = { _tag: "BranchCheckedOut", workTree: linked.directory }
      const refusedNow = Effect.flip(dropIn(repo, "020-b"))
      expect(yield* refusedNow).toMatchObject({ ...where, state: "rebased" })
      yield* linked.git("rebase", "--abort")
      yield* linked.git("bisect", "start")
      yield* linked.git("switch", "--quiet", "--detach", stacked)
      expect(yield* refusedNow).toMatchObject({ ...where, state: "bisected" })
      yield* linked.git("bisect", "reset", "HEAD")
      expect(yield* dropIn(repo, "020-b")).toMatchObject({ patch: "patch/020-b" })
    })
  )
)

describe("moveRefs with deletions", () => {
  test(
    "removes, moves and makes in one transaction, or does nothing",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const { repository } = yield* here(repo)
        const ref = yield* parseRef("refs/heads/patch/010-a")
        const made = yield* parseRef("refs/heads/patch/011-a")
        const tip = yield* parseObjectId(yield* idOf(repo, ref))
        const other = yield* parseObjectId(yield* idOf(repo, "v1"))
        const before = yield* snapshot(repo)
        const stale = yield* moveRefs({
          repository,
          updates: [
            { ref: made, expected: null, next: tip },
            { ref, expected: other, next: null }
          ],
          reason: "test"
        }).pipe(Effect.flip)
        expect(stale).toMatchObject({ _tag: "StaleRef", ref, expected: other, actual: tip })
        expect(yield* snapshot(repo)).toEqual(before)
        yield* moveRefs({
          repository,
          updates: [
            { ref: made, expected: null, next: tip },
            { ref, expected: tip, next: null }
          ],
          reason: "test"
        })
        expect(yield* idOf(repo, ref)).toBe("")
        expect(yield* idOf(repo, made)).toBe(tip)
      })
    )
  )
})
