/**
 * Goal: a rebuild gives what `git cherry-pick` gives. Method: generated histories with edits, renames, removals, modes,
 * symlinks, binaries and CRLF; each stack is carried over by both engines and by cherry-pick in a work tree, and the
 * trees, or the patch that conflicts, are compared. 40 seeds by default, 400 with TEST_LONG=1.
 */
import { expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"

const seeds = process.env["TEST_LONG"] === "1" ? 400 : 40
const seedsPerTest = 20

type Contents = Map<string, TempFile>

/** Numbers from a seed (mulberry32), so that a failing history can be made again. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof randomOf>

const textOf = (random: Random, crlf: boolean): string =>
  Array.from({ length: 12 + random(20) }, (_, at) => `line ${at} ${random(4)}${crlf ? "\r\n" : "\n"}`).join(
    ""
  )

const freshFile = (random: Random): TempFile => {
  switch (random(8)) {
    case 0:
      return new Uint8Array(Array.from({ length: 64 }, () => random(256)))
    case 1:
      return { content: textOf(random, false), executable: true }
    case 2:
      return { symlink: `target-${random(3)}` }
    case 3:
      return textOf(random, true)
    default:
      return textOf(random, false)
  }
}

const edited = (random: Random, file: TempFile): TempFile => {
  if (typeof file === "string") {
    const lines = file.split("\n")
    lines[random(lines.length)] = `edited ${random(5)}`
    return random(6) === 0 ? { content: lines.join("\n"), executable: true } : lines.join("\n")
  }
  return freshFile(random)
}

/** One change of the files; gives what to write. */
const change = (random: Random, contents: Contents): Record<string, TempFile> => {
  const paths = [...contents.keys()].sort()
  const path = paths[random(paths.length)] ?? "dir0/first"
  const file = contents.get(path) ?? null
  const target = `dir${random(4)}/moved${random(30)}`
  const action = random(7)
  if (action === 0) return { [path]: null }
  if (action === 1 && !contents.has(target)) return { [path]: null, [target]: file }
  if (action === 2) return { [`dir${random(4)}/added${random(30)}`]: freshFile(random) }
  return { [path]: edited(random, file) }
}

const commitChanges = (repo: TempRepo, random: Random, from: Contents, message: string) =>
  Effect.gen(function* () {
    const contents = new Map(from)
    const changes: Record<string, TempFile> = {}
    for (let count = 1 + random(3); count > 0; count--) {
      for (const [path, file] of Object.entries(change(random, contents))) {
        if (file === null && !from.has(path)) delete changes[path]
        else changes[path] = file
        if (file === null) contents.delete(path)
        else contents.set(path, file)
      }
    }
    return { contents, commit: yield* repo.commit(message, changes) }
  })

const makeHistory = (seed: number) =>
  Effect.gen(function* () {
    const random = randomOf(seed)
    const repo = yield* makeTempRepo()
    const base: Contents = new Map()
    for (let at = 0; at < 12; at++) base.set(`dir${at % 4}/file${at}`, freshFile(random))
    yield* repo.commit("base", Object.fromEntries(base))
    yield* repo.git("tag", "v1")
    const owners = new Map<string, string>()
    for (const patch of ["patch/0", "patch/1", "patch/2", "patch/3"]) {
      yield* repo.git("switch", "--quiet", "-c", patch, "v1")
      let contents = base
      for (let count = 1 + random(2); count > 0; count--) {
        const made = yield* commitChanges(repo, random, contents, patch)
        owners.set(made.commit, patch)
        contents = made.contents
      }
    }
    yield* repo.git("switch", "--quiet", "main")
    yield* commitChanges(repo, random, base, "release")
    return { repo, owners }
  })

/** The tree after all picks, or the branch whose pick conflicts. Empty picks are kept: they change no tree. */
const byCherryPick = (repo: TempRepo, owners: ReadonlyMap<string, string>) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "--detach", "main")
    const args = ["cherry-pick", "--allow-empty", "--keep-redundant-commits", ...owners.keys()]
    yield* repo.run({ args, okExitCodes: [0, 1] })
    // Not every conflict leaves unmerged files (a folder renamed in two ways does not), but each stops the sequence.
    const stopped = yield* repo.run({
      args: ["rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD"],
      okExitCodes: [0, 1]
    })
    return stopped === "" ? yield* repo.git("rev-parse", "HEAD^{tree}") : `conflict in ${owners.get(stopped)}`
  })

const compare = (seed: number) =>
  Effect.gen(function* () {
    const { repo, owners } = yield* makeHistory(seed)
    const repository = yield* openRepository({ directory: repo.directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const ours: Array<string> = []
    for (const engine of ["stream", "process"] as const) {
      const result = yield* rebuild({ repository, onto: "main", patches, engine })
      ours.push(result._tag === "Rebuilt" ? result.tree : `conflict in ${result.conflict.patch}`)
    }
    const theirs = yield* byCherryPick(repo, owners)
    expect({ seed, ours }).toEqual({ seed, ours: [theirs, theirs] })
    return theirs
  }).pipe(Effect.scoped)

for (let first = 0; first < seeds; first += seedsPerTest) {
  test(
    `seeds ${first} to ${first + seedsPerTest - 1} give what cherry-pick gives`,
    withGit(() =>
      Effect.gen(function* () {
        const chosen = Array.from({ length: seedsPerTest }, (_, at) => first + at)
        const answers = yield* Effect.forEach(chosen, compare, { concurrency: 2 })
        // A sample that only conflicts, or never does, would show little.
        const conflicts = answers.filter((answer) => answer.startsWith("conflict")).length
        expect(conflicts).toBeGreaterThan(0)
        expect(conflicts).toBeLessThan(seedsPerTest)
      })
    ),
    120_000
  )
}
