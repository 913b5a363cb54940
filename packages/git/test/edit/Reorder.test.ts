import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { type ReorderOptions, reorder } from "../../src/edit/Reorder.ts"
import { makeTempDirectory, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { branch, branches, here, idOf, makeStack, snapshot, userState } from "./stack.ts"

setDefaultTimeout(60_000)

const reorderIn = (
  repo: TempRepo,
  patch: string,
  side: "before" | "after",
  other: string,
  more: Partial<ReorderOptions> = {}
) => Effect.flatMap(here(repo), (found) => reorder({ ...found, patch, place: { side, other }, ...more }))

describe("reorder", () => {
  test(
    "gives the patch a number that puts it there, and touches no commit",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-c", "v1", [["c", { "c.txt": "c\n" }]])
        const tip = yield* idOf(repo, "patch/030-c")
        const user = yield* userState(repo)
        const before = yield* snapshot(repo)
        const dry = yield* reorderIn(repo, "030-c", "before", "020-b", { dryRun: true })
        expect(yield* snapshot(repo)).toEqual(before)
        const done = yield* reorderIn(repo, "030-c", "before", "020-b")
        expect(done).toEqual(dry)
        expect(done).toMatchObject({
          renames: [{ from: "patch/030-c", to: "patch/015-c" }],
          order: ["patch/010-a", "patch/015-c", "patch/020-b"],
          comparison: { _tag: "Same" },
          owners: []
        })
        expect(yield* branches(repo)).toEqual(["patch/010-a", "patch/015-c", "patch/020-b"])
        expect(yield* idOf(repo, "patch/015-c")).toBe(tip)
        expect(yield* userState(repo)).toEqual(user)
        expect(yield* repo.git("fsck", "--unreachable", "--no-reflogs")).toBe("")
        const first = yield* reorderIn(repo, "015-c", "before", "010-a")
        expect(first.order[0]).toBe("patch/005-c")
        const last = yield* reorderIn(repo, "005-c", "after", "020-b")
        expect(last.order[2]).toBe("patch/030-c")
        expect(yield* reorderIn(repo, "030-c", "after", "020-b")).toMatchObject({ renames: [], moved: [] })
      })
    )
  )

  test(
    "numbers all anew where there is no room, or no number",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack({ objectFormat: "sha256" })
        yield* repo.git("branch", "-m", "patch/010-a", "patch/019-a")
        yield* branch(repo, "patch/area/x", "v1", [["x", { "x.txt": "x\n" }]])
        const done = yield* reorderIn(repo, "area/x", "after", "019-a")
        expect(done.order).toEqual(["patch/010-a", "patch/020-area/x", "patch/030-b"])
        expect(yield* branches(repo)).toEqual([...done.order])
      })
    )
  )

  test(
    "refuses an order with another tree, tells where, and does it when asked to insist",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        // It makes the change of patch/010-a and takes it back: after that one nothing is left, before it the change is.
        yield* branch(repo, "patch/030-c", "v1", [
          ["there", { "a.txt": numbered(20, { 3: "a" }) }],
          ["and back", { "a.txt": numbered(20) }]
        ])
        const before = yield* snapshot(repo)
        const refused = yield* reorderIn(repo, "030-c", "before", "010-a").pipe(Effect.flip)
        expect(refused).toMatchObject({ _tag: "EditRefused", reason: "differs" })
        expect(refused.message).toContain("another tree, in a.txt")
        expect(yield* snapshot(repo)).toEqual(before)
        const forced = yield* reorderIn(repo, "030-c", "before", "010-a", { force: true })
        expect(forced.comparison).toEqual({ _tag: "Different", paths: ["a.txt"], pathsOmitted: 0 })
        expect(yield* branches(repo)).toEqual(["patch/005-c", "patch/010-a", "patch/020-b"])
      })
    )
  )

  test(
    "refuses an order in which a patch would bring the commits of another one",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-c", "patch/020-b", [["c", { "c.txt": "1\n" }]])
        const owned = yield* reorderIn(repo, "030-c", "before", "020-b").pipe(Effect.flip)
        expect(owned).toMatchObject({ reason: "carries-others" })
        expect(owned.message).toContain("patch/015-c")
        const forced = yield* reorderIn(repo, "030-c", "before", "020-b", { force: true })
        expect(forced.owners).toEqual(["patch/015-c", "patch/020-b"])
      })
    )
  )

  test(
    "refuses an order in which the stack conflicts, and one that cannot be compared",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        // Each of its commits fits only what patch/020-b has made of the line.
        yield* branch(repo, "patch/030-c", "v1", [
          ["as b does", { "b.txt": numbered(20, { 3: "b" }) }],
          ["and further", { "b.txt": numbered(20, { 3: "c" }) }]
        ])
        const onto = yield* branch(repo, "other", "v1", [["up", { "b.txt": numbered(20, { 3: "up" }) }]])
        const before = yield* snapshot(repo)
        const broken = yield* reorderIn(repo, "030-c", "before", "020-b").pipe(Effect.flip)
        expect(broken).toMatchObject({ reason: "conflicts" })
        expect(broken.message).toContain("new order: patch/020-b conflicts in b.txt")
        const neither = yield* reorderIn(repo, "030-c", "before", "010-a", { onto }).pipe(Effect.flip)
        expect(neither.message).toContain("present order either (patch/020-b conflicts in b.txt)")
        expect(neither.message).toContain("--onto")
        expect(yield* snapshot(repo)).toEqual(before)
      })
    )
  )

  test(
    "refuses what is checked out, unknown, symbolic, or itself",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const before = yield* snapshot(repo)
        const refused = (patch: string, other: string) =>
          reorderIn(repo, patch, "before", other).pipe(Effect.flip)
        expect(yield* refused("020-b", "020-b")).toMatchObject({ reason: "nothing-to-do" })
        expect(yield* refused("020-c", "010-a")).toMatchObject({
          _tag: "PatchNotFound",
          nearest: "patch/020-b"
        })
        yield* repo.git("worktree", "add", "--quiet", `${yield* makeTempDirectory}/linked`, "patch/020-b")
        expect(yield* refused("020-b", "010-a")).toMatchObject({ _tag: "BranchCheckedOut" })
        expect(yield* snapshot(repo)).toEqual(before)
        yield* repo.git("symbolic-ref", "refs/heads/patch/040-s", "refs/heads/patch/010-a")
        expect(yield* refused("040-s", "010-a")).toMatchObject({ reason: "symbolic" })
      })
    )
  )
})
