/**
 * Goal: a rebuild that stops anywhere leaves the repository as it was, or finished. Method: interrupt it, and kill a
 * process that runs it, after growing delays; then look at refs, leftovers and integrity, and rebuild again.
 */
import { expect, test } from "bun:test"
import { chmod, mkdir, readdir, utimes, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { basename, join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Git } from "../../src/Git.ts"
import { makeGitCli } from "../../src/GitCli.ts"
import { MemoryFolder } from "../../src/internal/memoryFolder.ts"
import { QuarantineFiles, quarantineFiles } from "../../src/internal/quarantineFiles.ts"
import {
  listStaleQuarantines,
  memoryPrefixOf,
  quarantineNameOf,
  sweepStaleQuarantines
} from "../../src/patch/StaleQuarantines.ts"
import { openRepository } from "../../src/Repository.ts"
import { isolatedEnvironment, makeTempDirectory, type TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"
import { makeFork, rebuiltIn } from "./fork.ts"

const delaysMillis = [5, 15, 25, 35, 50, 70, 100, 400]
const candidate = "refs/heads/candidate/v2"
const refs = [{ ref: candidate, expected: null }]

const homeOf = (repo: TempRepo) => join(repo.directory, ".git/patchmoi")
const leftoversOf = (repo: TempRepo) => Effect.promise(() => readdir(homeOf(repo)).catch(() => []))
/** The same where the machine has memory for it. */
const leftInMemory = (repo: TempRepo) =>
  Effect.gen(function* () {
    const prefix = memoryPrefixOf(yield* openRepository({ directory: repo.directory }))
    const { path } = yield* MemoryFolder
    const names = yield* Effect.promise(() => readdir(path ?? "/none").catch(() => []))
    return names.filter((name) => name.startsWith(prefix))
  })

test(
  "an interrupted rebuild leaves no object folder, and the ref either absent or complete",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const { tip } = yield* rebuiltIn(repo.directory)
      const outcomes = new Set<string>()
      for (const delay of delaysMillis) {
        yield* rebuiltIn(repo.directory, { refs }).pipe(Effect.timeoutOption(delay))
        expect(yield* leftoversOf(repo)).toEqual([])
        expect(yield* leftInMemory(repo)).toEqual([])
        const value = yield* repo.git("for-each-ref", "--format=%(objectname)", candidate)
        expect(["", tip]).toContain(value)
        outcomes.add(value === "" ? "absent" : "complete")
        if (value !== "") yield* repo.git("update-ref", "-d", candidate)
      }
      expect(outcomes).toContain("absent")
      expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
    })
  )
)

test(
  "a folder that is being made when a rebuild is interrupted does not come back",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
      const { promise: gate, resolve: open } = Promise.withResolvers<void>()
      const late = Promise.withResolvers<void>()
      const files = QuarantineFiles.of({
        ...quarantineFiles,
        makeFolder: async (path) => {
          if (basename(path) !== "pack") return quarantineFiles.makeFolder(path)
          ask()
          await gate
          await quarantineFiles.makeFolder(path).finally(late.resolve)
        }
      })
      const rebuilding = yield* Effect.fork(
        Effect.provideService(rebuiltIn(repo.directory, { refs }), QuarantineFiles, files)
      )
      yield* Effect.promise(() => asked)
      const interrupting = yield* Effect.fork(Fiber.interrupt(rebuilding))
      yield* Effect.repeatN(Effect.yieldNow(), 100)
      open()
      yield* Fiber.join(interrupting)
      yield* Effect.promise(() => late.promise)
      expect(yield* leftoversOf(repo)).toEqual([])
      expect(yield* leftInMemory(repo)).toEqual([])
    })
  )
)

test(
  "a killed rebuild leaves a sound repository, and the next one succeeds",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const script = `
        import * as Effect from "effect/Effect"
        import { layerGitCli } from "${join(import.meta.dir, "../../src/GitCli.ts")}"
        import { rebuildIn } from "${join(import.meta.dir, "fork.ts")}"
        process.stdout.write("ready\\n")
        const refs = [{ ref: "${candidate}", expected: null }]
        const work = rebuildIn("${repo.directory}", { refs })
        await Effect.runPromise(work.pipe(Effect.provide(layerGitCli({ env: ${JSON.stringify(isolatedEnvironment)} }))))
      `
      for (const delay of delaysMillis) {
        const child = Bun.spawn([process.execPath, "-e", script], {
          cwd: import.meta.dir,
          stdout: "pipe",
          stderr: "inherit",
          detached: true
        })
        yield* Effect.promise(() => child.stdout.getReader().read())
        yield* Effect.sleep(delay)
        yield* Effect.try(() => process.kill(-child.pid, "SIGKILL")).pipe(Effect.option)
        yield* Effect.promise(() => child.exited)
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        const value = yield* repo.git("for-each-ref", "--format=%(objectname)", candidate)
        const { tip } = yield* rebuiltIn(repo.directory)
        expect(["", tip]).toContain(value)
        if (value !== "") yield* repo.git("update-ref", "-d", candidate)
        expect(yield* leftInMemory(repo)).toEqual([])
      }
    })
  )
)

test(
  "removes what ended processes left and what is older than a day, and nothing else",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const repository = yield* openRepository({ directory: repo.directory })
      const dead = Bun.spawn(["true"])
      yield* Effect.promise(() => dead.exited)
      const names = {
        dead: `${quarantineNameOf(dead.pid)}dead`,
        elsewhere: `${quarantineNameOf(dead.pid, `not-${hostname()}`)}elsewhere`,
        live: `${quarantineNameOf(process.pid)}live`,
        old: `${quarantineNameOf(process.pid)}old`,
        unsigned: "quarantine-1-unsigned",
        other: "something-else"
      }
      yield* Effect.promise(async () => {
        for (const name of Object.values(names)) await mkdir(join(homeOf(repo), name), { recursive: true })
        await utimes(join(homeOf(repo), names.old), 1_000_000, 1_000_000)
      })
      const listed = yield* listStaleQuarantines({ repository })
      expect(new Map(listed.map(({ directory, reason }) => [basename(directory), reason]))).toEqual(
        new Map([
          [names.dead, "owner-gone"],
          [names.old, "old"]
        ])
      )
      yield* rebuiltIn(repo.directory)
      expect((yield* leftoversOf(repo)).sort()).toEqual(
        [names.elsewhere, names.live, names.other, names.unsigned].sort()
      )
      expect(yield* sweepStaleQuarantines({ repository })).toEqual([])
    })
  )
)

test(
  "only what the result needs is kept: no throw-away commit, no padding",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const { tip } = yield* rebuiltIn(repo.directory, { refs })
      const unreachable = yield* repo.git("fsck", "--unreachable", "--no-reflogs")
      expect(unreachable).toBe("")
      expect(yield* repo.git("rev-parse", candidate)).toBe(tip)
    })
  )
)

test(
  "goes on without the long-lived process when that one breaks or talks nonsense",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeFork()
      const { tip } = yield* rebuiltIn(repo.directory)
      for (const failure of ["exit 3", "printf 'nonsense\\0'; cat >/dev/null", "printf '1\\0'; exit 0"]) {
        const program = join(yield* makeTempDirectory, "git")
        const script = `#!/bin/sh\ncase "$*" in *merge-tree*--stdin*) ${failure};; esac\nexec git "$@"\n`
        yield* Effect.promise(async () => {
          await writeFile(program, script)
          await chmod(program, 0o755)
        })
        const git = yield* makeGitCli({ program, env: isolatedEnvironment })
        const result = yield* rebuiltIn(repo.directory).pipe(Effect.provideService(Git, git))
        expect(result.tip).toBe(tip)
        const strict = yield* rebuiltIn(repo.directory, { engine: "stream" }).pipe(
          Effect.provideService(Git, git),
          Effect.flip
        )
        expect(strict._tag).toBe("GitError")
      }
    })
  )
)
