/** The rebuild that needs no git program: same ids as with git, refs moved all or none, and refusals by name. */
import { describe, expect, test } from "bun:test"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { mergeLines } from "../../src/internal/withoutGit/lineMerge.ts"
import { type RebuildWithoutGitOptions, rebuildWithoutGit } from "../../src/patch/RebuildWithoutGit.ts"
import { makeTempDirectory, makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { makeFork, rebuiltIn } from "./fork.ts"
import { randomOf } from "./histories.ts"

const without = (repo: TempRepo, more: Partial<RebuildWithoutGitOptions> = {}) =>
  rebuildWithoutGit({ directory: repo.directory, onto: "v2", ...more })

const candidate = "refs/heads/candidate/v2"
const other = "refs/patchmoi/test/v2"

describe("rebuildWithoutGit", () => {
  test(
    "gives the commits that the rebuild with git gives, from packs, packed refs and a linked work tree",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const trailers = { patch: true, event: "e1" }
        const withGitProgram = yield* rebuiltIn(repo.directory, { trailers })
        expect(yield* without(repo, { trailers })).toEqual(withGitProgram)
        yield* repo.git("pack-refs", "--all")
        yield* repo.git("gc", "--quiet", "--aggressive")
        const linked = join(yield* makeTempDirectory, "linked")
        yield* repo.git("worktree", "add", "--quiet", "--detach", linked, "v1")
        expect(yield* rebuildWithoutGit({ directory: linked, onto: "refs/tags/v2", trailers })).toEqual(
          withGitProgram
        )
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      })
    )
  )

  test(
    "starts no program at all",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const { tip } = yield* rebuiltIn(repo.directory)
        const home = yield* makeTempDirectory
        const script = `
          import * as Effect from "effect/Effect"
          import { rebuildWithoutGit } from "${join(import.meta.dir, "../../src/patch/RebuildWithoutGit.ts")}"
          Bun.spawn = Bun.spawnSync = () => { throw new Error("a program was started") }
          const refs = [{ ref: "${candidate}", expected: null }]
          const work = rebuildWithoutGit({ directory: "${repo.directory}", onto: "v2", refs })
          process.stdout.write((await Effect.runPromise(work)).tip)
        `
        const child = Bun.spawn([process.execPath, "-e", script], {
          cwd: import.meta.dir,
          env: { PATH: home, HOME: home },
          stdout: "pipe",
          stderr: "inherit"
        })
        expect(yield* Effect.promise(() => child.stdout.text())).toBe(tip)
        expect(yield* repo.git("rev-parse", candidate)).toBe(tip)
      })
    )
  )

  test(
    "moves refs all or none, only from the expected value, and never a branch that is checked out",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const refs = [
          { ref: candidate, expected: null },
          { ref: other, expected: null }
        ]
        yield* repo.git("update-ref", other, "v1")
        yield* repo.git("branch", "patches-of-others", "v1")
        yield* repo.git("branch", "patch-like/x", "v1")
        yield* repo.git("pack-refs", "--all")
        const before = yield* repo.git("for-each-ref")
        expect(yield* without(repo, { refs }).pipe(Effect.flip)).toMatchObject({
          _tag: "StaleRef",
          ref: other
        })
        expect(yield* repo.git("for-each-ref")).toBe(before)
        yield* repo.git("update-ref", "-d", other)
        const lock = join(repo.directory, ".git", `${other}.lock`)
        yield* Effect.promise(() => Bun.write(lock, "somebody's"))
        expect(yield* without(repo, { refs }).pipe(Effect.flip)).toMatchObject({
          _tag: "RefFileError",
          ref: other
        })
        expect(yield* repo.git("for-each-ref", candidate, other)).toBe("")
        expect(yield* Effect.promise(() => Bun.file(lock).text())).toBe("somebody's")
        yield* Effect.promise(() => Bun.file(lock).delete())
        const result = yield* without(repo, { refs })
        expect(result).toMatchObject({ _tag: "Rebuilt", moved: [{ ref: candidate }, { ref: other }] })
        for (const ref of [candidate, other]) {
          const tip = result._tag === "Rebuilt" ? result.tip : ""
          expect<string>(yield* repo.git("rev-parse", ref)).toBe(tip)
        }
        for (const ref of ["refs/heads/candidate/v2/below", "refs/heads/candidate"]) {
          const error = yield* without(repo, { refs: [{ ref, expected: null }] }).pipe(Effect.flip)
          expect(error._tag).toBe("RefFileError")
        }
        const error = yield* without(repo, { refs: [{ ref: "refs/heads/main", expected: null }] }).pipe(
          Effect.flip
        )
        expect(error._tag).toBe("BranchCheckedOut")
      })
    )
  )

  test(
    "describes a conflict, keeps going past it, and leaves nothing behind",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("switch", "--quiet", "patch/one")
        yield* repo.commit("one more", { "a.txt": numbered(30, { 3: "one", 25: "one" }) })
        yield* repo.git("switch", "--quiet", "main")
        expect(yield* without(repo)).toMatchObject({
          _tag: "Conflicted",
          conflict: {
            patch: "patch/one",
            files: [
              {
                path: "a.txt",
                kind: "content",
                markedText: expect.stringMatching(
                  /line 24\n<<<<<<< \w{40}\nv2\n\|{7} \w{40}\nline 25\n={7}\none\n>{7} \w{40}\nline 26/
                )
              }
            ]
          },
          remaining: ["patch/two"]
        })
        const result = yield* without(repo, { keepGoing: true })
        expect(result).toMatchObject({ applied: [{ patch: "patch/two" }], skipped: [{ patch: "patch/one" }] })
        expect(
          yield* Effect.promise(() =>
            Array.fromAsync(
              new Bun.Glob("quarantine-*").scan({
                cwd: join(repo.directory, ".git/patchmoi"),
                onlyFiles: false
              })
            )
          )
        ).toEqual([])
      })
    )
  )

  test(
    "leaves a file to a person where attributes decide how it is merged",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.commit("attributes", { ".gitattributes": "*.txt merge=union\n" })
        yield* repo.git("tag", "v3")
        expect(yield* without(repo, { onto: "v3" })).toMatchObject({
          _tag: "Conflicted",
          conflict: { files: [{ path: "a.txt", markedText: null }] }
        })
      })
    )
  )

  test(
    "refuses by name what it cannot read, and finds no repository where there is none",
    withGit(() =>
      Effect.gen(function* () {
        const sha256 = yield* makeFork("sha256")
        const format = yield* without(sha256).pipe(Effect.flip)
        expect(format).toMatchObject({ _tag: "NeedsGit", what: "SHA-256 object ids" })
        const repo = yield* makeFork()
        const borrowed = yield* makeTempRepo()
        yield* borrowed.git("clone", "--quiet", "--shared", repo.directory, "clone")
        const shared = yield* rebuildWithoutGit({
          directory: join(borrowed.directory, "clone"),
          onto: "v2"
        }).pipe(Effect.flip)
        expect(shared).toMatchObject({ _tag: "NeedsGit", what: "objects in another repository" })
        const nowhere = yield* rebuildWithoutGit({ directory: yield* makeTempDirectory, onto: "v2" }).pipe(
          Effect.flip
        )
        expect(nowhere._tag).toBe("NotARepository")
        expect((yield* without(repo, { onto: "v9" }).pipe(Effect.flip))._tag).toBe("RevisionNotFound")
        expect((yield* without(repo, { onto: "--x" }).pipe(Effect.flip))._tag).toBe("InvalidName")
        const commit = yield* repo.git("rev-parse", "patch/one")
        const file = join(repo.directory, ".git/objects", commit.slice(0, 2), commit.slice(2))
        yield* Effect.promise(async () => {
          await chmod(file, 0o644)
          await writeFile(file, "damaged")
        })
        expect(yield* without(repo).pipe(Effect.flip)).toMatchObject({
          _tag: "MissingObject",
          objectId: commit
        })
      })
    )
  )
})

test(
  "lines are merged as git merge-file does",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeTempRepo()
      const labels = { base: "base", ours: "ours", theirs: "theirs" }
      let conflicts = 0
      for (let seed = 0; seed < 150; seed++) {
        const random = randomOf(seed)
        const base = Array.from({ length: random(25) }, (_, at) => `line ${at} ${random(9)}\n`)
        const side = () => {
          const lines = [...base]
          for (let count = random(4); count > 0; count--) {
            lines.splice(
              random(lines.length + 1),
              random(3),
              ...Array.from({ length: random(3) }, () => `new ${random(6)}\n`)
            )
          }
          return lines.join("") + (random(5) === 0 ? "no line end" : "")
        }
        const texts = { base: base.join(""), ours: side(), theirs: side() }
        yield* repo.write(texts)
        const merged = yield* repo.run({
          args: ["merge-file", "-p", "--diff3", "ours", "base", "theirs"],
          okExitCodes: Array.from({ length: 128 }, (_, code) => code)
        })
        const isClean = !merged.includes("<<<<<<<")
        const given = mergeLines({
          base: Buffer.from(texts.base),
          ours: Buffer.from(texts.ours),
          theirs: Buffer.from(texts.theirs),
          labels
        })
        expect({ seed, clean: given?.clean }).toEqual({ seed, clean: isClean })
        if (!isClean) conflicts += 1
        else expect({ seed, text: given?.text.toString().replace(/\n$/, "") }).toEqual({ seed, text: merged })
      }
      expect(conflicts).toBeGreaterThan(20)
    })
  )
)

test("texts that are too long or too different are left to a person", () => {
  const labels = { base: "base", ours: "ours", theirs: "theirs" }
  const lines = (word: string) =>
    Buffer.from(Array.from({ length: 1_500 }, (_, at) => `${word} ${at}\n`).join(""))
  expect(mergeLines({ base: lines("a"), ours: lines("b"), theirs: Buffer.alloc(0), labels })).toBeNull()
  const long = Buffer.alloc(4 * 1024 * 1024 + 1)
  expect(mergeLines({ base: long, ours: Buffer.alloc(1), theirs: Buffer.alloc(2), labels })).toBeNull()
})
