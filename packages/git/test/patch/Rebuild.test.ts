import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectId } from "../../src/GitName.ts"
import { RebuildResult } from "../../src/patch/RebuildResult.ts"
import { makeTempClone, makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { makeFork, rebuildIn, rebuiltIn } from "./fork.ts"

/** Everything of the user's that a rebuild must leave alone, and all refs. */
const stateOf = (repo: TempRepo) =>
  Effect.gen(function* () {
    const index = readFileSync(join(repo.directory, ".git/index")).toString("base64")
    const head = readFileSync(join(repo.directory, ".git/HEAD"), "utf8")
    const status = yield* repo.git("status", "--porcelain=v1", "--ignored", "--untracked-files=all")
    const refs = yield* repo.git("for-each-ref")
    const objects = yield* repo.git("count-objects", "-v")
    const leftovers = yield* Effect.try(() => readdirSync(join(repo.directory, ".git/patchmoi"))).pipe(
      Effect.orElseSucceed(() => [])
    )
    return { index, head, status, refs, objects, leftovers }
  })

describe("rebuild", () => {
  test(
    "carries every commit of every patch over, in the order of the names",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        for (const engine of ["stream", "process"] as const) {
          const result = yield* rebuiltIn(repo.directory, { engine })
          expect(result.applied.map((patch) => [patch.patch, patch.commits.length])).toEqual([
            ["patch/one", 1],
            ["patch/two", 2]
          ])
          expect(yield* repo.git("log", "--reverse", "--format=%s", `v2..${result.tip}`)).toBe(
            "one\ntwo, first part\ntwo, second part"
          )
          expect(yield* repo.git("show", `${result.tip}:b.txt`)).toBe(
            numbered(30, { 3: "two", 25: "v2" }).trimEnd()
          )
          expect(yield* repo.git("show", `${result.tip}:new/file.txt`)).toBe("new")
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
          expect(yield* Schema.decodeUnknown(RebuildResult)(JSON.parse(JSON.stringify(result)))).toEqual(
            result
          )
        }
      })
    )
  )

  test(
    "keeps author, dates, encoding and message, and takes the committer from the patch",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const parent = yield* repo.git("rev-parse", "v1")
        const tree = yield* repo.git("rev-parse", "patch/one^{tree}")
        const message = Buffer.concat([
          Buffer.from("Gr\xfc\xdfe\n\nbody without line feed at the end", "latin1")
        ])
        const raw = Buffer.concat([
          Buffer.from(
            `tree ${tree}\nparent ${parent}\nauthor J\xfcrgen <j@example.com> 1111111111 -0330\n`,
            "latin1"
          ),
          Buffer.from("committer Someone Else <s@example.com> 1222222222 +0545\nencoding ISO-8859-1\n"),
          Buffer.from(
            "gpgsig -----BEGIN PGP SIGNATURE-----\n \n encoding fake\n -----END PGP SIGNATURE-----\n\n"
          ),
          message
        ])
        const id = yield* repo.run({ args: ["hash-object", "-t", "commit", "-w", "--stdin"], stdin: raw })
        yield* repo.git("update-ref", "refs/heads/patch/one", id)
        yield* repo.git("branch", "-D", "patch/two")
        const result = yield* rebuiltIn(repo.directory)
        const onto = yield* repo.git("rev-parse", "v2^{commit}")
        const latin1 = yield* repo.git(
          "-c",
          "i18n.logOutputEncoding=UTF-8",
          "log",
          "-1",
          "--format=%s",
          result.tip
        )
        const stored = yield* repo.git("cat-file", "commit", result.tip)
        expect(latin1).toBe("Grüße")
        expect(stored).toContain(`parent ${onto}\n`)
        expect(stored).toContain("<j@example.com> 1111111111 -0330\n")
        expect(stored).toContain(
          "committer Someone Else <s@example.com> 1222222222 +0545\nencoding ISO-8859-1\n\n"
        )
        expect(stored).not.toContain("gpgsig")
        expect(stored.endsWith("body without line feed at the end")).toBe(true)
      })
    )
  )

  test(
    "gives the same commit ids in another clone, and the same ids again on its own result",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const here = yield* rebuiltIn(repo.directory)
        const bare = yield* makeTempClone({ from: repo.directory, args: ["--mirror"] })
        yield* bare.git("config", "merge.renames", "false")
        yield* bare.git("config", "merge.conflictStyle", "merge")
        const there = yield* rebuiltIn(bare.directory)
        expect(there.tip).toBe(here.tip)
        yield* repo.git("update-ref", "refs/heads/patch/one", here.applied[0]?.commits[0]?.to ?? "")
        yield* repo.git("update-ref", "refs/heads/patch/two", here.tip)
        const again = yield* rebuiltIn(repo.directory)
        expect(again.tip).toBe(here.tip)
        expect(
          again.applied.flatMap((patch) => patch.commits).every((commit) => commit.from === commit.to)
        ).toBe(true)
      })
    )
  )

  test(
    "leaves a dirty work tree, the index and HEAD untouched, and no quarantine behind",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.write({ "a.txt": "dirty\n", "untracked.txt": "x\n", ".gitattributes": "* merge=union\n" })
        yield* repo.git("add", "a.txt")
        yield* repo.write({ "a.txt": "dirtier\n" })
        const before = yield* stateOf(repo)
        yield* rebuiltIn(repo.directory)
        const after = yield* stateOf(repo)
        expect({ ...after, objects: "" }).toEqual({ ...before, objects: "" })
      })
    )
  )

  test(
    "moves refs only from the expected value, all or none",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const { tip, moved } = yield* rebuiltIn(repo.directory, {
          refs: [{ ref: "refs/heads/candidate/v2", expected: null }]
        })
        expect(moved.map((update) => update.ref.toString())).toEqual(["refs/heads/candidate/v2"])
        expect(yield* repo.git("rev-parse", "candidate/v2")).toBe(tip)
        const before = yield* stateOf(repo)
        const error = yield* rebuildIn(repo.directory, {
          refs: [
            { ref: "refs/heads/candidate/new", expected: null },
            { ref: "refs/heads/candidate/v2", expected: null }
          ]
        }).pipe(Effect.flip)
        expect(error).toMatchObject({ _tag: "StaleRef", ref: "refs/heads/candidate/v2", actual: tip })
        expect(error.message).toBe(
          `refs/heads/candidate/v2 was expected absent and is at ${tip}; nothing was moved`
        )
        expect(yield* stateOf(repo)).toEqual(before)
      })
    )
  )

  test(
    "refuses to move a branch that is checked out in any work tree",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const elsewhere = yield* makeTempRepo()
        yield* repo.git("worktree", "add", "--quiet", `${elsewhere.directory}/tree`, "-b", "release")
        const before = yield* stateOf(repo)
        for (const branch of ["main", "release"]) {
          const expected = yield* Effect.map(repo.git("rev-parse", branch), asObjectId)
          const refs = [{ ref: `refs/heads/${branch}`, expected }]
          const error = yield* rebuildIn(repo.directory, { refs }).pipe(Effect.flip)
          expect(error).toMatchObject({ _tag: "BranchCheckedOut", ref: `refs/heads/${branch}` })
        }
        expect((yield* stateOf(repo)).refs).toBe(before.refs)
      })
    )
  )

  test(
    "drops a patch that changes nothing any more, and one without commits, each with its reason",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("branch", "patch/zero", "v1")
        yield* repo.git("switch", "--quiet", "-c", "next", "v2")
        yield* repo.commit("upstream takes one", { "a.txt": numbered(30, { 3: "one", 25: "v2" }) })
        const result = yield* rebuiltIn(repo.directory, { onto: "next" })
        expect(result.dropped.map((patch) => [patch.patch, patch.reason])).toEqual([
          ["patch/one", "empty"],
          ["patch/zero", "no-commits"]
        ])
        const tree = yield* repo.git("rev-parse", "next^{tree}")
        expect(result.dropped[0]?.empty.map((commit) => commit.tree.toString())).toEqual([tree])
      })
    )
  )

  test(
    "takes only its own commits from a branch that is stacked on another one",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("switch", "--quiet", "-c", "patch/three", "patch/two")
        yield* repo.commit("three", { "new/file.txt": "new\nthree\n" })
        yield* repo.git("switch", "--quiet", "main")
        const result = yield* rebuiltIn(repo.directory)
        // "patch/three" comes before "patch/two" by name, so it brings the commits that both reach.
        expect(
          result.applied.map((patch) => [patch.patch, patch.commits.map((commit) => commit.subject)])
        ).toEqual([
          ["patch/one", ["one"]],
          ["patch/three", ["two, first part", "two, second part", "three"]]
        ])
        expect(result.dropped.map((patch) => [patch.patch, patch.reason])).toEqual([
          ["patch/two", "no-commits"]
        ])
        yield* repo.git("branch", "-m", "patch/three", "patch/zzz")
        const renamed = yield* rebuiltIn(repo.directory)
        expect(renamed.applied.map((patch) => [patch.patch, patch.commits.length])).toEqual([
          ["patch/one", 1],
          ["patch/two", 2],
          ["patch/zzz", 1]
        ])
        expect(renamed.tree).toBe(result.tree)
      })
    )
  )

  test(
    "refuses a merge commit and a branch without upstream history, naming the commit",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("switch", "--quiet", "patch/one")
        yield* repo.git("merge", "--quiet", "--no-edit", "patch/two")
        const merge = yield* repo.git("rev-parse", "HEAD")
        const merged = yield* rebuildIn(repo.directory).pipe(Effect.flip)
        expect(merged).toMatchObject({ _tag: "MergeCommitInPatch", patch: "patch/one", commitId: merge })
        yield* repo.git("reset", "--quiet", "--hard", "v1")
        yield* repo.git("switch", "--quiet", "--orphan", "patch/alone")
        const root = yield* repo.commit("root", { "r.txt": "r\n" })
        const alone = yield* rebuildIn(repo.directory).pipe(Effect.flip)
        expect(alone).toMatchObject({ _tag: "PatchWithoutBase", patch: "patch/alone", commitId: root })
      })
    )
  )
})

const asObjectId = Schema.decodeUnknownSync(ObjectId)
