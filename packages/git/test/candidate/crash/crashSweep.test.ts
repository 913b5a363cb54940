/**
 * Goal: publishing that stops hard at any step leaves no ref half-moved, here or at the remote, and running it again gets
 * to the end state of one that was never stopped. Method: real processes stop themselves with SIGKILL before and after each
 * run of git, from the rebuild to the record of the push. `TEST_LONG=1` visits every point, otherwise a fixed sample.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { sample, visit } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../../../src/GitCli.ts"
import { isolatedEnvironment, tempRepoAt } from "../../../src/testing/TempRepo.ts"
import { withGit } from "../../support.ts"
import { makePublishing, pushByAnother } from "../publishing.ts"

const isLong = process.env["TEST_LONG"] === "1"

let folder = ""
let program = ""

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "patchmoi-crash-"))
  const entrypoints = [join(import.meta.dir, "child.ts")]
  const built = await Bun.build({ entrypoints, outdir: folder, target: "bun" })
  program = built.outputs[0]?.path ?? ""
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  "stopped at any step and run again, publishing ends as if it had not been stopped",
  withGit(() =>
    Effect.gen(function* () {
      const world = yield* makePublishing()
      const { repo, root } = world
      const theirs = yield* pushByAnother(world, "candidate/v2")
      yield* world.fork.git("notes", "--ref=patchmoi", "add", "-m", "hers", "main")
      yield* repo.git("update-ref", "-d", "refs/heads/candidate/v2")
      yield* repo.git("update-ref", "-d", "refs/notes/patchmoi")
      for (const [remote, name] of [
        ["origin", "fork"],
        ["upstream", "upstream"]
      ]) {
        yield* repo.git("config", `remote.${remote}.url`, `../remotes/${name}.git`)
      }
      const source = dirname(root)
      const before = yield* stateOf(source)
      const whole = copyOf(source)
      const last = yield* Effect.promise(() => runUntil(whole, 0))
      expect(last).toBeGreaterThan(40)
      const expected = yield* stateOf(whole)
      const kept = `refs/tags/patchmoi/before/candidate/v2/${theirs.slice(0, 12)}`
      expect(expected.remote).toContain(`${kept} ${theirs}`)
      const outcomes = new Set<string>()
      const look = (point: number) =>
        Effect.gen(function* () {
          const home = copyOf(source)
          yield* Effect.promise(() => runUntil(home, point))
          const after = yield* stateOf(home)
          expect([before.remote, expected.remote]).toContain(after.remote)
          // The branch and its note are there together, or neither is.
          expect(after.local.includes("refs/heads/candidate/v2")).toBe(
            after.local.includes("refs/notes/patchmoi")
          )
          outcomes.add(after.remote === before.remote ? "before" : "after")
          yield* Effect.promise(() => runUntil(home, 0))
          expect(yield* stateOf(home)).toEqual(expected)
          const fork = yield* tempRepoAt(join(home, "remotes/fork.git"))
          expect(yield* fork.git("fsck", "--strict", "--no-dangling")).toBe("")
          rmSync(home, { recursive: true })
        })
      yield* Effect.promise(() =>
        visit(isLong ? sample(last, last) : [...sample(last, 3), last], (point) =>
          Effect.runPromise(look(point).pipe(Effect.provide(layerGitCli({ env: isolatedEnvironment }))))
        )
      )
      expect([...outcomes].sort()).toEqual(["after", "before"])
    })
  ),
  isLong ? 900_000 : 180_000
)

// --- internal ---

const copyOf = (source: string): string => {
  const directory = mkdtempSync(join(folder, "world-"))
  cpSync(source, directory, { recursive: true })
  return directory
}

/** The number of points, or 0 when the process stopped itself. */
const runUntil = async (home: string, point: number): Promise<number> => {
  const argv = [process.execPath, program, join(home, "clone"), String(point)]
  const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" })
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(`the child failed: ${errors}`)
  return Number(/^points (\d+)$/m.exec(output)?.[1] ?? 0)
}

/** The refs here and at the remote. The notes here are dated by the clock, so only their content counts. */
const stateOf = (home: string) =>
  Effect.gen(function* () {
    const clone = yield* tempRepoAt(join(home, "clone"))
    const fork = yield* tempRepoAt(join(home, "remotes/fork.git"))
    const format = "--format=%(refname) %(objectname)"
    const [notes, ...others] = (yield* clone.git(
      "for-each-ref",
      format,
      "refs/notes/patchmoi",
      "refs/heads",
      "refs/patchmoi"
    ))
      .split("\n")
      .sort((a, b) => Number(b.startsWith("refs/notes/")) - Number(a.startsWith("refs/notes/")))
    const hasNotes = notes?.startsWith("refs/notes/") === true
    const tree = hasNotes
      ? [`refs/notes/patchmoi ${yield* clone.git("rev-parse", "refs/notes/patchmoi^{tree}")}`]
      : [notes]
    return { local: [...tree, ...others].join("\n"), remote: yield* fork.git("for-each-ref", format) }
  })
