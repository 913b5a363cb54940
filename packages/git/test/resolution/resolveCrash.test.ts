/**
 * Goal: a resolution that is stopped hard at any step goes on to the same end, or is given up and leaves nothing. Method: a
 * git program that kills its caller at the nth call; then either the same work again, or an abort first. All calls with
 * TEST_LONG=1, a few of them otherwise.
 */
import { expect, setDefaultTimeout, test } from "bun:test"
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { openRepository } from "../../src/Repository.ts"
import { readResolutions } from "../../src/resolution/ResolutionStore.ts"
import { abortResolve } from "../../src/resolution/ResolveSession.ts"
import {
  isolatedEnvironment,
  makeTempDirectory,
  type TempRepo,
  tempRepoAt
} from "../../src/testing/TempRepo.ts"
import { makeClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { answer, resolveAll } from "./resolveAll.ts"

setDefaultTimeout(900_000)

const fork = {
  patches: {
    one: [{ "a.txt": numbered(9, { 5: "one" }) }],
    two: [{ "b.txt": numbered(9, { 5: "two" }) }]
  },
  releases: [{ "a.txt": numbered(9, { 5: "release" }), "b.txt": numbered(9, { 5: "release" }) }]
}

/** Runs the work in a process of its own whose git kills it at call `at`. Gives the number of calls it made. */
const runUntil = (repo: TempRepo, tools: string, at: number) =>
  Effect.gen(function* () {
    const count = join(tools, "count")
    const program = join(tools, "git")
    const script = `#!/bin/sh
n=$(($(cat "${count}") + 1)); echo $n > "${count}"
if [ $n -eq ${at} ]; then kill -9 $PPID; exit 1; fi
exec git "$@"
`
    yield* Effect.promise(async () => {
      await writeFile(count, "0\n")
      await writeFile(program, script)
      await chmod(program, 0o755)
    })
    const source = `
      import * as Effect from "effect/Effect"
      import { layerGitCli } from "${join(import.meta.dir, "../../src/GitCli.ts")}"
      import { resolveAll } from "${join(import.meta.dir, "resolveAll.ts")}"
      const layer = layerGitCli({ program: "${program}", env: ${JSON.stringify(isolatedEnvironment)} })
      await Effect.runPromise(Effect.provide(resolveAll("${repo.directory}"), layer))
    `
    const child = Bun.spawn([process.execPath, "-e", source], { cwd: import.meta.dir, stderr: "pipe" })
    const code = yield* Effect.promise(() => child.exited)
    return { code, calls: Number(yield* Effect.promise(() => readFile(count, "utf8"))) }
  })

test(
  "stopped at any call of git: the work goes on, or is given up without a trace",
  withGit(() =>
    Effect.gen(function* () {
      const tools = yield* makeTempDirectory
      const undisturbed = yield* makeClash(fork)
      const whole = yield* runUntil(undisturbed, tools, 0)
      expect(whole.code).toBe(0)
      const tip = yield* undisturbed.git("rev-parse", "candidate/v2")
      const all = Array.from({ length: whole.calls }, (_, at) => at + 1)
      const some = [0.55, 0.9].map((part) => Math.ceil(whole.calls * part))
      for (const at of process.env["TEST_LONG"] === "1" ? all : some) {
        const directory = yield* makeTempDirectory
        yield* undisturbed.git("clone", "--quiet", "--no-local", ".", directory)
        const repo = yield* tempRepoAt(directory)
        yield* repo.git("branch", "patch/one", "origin/patch/one")
        yield* repo.git("branch", "patch/two", "origin/patch/two")
        yield* runUntil(repo, tools, at)
        const repository = yield* openRepository({ directory })
        const value = yield* repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/candidate")
        expect([at, ["", tip].includes(value)]).toEqual([at, true])
        if (at % 2 === 0) {
          yield* abortResolve({ repository })
          expect((yield* repo.git("worktree", "list")).split("\n")).toHaveLength(1)
        }
        const last = yield* resolveAll(directory)
        // Everything may have been stored before the stop; then there is no conflict any more, and nothing moves.
        if (last === "Finished") expect(yield* repo.git("rev-parse", "candidate/v2")).toBe(tip)
        else expect([at, last]).toEqual([at, "NothingToResolve"])
        const { issues, resolutions } = yield* readResolutions({ repository })
        expect(issues).toEqual([])
        expect(resolutions.map(({ resolution }) => resolution.path).sort()).toEqual(["a.txt", "b.txt"])
        expect((yield* repo.git("worktree", "list")).split("\n")).toHaveLength(1)
        expect(yield* repo.git("status", "--porcelain")).toBe("")
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      }
      expect(yield* undisturbed.git("show", "candidate/v2:a.txt")).toBe(answer.trimEnd())
    })
  )
)
