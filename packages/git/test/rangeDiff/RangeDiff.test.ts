import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { parseObjectId } from "../../src/GitName.ts"
import { openRepository } from "../../src/Repository.ts"
import { rangeDiff } from "../../src/rangeDiff/RangeDiff.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"

type Commits = ReadonlyArray<readonly [message: string, files: Readonly<Record<string, TempFile>>]>

const stackOf = (repo: TempRepo, branch: string, from: string, commits: Commits) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "-c", branch, from)
    for (const [message, files] of commits) yield* repo.commit(message, files)
    const idOf = (revision: string) => Effect.flatMap(repo.git("rev-parse", revision), parseObjectId)
    return { base: yield* idOf(`${from}^{commit}`), tip: yield* idOf("HEAD") }
  })

const makeCase = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  yield* repo.commit("base", { "a.txt": numbered(40), "b.txt": numbered(40), "## x ##.md": "## x ##\n" })
  yield* repo.git("tag", "v1")
  yield* repo.commit("release", { "a.txt": `new first line\n${numbered(40, { 5: "upstream's five" })}` })
  yield* repo.git("tag", "v2")
  const repository = yield* openRepository({ directory: repo.directory })
  return { repo, repository }
})

test(
  "each commit is paired and told what became of it, and lines that moved are no difference",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository } = yield* makeCase
      const old = yield* stackOf(repo, "old", "v1", [
        ["moved", { "a.txt": numbered(40, { 20: "twenty" }) }],
        ["beside what upstream changed", { "a.txt": numbered(40, { 20: "twenty", 4: "four" }) }],
        ["said anew", { "b.txt": numbered(40, { 10: "ten" }) }],
        ["changed", { "b.txt": numbered(40, { 10: "ten", 20: "twenty", 21: "old form" }) }],
        ["gone", { "gone.txt": "only in the old stack\n" }]
      ])
      const top = (change: Readonly<Record<number, string>>) =>
        `new first line\n${numbered(40, { 5: "upstream's five", ...change })}`
      const next = yield* stackOf(repo, "new", "v2", [
        ["moved", { "a.txt": top({ 20: "twenty" }) }],
        ["beside what upstream changed", { "a.txt": top({ 20: "twenty", 4: "four" }) }],
        ["said anew\n\nWith a reason.\n", { "b.txt": numbered(40, { 10: "ten" }) }],
        ["changed", { "b.txt": numbered(40, { 10: "ten", 20: "twenty", 21: "new form" }) }],
        ["come", { "come.txt": "another thing altogether\nof two lines\n" }]
      ])
      const rows = yield* rangeDiff({ repository, old, new: next })
      expect(rows.map(({ relation, subject }) => [relation, subject])).toEqual([
        ["equal", "moved"],
        ["context", "beside what upstream changed"],
        ["message", "said anew"],
        ["content", "changed"],
        ["removed", "gone"],
        ["added", "come"]
      ])
      expect(rows.map((row) => [row.old?.number ?? null, row.new?.number ?? null])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, null],
        [null, 5]
      ])
      expect(rows[3]?.new?.commit).toMatch(/^[0-9a-f]{40}$/)
      expect(rows[1]?.lines).toEqual([])
      expect(rows[2]?.lines.join("\n")).toContain("+    With a reason.")
      const changed = rows[3]?.lines.join("\n") ?? ""
      expect(changed).toContain("-+old form")
      expect(changed).toContain("++new form")
      expect(changed).not.toContain("line 22")
    })
  )
)

test(
  "a file that looks like a head of range-diff is read as a file",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository } = yield* makeCase
      const text = "## Commit message ##\n@@ Metadata\n1:  abc = 2:  def x\n"
      const old = yield* stackOf(repo, "old", "v1", [
        ["heads", { "## x ##.md": `${text}## x ##\nold end\n` }]
      ])
      const next = yield* stackOf(repo, "new", "v1", [
        ["heads", { "## x ##.md": `${text}## x ##\nnew end\n` }]
      ])
      const rows = yield* rangeDiff({ repository, old, new: next })
      expect(rows.map(({ relation }) => relation)).toEqual(["content"])
    })
  )
)

test(
  "a commit without a message, and one whose subject has odd line ends, have their rows",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository } = yield* makeCase
      const old = yield* stackOf(repo, "old", "v1", [
        ["one\u2028two", { "a.txt": numbered(40, { 20: "a" }) }]
      ])
      yield* repo.write({ "b.txt": numbered(40, { 20: "b" }) })
      yield* repo.git("commit", "--quiet", "--all", "--allow-empty-message", "-m", "")
      const tip = yield* Effect.flatMap(repo.git("rev-parse", "HEAD"), parseObjectId)
      const rows = yield* rangeDiff({ repository, old: { ...old, tip }, new: { ...old, tip } })
      expect(rows.map(({ relation, subject }) => [relation, subject])).toEqual([
        ["equal", "one\u2028two"],
        ["equal", ""]
      ])
    })
  )
)

test(
  "a long row is cut and says so; a stack over the limit is refused",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository } = yield* makeCase
      const long = (word: string) =>
        Array.from({ length: 12_000 }, (_, at) => (at % 6 === 0 ? `${word} ${at}` : `the same ${at}`)).join(
          "\n"
        )
      const old = yield* stackOf(repo, "old", "v1", [
        ["long", { "long.txt": `${long("old and much older")}\n` }]
      ])
      const next = yield* stackOf(repo, "new", "v1", [
        ["long", { "long.txt": `${long("new and much newer")}\n` }]
      ])
      const [row] = yield* rangeDiff({ repository, old, new: next })
      expect(row).toMatchObject({ relation: "content", truncated: true })
      expect((row?.lines.join("\n") ?? "").length).toBeLessThanOrEqual(64 * 1024)
      const two = yield* stackOf(repo, "two", "new", [["more", { more: "more\n" }]])
      const range = { base: old.base, tip: two.tip }
      const refused = yield* Effect.flip(rangeDiff({ repository, old, new: range, commitsMax: 1 }))
      expect(refused).toMatchObject({ _tag: "RangeTooLong", commitsMax: 1 })
    })
  )
)
