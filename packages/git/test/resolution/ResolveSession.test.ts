/** Conflicts resolved one after the other in a work tree, with real git, and what a crash or a slip does on the way. */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { chmod, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { readResolutions } from "../../src/resolution/ResolutionStore.ts"
import {
  abortResolve,
  continueResolve,
  type StartOptions,
  startResolve
} from "../../src/resolution/ResolveSession.ts"
import { readState, stateFileOf } from "../../src/resolution/ResolveState.ts"
import { makeTempClone, makeTempDirectory, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { type ClashOptions, makeClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { ada, startOptionsIn } from "./resolving.ts"

setDefaultTimeout(120_000)

const optionsIn = (directory: string, more: Partial<StartOptions> = {}) =>
  Effect.map(startOptionsIn(directory), (options) => ({ ...options, ...more }) satisfies StartOptions)

/** A fork, the first conflict opened, and the hands to work on it. */
const opened = (fork: ClashOptions = {}, more: Partial<StartOptions> = {}) =>
  Effect.gen(function* () {
    const repo = yield* makeClash(fork)
    const options = yield* optionsIn(repo.directory, more)
    const started = yield* startResolve(options)
    if (started._tag !== "Opened") return yield* Effect.dieMessage(started._tag)
    const work = yield* tempRepoAt(started.directory)
    const { repository } = options
    return { repo, options, repository, started, work, go: continueResolve({ repository, author: ada }) }
  })

const merged = numbered(9, { 5: "both" })

for (const objectFormat of ["sha1", "sha256"] as const) {
  test(
    `opened, answered, stored, moved; the checkout is not touched (${objectFormat})`,
    withGit(() =>
      Effect.gen(function* () {
        const { go, options, repo, repository, started, work } = yield* opened({
          objectFormat,
          patches: {
            // The first patch and the first commit make versions that only the rebuild knows.
            before: [{ "a.txt": numbered(9, { 9: "before" }) }],
            clash: [
              { "a.txt": numbered(9, { 1: "first" }) },
              { "a.txt": numbered(9, { 1: "first", 5: "patch" }) }
            ]
          }
        })
        expect(started.conflict).toMatchObject({ patch: "patch/clash", subject: "clash 2" })
        expect(yield* work.git("status", "--porcelain")).toBe("UU a.txt")
        expect(yield* work.git("show", "HEAD:a.txt")).toBe(
          numbered(9, { 1: "first", 5: "release", 9: "before" }).trimEnd()
        )
        expect(yield* Effect.promise(() => Bun.file(join(started.directory, "a.txt")).text())).toContain(
          "<<<<<<<"
        )
        expect((yield* Effect.flip(startResolve(options)))._tag).toBe("ResolveInProgress")
        // Nothing is taken before it is finished, and everything that is missing is named.
        expect(yield* Effect.flip(go)).toMatchObject({ _tag: "ResolveUnfinished", unmerged: ["a.txt"] })
        yield* work.git("add", "a.txt")
        yield* work.write({ "b.txt": "changed\n" })
        expect(yield* Effect.flip(go)).toMatchObject({ marked: ["a.txt"], changed: ["b.txt"], unmerged: [] })
        yield* work.git("checkout", "--quiet", "--", "b.txt")
        const answer = numbered(9, { 1: "first", 5: "both", 9: "before" })
        yield* work.write({ "a.txt": answer, "notes/why.txt": "mine\n", "ignored.txt": "a build's\n" })
        yield* repo.write({ ".git/info/exclude": "ignored.txt\n" })
        // What is removed with the work tree has to be somewhere else, or of no worth.
        expect(yield* Effect.flip(go)).toMatchObject({ untracked: ["notes/"], changed: [], marked: [] })
        yield* Effect.promise(() => rm(join(started.directory, "notes"), { recursive: true }))
        const dry = yield* continueResolve({ repository, author: ada, dryRun: true })
        expect(dry).toMatchObject({ _tag: "WouldStore", answers: [{ path: "a.txt" }] })
        expect((yield* readResolutions({ repository })).resolutions).toEqual([])
        const done = yield* go
        if (done._tag !== "Finished") return yield* Effect.dieMessage(done._tag)
        expect(yield* repo.git("show", "candidate/v2:a.txt")).toBe(answer.trimEnd())
        expect(yield* repo.git("rev-parse", "candidate/v2")).toBe(done.result.tip)
        const { resolutions } = yield* readResolutions({ repository })
        expect(resolutions[0]).toMatchObject({
          id: done.made[0],
          resolution: { path: "a.txt", patch: "patch/clash", how: "hand", author: ada }
        })
        expect(yield* repo.git("status", "--porcelain")).toBe("")
        expect((yield* repo.git("worktree", "list")).split("\n")).toHaveLength(1)
        expect(yield* readState(repository)).toBeNull()
        expect((yield* Effect.flip(go))._tag).toBe("NoResolve")
        // The next rebuild needs nobody.
        expect((yield* startResolve(options))._tag).toBe("NothingToResolve")
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      })
    )
  )
}

test(
  "one conflict after the other; with policy never only the own answers are used",
  withGit(() =>
    Effect.gen(function* () {
      const fork = {
        patches: {
          one: [{ "a.txt": numbered(9, { 5: "one" }) }],
          two: [{ "b.txt": numbered(9, { 5: "two" }) }]
        },
        releases: [{ "a.txt": numbered(9, { 5: "release" }), "b.txt": numbered(9, { 5: "release" }) }]
      }
      const { go, repo, started, work } = yield* opened(fork, { reuse: "never" })
      expect(started.conflict.patch).toBe("patch/one")
      yield* work.write({ "a.txt": merged })
      yield* work.git("add", "a.txt")
      const next = yield* go
      if (next._tag !== "Opened") return yield* Effect.dieMessage(next._tag)
      expect(next.conflict.patch).toBe("patch/two")
      expect(yield* Effect.promise(() => Bun.file(join(started.directory, "a.txt")).exists())).toBe(false)
      const second = yield* tempRepoAt(next.directory)
      expect(yield* second.git("status", "--porcelain")).toBe("UU b.txt")
      yield* second.write({ "b.txt": merged })
      yield* second.git("add", "b.txt")
      expect((yield* go)._tag).toBe("Finished")
      expect(yield* repo.git("diff", "--stat", "candidate/v2:a.txt", "candidate/v2:b.txt")).toBe("")
    })
  )
)

describe("kinds of conflicts", () => {
  test(
    "modify/delete in both directions, binary, rename, mode, a link, add/add: the files as they lie there are the answer",
    withGit(() =>
      Effect.gen(function* () {
        const bytes = (last: number) => new Uint8Array([0, 1, 2, 0, 255, last])
        const { go, repo, started, work } = yield* opened({
          base: {
            "gone.txt": numbered(9),
            "kept.txt": numbered(20),
            "logo.bin": bytes(1),
            "old.txt": numbered(40),
            "to.txt": { symlink: "base" }
          },
          patches: {
            clash: [
              {
                "gone.txt": numbered(9, { 2: "patch" }),
                "kept.txt": null,
                "logo.bin": bytes(2),
                "old.txt": null,
                "patch.txt": numbered(40),
                "to.txt": { symlink: "patch" },
                "run.sh": "#!/bin/sh\n",
                "sp ace\nü.txt": "patch\n"
              }
            ]
          },
          releases: [
            {
              "gone.txt": null,
              "kept.txt": numbered(20, { 2: "release" }),
              "logo.bin": bytes(3),
              "old.txt": null,
              "release.txt": numbered(40),
              "to.txt": { symlink: "release" },
              "run.sh": { content: "#!/bin/sh\n", executable: true },
              "sp ace\nü.txt": "release\n"
            }
          ]
        })
        const { directory } = started
        expect(started.conflict.files).toHaveLength(9)
        const unfinished = yield* Effect.flip(go)
        expect(unfinished).toMatchObject({ _tag: "ResolveUnfinished", marked: [], changed: [] })
        yield* work.git("rm", "--quiet", "gone.txt", "old.txt", "patch.txt")
        yield* work.write({ "logo.bin": bytes(4), "sp ace\nü.txt": "both\n", "to.txt": { symlink: "both" } })
        yield* Effect.promise(() => chmod(join(directory, "run.sh"), 0o755))
        yield* work.git("add", "kept.txt", "logo.bin", "release.txt", "run.sh", "sp ace\nü.txt", "to.txt")
        const done = yield* go
        if (done._tag !== "Finished") return yield* Effect.dieMessage(done._tag)
        const listing = (yield* repo.git("ls-tree", "-r", "-z", done.result.tip)).split("\0")
        expect(listing.map((line) => line.replace(/ blob .*\t/, " "))).toEqual([
          "100644 kept.txt",
          "100644 logo.bin",
          "100644 release.txt",
          "100755 run.sh",
          "100644 sp ace\nü.txt",
          "120000 to.txt",
          ""
        ])
        expect(yield* repo.git("show", `${done.result.tip}:to.txt`)).toBe("both")
      })
    )
  )

  test(
    "a file where the other side has a folder is refused before anything is made",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeClash({
          base: { "keep.txt": "keep\n" },
          patches: { clash: [{ thing: "a file\n" }] },
          releases: [{ "thing/inside.txt": "a folder\n" }]
        })
        const options = yield* optionsIn(repo.directory)
        const before = yield* repo.git("for-each-ref")
        expect((yield* Effect.flip(startResolve(options)))._tag).toBe("ConflictUnanswerable")
        expect(yield* repo.git("for-each-ref")).toBe(before)
        expect(yield* readState(options.repository)).toBeNull()
      })
    )
  )

  test(
    "text attributes hold: what is stored is what git would commit",
    withGit(() =>
      Effect.gen(function* () {
        const { go, repo, work } = yield* opened({
          base: { ".gitattributes": "*.txt text eol=crlf\n", "a.txt": numbered(9) },
          patches: { clash: [{ "a.txt": numbered(9, { 5: "patch" }) }] },
          releases: [{ "a.txt": numbered(9, { 5: "release" }) }]
        })
        yield* work.write({ "a.txt": merged.replaceAll("\n", "\r\n") })
        yield* work.git("add", "a.txt")
        expect((yield* go)._tag).toBe("Finished")
        expect(yield* repo.git("show", "candidate/v2:a.txt")).toBe(merged.trimEnd())
      })
    )
  )
})

describe("places", () => {
  test(
    "a bare repository, with a folder of its own; folders that will not do are refused",
    withGit(() =>
      Effect.gen(function* () {
        const source = yield* makeClash()
        const bare = yield* makeTempClone({ from: source.directory, args: ["--bare"] })
        const home = yield* makeTempDirectory
        const directory = join(home, "work")
        const options = yield* optionsIn(bare.directory, { directory })
        expect(yield* startResolve({ ...options, dryRun: true })).toMatchObject({
          _tag: "WouldOpen",
          directory
        })
        expect(yield* bare.git("for-each-ref", "refs/patchmoi")).toBe("")
        yield* Effect.promise(() => writeFile(join(home, "file"), "x"))
        for (const refused of [join(home, "file"), home, join(bare.directory, "inside")]) {
          const error = yield* Effect.flip(startResolve({ ...options, directory: refused }))
          expect(error._tag).toBe("ResolveFolderRefused")
        }
        const checkout = yield* optionsIn(source.directory, { directory: join(source.directory, "inside") })
        expect((yield* Effect.flip(startResolve(checkout)))._tag).toBe("ResolveFolderRefused")
        const { repository } = options
        expect(yield* startResolve(options)).toMatchObject({ _tag: "Opened", directory })
        const work = yield* tempRepoAt(directory)
        yield* work.write({ "a.txt": merged })
        yield* work.git("add", "a.txt")
        expect((yield* continueResolve({ repository, author: ada, how: "agent" }))._tag).toBe("Finished")
        expect(yield* bare.git("show", "candidate/v2:a.txt")).toBe(merged.trimEnd())
      })
    )
  )
})

describe("crashes", () => {
  test(
    "abort works with a state that is broken, and with none; a resolve can begin again",
    withGit(() =>
      Effect.gen(function* () {
        const { options, repo, repository, started } = yield* opened()
        const file = stateFileOf(repository)
        expect(yield* abortResolve({ repository, dryRun: true })).toEqual({
          worktrees: [started.directory],
          state: true
        })
        yield* Effect.promise(() => writeFile(file, '{"version":1,"conflict":{"directory":"/"}}'))
        expect((yield* Effect.flip(startResolve(options)))._tag).toBe("ResolveStateBroken")
        expect(yield* abortResolve({ repository })).toEqual({ worktrees: [started.directory], state: true })
        expect(yield* abortResolve({ repository })).toEqual({ worktrees: [], state: false })
        expect((yield* repo.git("worktree", "list")).split("\n")).toHaveLength(1)
        expect(yield* Effect.promise(() => Bun.file(file).exists())).toBe(false)
        expect(yield* repo.git("for-each-ref", "refs/heads/candidate")).toBe("")
        expect((yield* startResolve(options))._tag).toBe("Opened")
        yield* Effect.promise(() => rm(file))
        // A work tree without a state, as after a crash between the two removals.
        expect((yield* abortResolve({ repository })).worktrees).toEqual([started.directory])
      })
    )
  )

  test(
    "a work tree that is gone, or was not complete, is no answer: it is made anew",
    withGit(() =>
      Effect.gen(function* () {
        const { go, repo, repository, started } = yield* opened()
        const { directory } = started
        yield* Effect.promise(() => rm(directory, { recursive: true }))
        expect(yield* go).toMatchObject({ _tag: "Opened", directory })
        const again = yield* tempRepoAt(directory)
        expect(yield* again.git("status", "--porcelain")).toBe("UU a.txt")
        // Stopped after the checkout and before the index had the three versions.
        const state = yield* readState(repository)
        yield* again.git("reset", "--quiet", "--hard", "HEAD")
        const opening = { ...state, conflict: { ...state?.conflict, phase: "opening" } }
        yield* Effect.promise(() => writeFile(stateFileOf(repository), JSON.stringify(opening)))
        expect(yield* go).toMatchObject({ _tag: "Opened", directory })
        expect(yield* again.git("status", "--porcelain")).toBe("UU a.txt")
        expect((yield* readResolutions({ repository })).resolutions).toEqual([])
        // Stopped after the answers were stored: they are found again, once.
        yield* again.write({ "a.txt": merged })
        yield* again.git("add", "a.txt")
        yield* repo.git(
          "worktree",
          "add",
          "--quiet",
          join(directory, "..", "other"),
          "-b",
          "candidate/v2",
          "main"
        )
        expect((yield* Effect.flip(go))._tag).toBe("BranchCheckedOut")
        yield* repo.git("worktree", "remove", "--force", join(directory, "..", "other"))
        expect((yield* go)._tag).toBe("Finished")
        expect((yield* readResolutions({ repository })).resolutions).toHaveLength(1)
      })
    )
  )
})
