import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { storeConflict } from "../../src/conflict/ConflictStore.ts"
import { capture } from "../../src/edit/Capture.ts"
import { type CostOrder, readCosts } from "../../src/edit/PatchCost.ts"
import { PatchDetail, readPatch } from "../../src/edit/PatchDetail.ts"
import { reorder } from "../../src/edit/Reorder.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { branch, here, makeStack, objectOf } from "./stack.ts"

setDefaultTimeout(60_000)

const readIn = (repo: TempRepo, patch: string, diffBytesMax?: number) =>
  Effect.flatMap(here(repo), (found) =>
    readPatch({ ...found, patch, ...(diffBytesMax === undefined ? {} : { diffBytesMax }) })
  )

describe("readPatch", () => {
  test(
    "tells contract, commits, files and diff, and encodes to JSON",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "patch/030-odd", "v1", [
          [
            "move\n\nPatchmoi-Purpose: to move\nPatchmoi-Scope: /x",
            { "dir/c.txt": null, "moved.txt": "c\n" }
          ],
          [
            "rest",
            {
              "bin.dat": Uint8Array.from([0, 1]),
              "a.txt": numbered(20, { 2: "two", 3: "three" }),
              "b.txt": null
            }
          ]
        ])
        const detail = yield* readIn(repo, "030-odd")
        expect(detail).toMatchObject({
          patch: "patch/030-odd",
          base: yield* objectOf(repo, "v1"),
          commits: [
            { subject: "move", author: "Ada Author <ada@example.com>", authoredSeconds: 1_700_000_000 },
            { subject: "rest", authoredSeconds: 1_700_000_001 }
          ],
          contract: { purpose: "to move", scope: [], checks: [] },
          issues: [{ key: "Patchmoi-Scope", found: '"/x"' }],
          files: [
            { path: "a.txt", oldPath: null, change: "modified", added: 2, removed: 2 },
            { path: "b.txt", change: "deleted", added: 0, removed: 20 },
            { path: "bin.dat", change: "added", added: null, removed: null },
            { path: "moved.txt", oldPath: "dir/c.txt", change: "renamed", added: 0, removed: 0 }
          ],
          filesOmitted: 0,
          added: 2,
          removed: 22,
          diffTruncated: false
        })
        expect(detail.diff).toContain("+two\n")
        expect(detail.diff).toContain("rename from dir/c.txt\n")
        expect(yield* Schema.decodeUnknown(PatchDetail)(JSON.parse(JSON.stringify(detail)))).toEqual(detail)
        const short = yield* readIn(repo, "030-odd", 100)
        expect(short).toMatchObject({ diff: detail.diff.slice(0, 100), diffTruncated: true })
        expect(yield* readIn(repo, "03-odd").pipe(Effect.flip)).toMatchObject({ nearest: "patch/030-odd" })
      })
    )
  )
})

const costsIn = (repo: TempRepo, order: CostOrder = "name") =>
  Effect.flatMap(here(repo), (found) => readCosts({ ...found, order })).pipe(
    (read) => Effect.zipRight(TestClock.setTime((1_700_000_000 + 10 * 86_400 + 5) * 1000), read),
    Effect.provide(TestContext.TestContext)
  )

describe("readCosts", () => {
  test(
    "counts days, lines, rewrites and conflicts, and orders by each",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        expect(yield* costsIn(repo)).toMatchObject([
          { patch: "patch/010-a", commits: 1, ageDays: 10, added: 1, removed: 1, files: 1, rewrites: 0 },
          { patch: "patch/020-b", commits: 2, ageDays: 10, added: 3, removed: 2, files: 2, conflicts: 0 }
        ])
        // Rewritten twice, and moved in between: its earlier tips are known by the name without the number.
        const found = yield* here(repo)
        yield* branch(repo, "feature/a", "main", [["a", { "a.txt": numbered(20, { 3: "aa", 18: "up" }) }]])
        yield* capture({ ...found, branch: "010-a", from: "feature/a", force: true })
        const moved = yield* here(repo)
        yield* reorder({ ...moved, patch: "010-a", place: { side: "after", other: "020-b" } })
        yield* branch(repo, "feature/a", "main", [["a", { "a.txt": numbered(20, { 3: "aaa", 18: "up" }) }]])
        const again = yield* here(repo)
        yield* capture({ ...again, branch: "030-a", from: "feature/a", force: true })
        // A conflict of the other one is stored.
        const onto = yield* branch(repo, "other", "v1", [["up", { "b.txt": numbered(20, { 3: "up" }) }]])
        const { repository, topology } = yield* here(repo)
        const result = yield* rebuild({ repository, onto, patches: topology.patches.slice(0, 1) })
        if (result._tag !== "Conflicted") return yield* Effect.dieMessage("no conflict")
        yield* storeConflict({ repository, conflict: result.conflict })
        const costs = yield* costsIn(repo)
        expect(costs).toMatchObject([
          { patch: "patch/020-b", rewrites: 0, conflicts: 1 },
          { patch: "patch/030-a", rewrites: 2, conflicts: 0 }
        ])
        const first = (order: CostOrder) => Effect.map(costsIn(repo, order), (list) => list[0]?.patch)
        expect(yield* first("rewrites")).toBe("patch/030-a")
        expect(yield* first("conflicts")).toBe("patch/020-b")
        expect(yield* first("churn")).toBe("patch/020-b")
        expect(yield* first("age")).toBe("patch/020-b")
      })
    )
  )

  test(
    "a branch without commits of its own costs nothing, and one that was built upon was not rewritten",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack({ objectFormat: "sha256" })
        yield* repo.git("branch", "patch/030-none", "v1")
        const tip = yield* repo.git("commit-tree", "-p", "patch/010-a", "-m", "more", "patch/010-a^{tree}")
        yield* repo.git("update-ref", "--create-reflog", "refs/heads/patch/010-a", tip)
        const [a, , none] = yield* costsIn(repo)
        expect(a).toMatchObject({ commits: 2, rewrites: 0 })
        expect(none).toMatchObject({ commits: 0, ageDays: null, added: 0, files: 0 })
      })
    )
  )
})
