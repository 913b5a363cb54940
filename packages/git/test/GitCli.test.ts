import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { Git, redactUrls, textOf } from "../src/Git.ts"
import { makeGitCli } from "../src/GitCli.ts"
import { makeTempDirectory, makeTempRepo } from "../src/testing/TempRepo.ts"
import { untilGone, withGit } from "./support.ts"

/** A program that answers `--version` as git does and runs the script for everything else. */
const makeFakeGit = (script: string, version = "git version 2.50.0") =>
  Effect.gen(function* () {
    const directory = yield* makeTempDirectory
    const program = join(directory, "git")
    const text = `#!/bin/sh\nif [ "$1" = --version ]; then echo "${version}"; exit 0; fi\n${script}\n`
    yield* Effect.promise(async () => {
      await writeFile(program, text)
      await chmod(program, 0o755)
    })
    return { directory, program, git: yield* makeGitCli({ program }) }
  })

describe("GitCli", () => {
  test(
    "refuses a git that is too old, and a program that is missing, saying what was found",
    withGit(() =>
      Effect.gen(function* () {
        const old = yield* makeFakeGit("exit 0", "git version 2.30.2").pipe(Effect.flip)
        expect(old._tag).toBe("GitUnusable")
        expect(old.message).toContain("git 2.38 or newer is needed")
        expect(old.message).toContain("git version 2.30.2")
        const missing = yield* makeGitCli({ program: "no-such-git-anywhere" }).pipe(Effect.flip)
        expect(missing.message).toContain("no-such-git-anywhere")
      })
    )
  )

  test(
    "does not pass the caller's GIT_DIR on",
    withGit(() =>
      Effect.gen(function* () {
        const { git, directory } = yield* makeFakeGit("env")
        const seen = textOf((yield* git.run({ args: ["x"], cwd: directory })).stdout)
        expect(seen).toContain("GIT_TERMINAL_PROMPT=0")
        expect(seen).toContain("LC_ALL=C")
        for (const name of ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "SECRET_OF_THE_CALLER"]) {
          expect(seen).not.toContain(`${name}=`)
        }
      }).pipe(
        Effect.tap(() => Effect.sync(() => delete process.env["SECRET_OF_THE_CALLER"])),
        (effect) =>
          Effect.suspend(() => {
            process.env["SECRET_OF_THE_CALLER"] = "1"
            return effect
          })
      )
    )
  )

  test(
    "ends the whole group of a command that is over its time",
    withGit(() =>
      Effect.gen(function* () {
        const { git, directory } = yield* makeFakeGit(
          "trap '' TERM\nsleep 60 &\necho $! > pid\nwait\nsleep 60"
        )
        const error = yield* git.run({ args: ["x"], cwd: directory, timeout: 300 }).pipe(Effect.flip)
        expect(error.reason).toBe("timeout")
        const pid = Number(yield* Effect.promise(() => Bun.file(join(directory, "pid")).text()))
        yield* untilGone(pid)
      })
    )
  )

  test(
    "does not wait for a grandchild that holds the output open",
    withGit(() =>
      Effect.gen(function* () {
        const { git, directory } = yield* makeFakeGit("sleep 60 &\necho $! > pid\necho done")
        const output = yield* git.run({ args: ["x"], cwd: directory, timeout: 20_000 })
        expect(textOf(output.stdout)).toBe("done\n")
        const pid = Number(yield* Effect.promise(() => Bun.file(join(directory, "pid")).text()))
        process.kill(pid, "SIGKILL")
      })
    )
  )

  test(
    "stops a command that prints more than is allowed",
    withGit(() =>
      Effect.gen(function* () {
        const { git, directory } = yield* makeFakeGit("exec yes")
        const error = yield* git
          .run({ args: ["x"], cwd: directory, outputBytesMax: 10_000 })
          .pipe(Effect.flip)
        expect(error.reason).toBe("output-limit")
      })
    )
  )

  test(
    "passes arguments without a shell and keeps credentials out of errors",
    withGit(() =>
      Effect.gen(function* () {
        const git = yield* Git
        const repo = yield* makeTempRepo()
        const url = "https://user:secret@127.0.0.1:1/$(touch pwned)"
        const error = yield* git.run({ args: ["ls-remote", url], cwd: repo.directory }).pipe(Effect.flip)
        expect(JSON.stringify(error)).not.toContain("secret")
        expect(error.message).not.toContain("secret")
        expect(error.args[1]).toBe("https://***@127.0.0.1:1/$(touch pwned)")
        expect(existsSync(join(repo.directory, "pwned"))).toBe(false)
        expect(redactUrls("https://me:pa@ss@host/x@y")).toBe("https://***@host/x@y")
        expect(redactUrls("ssh://git@host/x and ftp://a:b@c")).toBe("ssh://***@host/x and ftp://***@c")
      })
    )
  )
})
