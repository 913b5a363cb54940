import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { runChecks } from "../../src/check/Checks.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempDirectory, makeTempRepo } from "../../src/testing/TempRepo.ts"
import { makeWorktree } from "../../src/Worktree.ts"
import { untilGone, withGit } from "../support.ts"

const pidIn = (directory: string) =>
  Effect.promise(async () => Number(await Bun.file(join(directory, "pid")).text()))

describe("runChecks", () => {
  test(
    "runs in order, keeps output and exit code, and stops after the first failure",
    withGit(() =>
      Effect.gen(function* () {
        const directory = yield* makeTempDirectory
        const results = yield* runChecks({
          directory,
          commands: ["echo one", "echo two >&2; exit 3", "touch never"],
          timeoutMillis: 20_000
        })
        expect(results).toMatchObject([
          { command: "echo one", outcome: "passed", exitCode: 0, output: "one\n" },
          { outcome: "failed", exitCode: 3, output: "two\n" }
        ])
        expect(existsSync(join(directory, "never"))).toBe(false)
      })
    )
  )

  test(
    "kills the whole group at the timeout, also when SIGTERM is ignored",
    withGit(() =>
      Effect.gen(function* () {
        const directory = yield* makeTempDirectory
        const [result] = yield* runChecks({
          directory,
          commands: [
            "trap '' TERM; sh -c \"trap '' TERM; sleep 60\" & echo $! > pid; echo started; wait; sleep 60"
          ],
          timeoutMillis: 400,
          graceMillis: 100
        })
        expect(result).toMatchObject({ outcome: "timeout", exitCode: null, output: "started\n" })
        yield* untilGone(yield* pidIn(directory))
      })
    )
  )

  test(
    "does not wait for a grandchild that holds the output open, and leaves none behind",
    withGit(() =>
      Effect.gen(function* () {
        const directory = yield* makeTempDirectory
        const [result] = yield* runChecks({
          directory,
          commands: ["sleep 60 & echo $! > pid; echo done"],
          timeoutMillis: 20_000
        })
        expect(result).toMatchObject({ outcome: "passed", output: "done\n" })
        expect(result?.durationMillis).toBeLessThan(10_000)
        yield* untilGone(yield* pidIn(directory))
      })
    )
  )

  test(
    "keeps the end of a flood and counts the rest",
    withGit(() =>
      Effect.gen(function* () {
        const directory = yield* makeTempDirectory
        const commands = ["head -c 5000000 /dev/zero | tr '\\0' x; echo end"]
        const [result] = yield* runChecks({
          directory,
          commands,
          timeoutMillis: 20_000,
          outputBytesMax: 1_000
        })
        expect(result?.output).toHaveLength(1_000)
        expect(result?.output.endsWith("xend\n")).toBe(true)
        expect(result?.outputBytesOmitted).toBe(5_000_004 - 1_000)
      })
    )
  )

  test(
    "says so when a command cannot be started",
    withGit(() =>
      Effect.gen(function* () {
        const error = yield* runChecks({
          directory: "/no/such/folder",
          commands: ["true"],
          timeoutMillis: 1_000
        }).pipe(Effect.flip)
        expect(error).toMatchObject({ _tag: "CheckNotStarted", directory: "/no/such/folder" })
      })
    )
  )
})

describe("makeWorktree", () => {
  test(
    "checks the commit out, without hooks, and leaves nothing behind",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        const first = yield* repo.commit("first", { "a.txt": "one\n" })
        yield* repo.commit("second", { "a.txt": "two\n" })
        const hook = { content: "#!/bin/sh\ntouch hook-ran\n", executable: true } as const
        yield* repo.write({ ".git/hooks/post-checkout": hook, "dirty.txt": "x\n" })
        const before = yield* repo.git("worktree", "list", "--porcelain")
        const repository = yield* openRepository({ directory: repo.directory })
        const directory = yield* Effect.scoped(
          Effect.gen(function* () {
            const worktree = yield* makeWorktree({ repository, commit: first })
            const results = yield* runChecks({
              directory: worktree.directory,
              commands: ["cat a.txt", "test ! -e hook-ran", "test ! -e dirty.txt"],
              timeoutMillis: 20_000
            })
            expect(results.map((result) => result.outcome)).toEqual(["passed", "passed", "passed"])
            expect(results[0]?.output).toBe("one\n")
            return worktree.directory
          })
        )
        expect(existsSync(directory)).toBe(false)
        expect(yield* repo.git("worktree", "list", "--porcelain")).toBe(before)
        expect(yield* repo.git("status", "--porcelain")).toBe("?? dirty.txt")
      })
    )
  )

  test(
    "checks out every folder, also where the user's own work tree leaves some out",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        const tip = yield* repo.commit("first", { "in/a.txt": "a\n", "out/b.txt": "b\n" })
        yield* repo.git("sparse-checkout", "set", "in")
        expect(existsSync(join(repo.directory, "out"))).toBe(false)
        const repository = yield* openRepository({ directory: repo.directory })
        const { directory } = yield* makeWorktree({ repository, commit: tip })
        const commands = ["test -e in/a.txt", "test -e out/b.txt", 'test -z "$(git status --porcelain)"']
        const results = yield* runChecks({ directory, commands, timeoutMillis: 20_000 })
        expect(results.map((result) => result.outcome)).toEqual(["passed", "passed", "passed"])
      })
    )
  )
})
