/**
 * Goal: an edit that stops anywhere has moved all of its refs or none, and done again it gives what it gives without the
 * stop. Method: stop before and after each run of git, look at every ref, and go on. By default a sample of the points is
 * visited, with TEST_LONG=1 every one.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { capture } from "../../src/edit/Capture.ts"
import { drop } from "../../src/edit/Drop.ts"
import { reorder } from "../../src/edit/Reorder.ts"
import { split } from "../../src/edit/Split.ts"
import { Git } from "../../src/Git.ts"
import type { RefChange } from "../../src/RefTransaction.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"
import { branch, here, makeStack } from "./stack.ts"

setDefaultTimeout(600_000)

const isLong = process.env["TEST_LONG"] === "1"

type Found = Effect.Effect.Success<ReturnType<typeof here>>

type Edit = (found: Found) => Effect.Effect<ReadonlyArray<RefChange>, never, Git>

/** The refs that an edit moves; one that is refused is a failure of the test. */
const movedBy = <E>(
  edit: Effect.Effect<{ readonly moved: ReadonlyArray<RefChange> } | { readonly _tag: string }, E, Git>
) =>
  edit.pipe(
    Effect.flatMap((result) =>
      "moved" in result ? Effect.succeed(result.moved) : Effect.dieMessage(result._tag)
    ),
    Effect.orDie
  )

const parts = [
  { name: "b-new", globs: ["dir/**"] },
  { name: "b-text", globs: [] }
]

const edits: Readonly<Record<string, Edit>> = {
  capture: (found) => movedBy(capture({ ...found, branch: "020-b", from: "feature/x", force: true })),
  split: (found) => movedBy(split({ ...found, patch: "020-b", by: { _tag: "paths", parts } })),
  reorder: (found) =>
    movedBy(reorder({ ...found, patch: "020-b", place: { side: "before", other: "010-a" } })),
  drop: (found) => movedBy(drop({ ...found, patch: "020-b", reason: "why" }))
}

/** Git that is told before and after each run, and may stop there. */
const stopping = (stopAt: number) =>
  Effect.map(Git, (git) => {
    let point = 0
    const reached = Effect.suspend(() => (++point === stopAt ? Effect.interrupt : Effect.void))
    const stopped = Git.of({
      ...git,
      run: (command) => reached.pipe(Effect.zipRight(git.run(command)), Effect.zipLeft(reached)),
      open: (command) => reached.pipe(Effect.zipRight(git.open(command)))
    })
    return { git: stopped, points: () => point }
  })

const refsOf = (repo: TempRepo) =>
  repo.git("for-each-ref", "--format=%(refname) %(objecttype) %(refname:lstrip=-1)")

const putBack = (repo: TempRepo, moved: ReadonlyArray<RefChange>) =>
  repo.run({
    args: ["update-ref", "--stdin"],
    stdin: moved
      .map(({ ref, expected }) => (expected === null ? `delete ${ref}\n` : `update ${ref} ${expected}\n`))
      .join("")
  })

describe("an edit that stops", () => {
  for (const [name, edit] of Object.entries(edits)) {
    test(
      `${name}: all refs or none, and done again it is the same`,
      withGit(() =>
        Effect.gen(function* () {
          const repo = yield* makeStack()
          yield* branch(repo, "feature/x", "main", [["x", { "x.txt": "x\n" }]])
          const found = yield* here(repo)
          const before = yield* refsOf(repo)
          const whole = yield* stopping(0)
          const moved = yield* edit(found).pipe(Effect.provideService(Git, whole.git))
          const after = yield* refsOf(repo)
          expect(after).not.toBe(before)
          yield* putBack(repo, moved)
          expect(yield* refsOf(repo)).toBe(before)
          const points = whole.points()
          const seen = new Set<string>()
          // The last runs are where refs move; of the ones before, a few stand for all.
          const step = isLong ? 1 : Math.ceil(points / 3)
          for (let at = 1; at <= points; at += at >= points - 3 ? 1 : Math.min(step, points - 3 - at)) {
            const { git } = yield* stopping(at)
            const exit = yield* edit(found).pipe(Effect.provideService(Git, git), Effect.exit)
            expect(exit._tag).toBe("Failure")
            const refs = yield* refsOf(repo)
            expect([before, after]).toContain(refs)
            seen.add(refs)
            if (refs === after) yield* putBack(repo, moved)
          }
          expect(seen).toEqual(new Set([before, after]))
          const home = join(repo.directory, ".git/patchmoi")
          expect(yield* Effect.promise(() => readdir(home).catch(() => []))).toEqual([])
          yield* edit(found)
          expect(yield* refsOf(repo)).toBe(after)
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        })
      )
    )
  }
})
