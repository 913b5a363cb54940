/**
 * Goal: what upstream took is found with evidence, and what it did not take is never left out. Method: small forks whose
 * upstream did one thing each with a patch.
 */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { parseObjectId, parseRef } from "../../src/GitName.ts"
import { withEmpty } from "../../src/landed/findLanded.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { changeThree, landedIn, patchOf, scenario } from "./forks.ts"

describe("identical", () => {
  scenario(
    "a pick is found, with the upstream commit; a patch that upstream never saw has no verdict",
    (repo) =>
      Effect.gen(function* () {
        const [own] = yield* patchOf(repo, "one", [changeThree])
        yield* patchOf(repo, "two", [["change nine", { "b.txt": numbered(40, { 9: "nine" }) }]])
        yield* repo.commit("other", { "a.txt": numbered(40, { 30: "thirty" }) })
        yield* repo.git("cherry-pick", "patch/one")
        const upstream = yield* parseObjectId(yield* repo.git("rev-parse", "main"))
        const found = yield* landedIn(repo)
        expect([...found.keys()]).toEqual(["patch/one"])
        expect(found.get("patch/one")).toMatchObject({
          verdict: "landed-identical",
          tip: own,
          evidence: [{ kind: "patch-id", commit: own, upstream }]
        })
      })
  )

  scenario("what upstream edited again later is found, where a merge would see a conflict", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [changeThree])
      yield* repo.commit("other", { "b.txt": numbered(40, { 3: "other" }) })
      yield* repo.git("cherry-pick", "patch/one")
      yield* repo.commit("again", { "a.txt": numbered(40, { 3: "drei" }) })
      const repository = yield* openRepository({ directory: repo.directory })
      const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
      expect((yield* rebuild({ repository, patches, onto: "main" }))._tag).toBe("Conflicted")
      expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-identical")
    })
  )

  scenario("a patch of several commits needs all of them; what is there is told", (repo) =>
    Effect.gen(function* () {
      const commits = yield* patchOf(repo, "one", [
        ["first part", { "a.txt": numbered(40, { 3: "three" }) }],
        ["second part", { "b.txt": numbered(40, { 9: "nine" }) }]
      ])
      yield* repo.commit("before", { "a.txt": numbered(40, { 30: "thirty" }) })
      yield* repo.git("cherry-pick", "patch/one~1")
      const partly = (yield* landedIn(repo)).get("patch/one")
      expect(partly).toMatchObject({ verdict: "landed-modified", evidence: [{ commit: commits[0] }] })
      expect(partly?.evidence[0]?.detail).toStartWith("1 of the 2 commits: ")
      yield* repo.git("cherry-pick", "patch/one")
      expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
        verdict: "landed-identical",
        evidence: [{ commit: commits[0] }, { commit: commits[1] }]
      })
    })
  )

  scenario("a patch of several commits that upstream took as one is found as a whole", (repo) =>
    Effect.gen(function* () {
      const commits = yield* patchOf(repo, "one", [
        ["first part", { "a.txt": numbered(40, { 3: "three" }) }],
        ["second part", { "a.txt": numbered(40, { 3: "three", 20: "twenty" }) }]
      ])
      yield* repo.git("merge", "--squash", "patch/one")
      const squash = yield* repo.commit("both parts (#12)")
      expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
        verdict: "landed-identical",
        evidence: [
          { commit: commits[1], upstream: squash, detail: expect.stringContaining("2 commits together") }
        ]
      })
    })
  )

  scenario("a patch whose own commit upstream merged is upstream's", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [changeThree])
      yield* repo.git("merge", "--no-ff", "-m", "merge", "patch/one")
      expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
        verdict: "landed-identical",
        evidence: [{ detail: "upstream holds the commit itself" }]
      })
      yield* repo.git("revert", "--no-edit", "-m", "1", "HEAD")
      const back = (yield* landedIn(repo)).get("patch/one")
      expect(back?.verdict).toBe("landed-modified")
      expect(back?.evidence[0]?.detail).toMatch(/^upstream holds the commit itself, and \w+ took it back$/)
    })
  )

  scenario("taken and taken back only asks; taken again is identical", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [changeThree])
      yield* repo.commit("other", { "b.txt": numbered(40, { 3: "other" }) })
      yield* repo.git("cherry-pick", "patch/one")
      yield* repo.git("revert", "--no-commit", "HEAD")
      yield* repo.commit("undo, without saying what")
      const back = (yield* landedIn(repo)).get("patch/one")
      expect(back?.verdict).toBe("landed-modified")
      expect(back?.evidence[0]?.detail).toContain("took it back")
      yield* repo.git("revert", "--no-edit", "HEAD")
      expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-identical")
    })
  )

  scenario("a revert that git cannot see by its diff is known by its message", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [changeThree])
      yield* repo.commit("other", { "b.txt": numbered(40, { 3: "other" }) })
      yield* repo.git("cherry-pick", "patch/one")
      const taken = yield* repo.git("rev-parse", "HEAD")
      yield* repo.commit(`Take it back\n\nThis reverts commit ${taken}, and more.\n`, {
        "a.txt": numbered(40, { 7: "seven" })
      })
      expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-modified")
    })
  )

  scenario("what upstream took back before the patch was made is no news for the patch", (repo) =>
    Effect.gen(function* () {
      yield* repo.commit("change three", { "a.txt": numbered(40, { 3: "three" }) })
      yield* repo.commit("undo in other words", { "a.txt": numbered(40) })
      yield* repo.git("tag", "v2")
      yield* patchOf(repo, "new", [changeThree], "v2")
      yield* patchOf(repo, "old", [["change nine", { "b.txt": numbered(40, { 9: "nine" }) }]])
      expect([...(yield* landedIn(repo)).keys()]).toEqual([])
    })
  )

  scenario("white space and binaries, which patch ids do not see, are never identical", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "indent", [["indent it", { "a.txt": numbered(40, { 3: "  if x:\n    y()" }) }]])
      yield* patchOf(repo, "binary", [["new picture", { "c.bin": new Uint8Array([0, 9, 9]) }]])
      yield* repo.commit("indent it", { "a.txt": numbered(40, { 3: "  if x:\n  y()" }) })
      yield* repo.commit("new picture", { "c.bin": new Uint8Array([0, 7, 7]) })
      const found = yield* landedIn(repo)
      expect(found.get("patch/indent")).toMatchObject({ verdict: "landed-modified" })
      expect(found.get("patch/indent")?.evidence[0]?.detail).toContain("white space")
      expect(found.get("patch/binary")?.verdict).not.toBe("landed-identical")
      yield* repo.commit("new picture, the right one", { "c.bin": new Uint8Array([0, 1, 2]) })
      yield* repo.git("cherry-pick", "patch/binary")
      expect((yield* landedIn(repo)).get("patch/binary")?.verdict).toBe("landed-identical")
    })
  )

  test(
    "in a SHA-256 repository too",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo({ objectFormat: "sha256" })
        yield* repo.commit("base", { "a.txt": numbered(40) })
        yield* repo.git("tag", "v1")
        yield* patchOf(repo, "one", [changeThree])
        yield* repo.commit("other", { "b.txt": "b\n" })
        yield* repo.git("cherry-pick", "patch/one")
        expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-identical")
      })
    )
  )
})

describe("modified, which only asks", () => {
  scenario("a change that upstream took with others is found by its lines", (repo) =>
    Effect.gen(function* () {
      const [own] = yield* patchOf(repo, "one", [
        ["change some", { "a.txt": numbered(40, { 3: "three", 4: "four four", 5: "five five" }) }]
      ])
      const upstream = yield* repo.commit("a large one", {
        "a.txt": numbered(40, { 3: "three", 4: "four four", 5: "five five", 20: "twenty" }),
        "b.txt": numbered(40, { 2: "two" })
      })
      expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
        verdict: "landed-modified",
        evidence: [
          { kind: "range-diff", commit: own, upstream, detail: expect.stringContaining("6 of the 6 lines") }
        ]
      })
    })
  )

  scenario("a change of the same subject in another form is found by range-diff", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [["rename the third line", { "a.txt": numbered(40, { 3: "third" }) }]])
      const upstream = yield* repo.commit("rename the third line", {
        "a.txt": numbered(40, { 3: "number three" })
      })
      expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
        verdict: "landed-modified",
        evidence: [{ kind: "range-diff", upstream }]
      })
    })
  )

  scenario("a commit that only touches the same place is not taken for it", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "name", [
        ["name the fork", { "a.txt": numbered(40, { 3: "version 1 of the fork" }) }]
      ])
      yield* repo.commit("release 2", { "a.txt": numbered(40, { 3: "version 2 of upstream" }) })
      expect([...(yield* landedIn(repo)).keys()]).toEqual([])
    })
  )

  scenario("trailers of either side are evidence", (repo) =>
    Effect.gen(function* () {
      yield* repo.git("switch", "--quiet", "-c", "work")
      yield* repo.git("switch", "--quiet", "main")
      const changeId = `I${"a".repeat(40)}`
      const [ours] = yield* patchOf(repo, "theirs-names-ours", [["one", { new1: "one one\n" }]])
      yield* patchOf(repo, "change-id", [[`two\n\nChange-Id: ${changeId}\n`, { new2: "two two\n" }]])
      const backported = yield* repo.commit("three", { new3: "three three, in full\n" })
      yield* patchOf(repo, "backport", [
        [`three, for v1\n\n(cherry picked from commit ${backported})\n`, { other3: "another\n" }]
      ])
      const named = yield* repo.commit(`one\n\n(cherry picked from commit ${ours})\n`, { else1: "else\n" })
      const same = yield* repo.commit(`two\n\nChange-Id: ${changeId}\n`, { else2: "else two\n" })
      const found = yield* landedIn(repo)
      const evidenceOf = (name: string) => found.get(`patch/${name}`)?.evidence[0]
      expect(evidenceOf("theirs-names-ours")).toMatchObject({ kind: "trailer", upstream: named })
      expect(evidenceOf("change-id")).toMatchObject({ kind: "trailer", upstream: same })
      expect(evidenceOf("backport")).toMatchObject({ kind: "trailer", upstream: backported })
      for (const { verdict } of found.values()) expect(verdict).toBe("landed-modified")
    })
  )
})

describe("the rest", () => {
  scenario(
    "what the contract names as the end, and what a merge finds empty, are verdicts of the same kind",
    (repo) =>
      Effect.gen(function* () {
        const [end] = yield* patchOf(repo, "end", [["nine", { "b.txt": numbered(40, { 9: "nine" }) }]])
        yield* patchOf(repo, "empty", [["three", { "a.txt": numbered(40, { 3: "three" }) }]])
        yield* repo.commit("three and thirty", { "a.txt": numbered(40, { 3: "three", 30: "thirty" }) })
        const dropWhen = new Map([["patch/end", { upstream: null, detail: "v2 is out" }]])
        const verdicts = yield* landedIn(repo, { dropWhen })
        expect(verdicts.get("patch/end")).toMatchObject({
          verdict: "obsolete",
          evidence: [{ kind: "drop-when", commit: end, detail: "v2 is out" }]
        })
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        const all = withEmpty(verdicts, yield* rebuild({ repository, patches, onto: "main" }))
        expect(all.get("patch/empty")).toMatchObject({
          verdict: "empty",
          evidence: [{ kind: "empty", upstream: null }, { kind: "range-diff" }]
        })
      })
  )

  scenario("a range over the limit is refused and says what to do", (repo) =>
    Effect.gen(function* () {
      yield* patchOf(repo, "one", [["nine", { "b.txt": numbered(40, { 9: "nine" }) }]])
      for (const n of [1, 2, 3]) yield* repo.commit(`u${n}`, { "a.txt": numbered(40, { [n]: "u" }) })
      const refused = yield* Effect.flip(landedIn(repo, { commitsMax: 2 }))
      expect(refused).toMatchObject({ _tag: "UpstreamRangeTooLong", commitsMax: 2 })
      expect((yield* landedIn(repo, { commitsMax: 3 })).size).toBe(0)
    })
  )
})
