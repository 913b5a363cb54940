/**
 * Goal: a rebuild that stops hard at any step leaves a sound repository with no ref half-moved, and the next rebuild gets
 * to the end state of one that was never stopped. Method: real processes stop themselves with SIGKILL before and after
 * each file operation and each run of git. `TEST_LONG=1` visits every point, otherwise a fixed sample.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { sample, visit } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../../../src/GitCli.ts"
import { isolatedEnvironment, type TempRepo, tempRepoAt } from "../../../src/testing/TempRepo.ts"
import { withGit } from "../../support.ts"
import { makeFork, rebuiltIn } from "../fork.ts"
import { crashRefs, refsNow } from "./refs.ts"

const isLong = process.env["TEST_LONG"] === "1"

let folder = ""
let program = ""

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "patchmoi-crash-"))
  // One file starts in a fifth of the time that its sources take.
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "child.ts")],
    outdir: folder,
    target: "bun"
  })
  program = built.outputs[0]?.path ?? ""
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Where the quarantine lies, and whether what is kept leaves memory object by object or as a pack. */
const modes = ["disk", "memory", "pack"] as const
type Mode = (typeof modes)[number]

for (const mode of modes) {
  test(
    `stopped at any step and run again, a rebuild ends as if it had not been stopped (${mode})`,
    withGit(() =>
      Effect.gen(function* () {
        const { directory: source } = yield* makeFork()
        const counting = copyOf(source)
        const last = yield* Effect.promise(() => runUntil(mode, counting, 0))
        expect(last).toBeGreaterThan(mode === "pack" ? 50 : 60)
        const expected = yield* stateOf(yield* tempRepoAt(counting))
        expect(expected.left).toEqual([])
        const { tip } = yield* rebuiltIn(source)
        const outcomes = new Set<string>()
        const look = (point: number) =>
          Effect.gen(function* () {
            const repo = yield* tempRepoAt(copyOf(source))
            yield* Effect.promise(() => runUntil(mode, repo.directory, point))
            expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
            const moved = yield* refsNow(repo.directory)
            // Both refs are where they were, or both are moved.
            expect([0, crashRefs.length]).toContain(moved.size)
            for (const value of moved.values()) expect<string>(value).toBe(tip)
            outcomes.add(moved.size === 0 ? "before" : "after")
            yield* Effect.promise(() => runUntil(mode, repo.directory, 0))
            expect(yield* stateOf(repo)).toEqual(expected)
            rmSync(repo.directory, { recursive: true })
          })
        yield* Effect.promise(() =>
          // Only the last points find the refs moved.
          visit(isLong ? sample(last, last) : [...sample(last, 9), last], (point) =>
            Effect.runPromise(look(point).pipe(Effect.provide(layerGitCli({ env: isolatedEnvironment }))))
          )
        )
        expect([...outcomes].sort()).toEqual(["after", "before"])
      })
    ),
    isLong ? 900_000 : 120_000
  )
}

// --- internal ---

const copyOf = (source: string): string => {
  const directory = mkdtempSync(join(folder, "fork-"))
  cpSync(source, directory, { recursive: true })
  return directory
}

/** What passes for memory, one folder for each repository. */
const memoryOf = (directory: string): string => `${directory}.memory`

/** The number of points, or 0 when the process stopped itself. */
const runUntil = async (mode: Mode, directory: string, point: number): Promise<number> => {
  mkdirSync(memoryOf(directory), { recursive: true })
  const child = Bun.spawn([process.execPath, program, directory, String(point), mode, memoryOf(directory)], {
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(`the child failed: ${errors}`)
  return Number(/^points (\d+)$/m.exec(output)?.[1] ?? 0)
}

/** Everything that a rebuild may change: refs, objects nobody needs, folders that were left behind. */
const stateOf = (repo: TempRepo) =>
  Effect.gen(function* () {
    return {
      refs: yield* repo.git("for-each-ref"),
      unreachable: yield* repo.git("fsck", "--unreachable", "--no-reflogs"),
      status: yield* repo.git("status", "--porcelain=v1"),
      left: [join(repo.directory, ".git/patchmoi"), memoryOf(repo.directory)].flatMap((home) =>
        existsSync(home) ? readdirSync(home) : []
      )
    }
  })
