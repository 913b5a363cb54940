import { expect, test } from "bun:test"
import { forecastArtifactOf, verdictsArtifactOf } from "@patchmoi/core/patchStack/patchStackArtifacts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Forecast, type ForecastOptions, forecast } from "../../src/forecast/Forecast.ts"
import { forecastArtifact, verdictsArtifact, verdictsOf } from "../../src/forecast/ledger.ts"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { repositoryIdOf } from "../../src/topology/RepositoryId.ts"
import { numbered, withGit } from "../support.ts"

/** One patch of each kind on `v1`, and upstream after them. */
const makeCase = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  const files = ["a", "b", "c", "d", "e"].map((name) => [`${name}.txt`, numbered(40)])
  yield* repo.commit("base", Object.fromEntries(files))
  yield* repo.git("tag", "v1")
  const patch = (name: string, message: string, path: string, line: string, from = "v1") =>
    Effect.gen(function* () {
      yield* repo.git("switch", "--quiet", "-c", `patch/${name}`, from)
      return yield* repo.commit(message, { [path]: numbered(40, { 3: line }) })
    })
  yield* patch("1-clean", "clean", "a.txt", "ours")
  yield* patch("2-landed", "landed", "b.txt", "taken")
  yield* patch("3-conflicts", "conflicts", "c.txt", "ours")
  yield* repo.git("switch", "--quiet", "-c", "patch/4-depends")
  yield* repo.commit("depends", { "new.txt": "new\n" })
  yield* patch("5-ended", "ended\n\nPatchmoi-Drop-When: tag:v2\n", "d.txt", "ours")
  yield* patch("6-taken-with-more", "of ours", "e.txt", "a change of ours")
  yield* repo.git("switch", "--quiet", "main")
  yield* repo.git("cherry-pick", "patch/2-landed")
  yield* repo.commit("edited again", { "b.txt": numbered(40, { 3: "edited again" }) })
  yield* repo.commit("theirs", { "c.txt": numbered(40, { 3: "theirs" }) })
  yield* repo.commit("more", { "e.txt": numbered(40, { 3: "a change of ours", 30: "and more" }) })
  yield* repo.git("tag", "v2")
  return repo
})

const forecastIn = (repo: TempRepo, more: Partial<ForecastOptions> = {}) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory: repo.directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    return yield* forecast({ repository, patches, onto: "main", ...more })
  })

const objectsOf = (repo: TempRepo) =>
  repo.git("cat-file", "--batch-all-objects", "--batch-check", "--unordered")

test(
  "each patch is clean, conflicts or has landed, with why; nothing is left behind",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeCase
      const before = [yield* repo.git("for-each-ref"), (yield* objectsOf(repo)).split("\n").sort()]
      const made = yield* forecastIn(repo)
      expect(yield* Schema.decodeUnknown(Forecast)(JSON.parse(JSON.stringify(made)))).toEqual(made)
      expect(made.patches.map(({ answer, patch }) => [patch, answer])).toEqual([
        ["patch/1-clean", "clean"],
        ["patch/2-landed", "landed"],
        ["patch/3-conflicts", "conflicts"],
        ["patch/4-depends", "conflicts"],
        ["patch/5-ended", "landed"],
        ["patch/6-taken-with-more", "landed"]
      ])
      expect(made.patches.map(({ verdict }) => verdict?.verdict ?? null)).toEqual([
        null,
        "landed-identical",
        null,
        null,
        "obsolete",
        "empty"
      ])
      expect(made.patches[2]).toMatchObject({
        conflict: { subject: "conflicts", paths: ["c.txt"], pathsOmitted: 0 },
        reason: expect.stringMatching(/^[0-9a-f]{12} conflicts in c\.txt$/)
      })
      expect(made.patches[3]).toMatchObject({
        conflict: null,
        reason: "it builds on patch/3-conflicts, which conflicts"
      })
      expect([yield* repo.git("for-each-ref"), (yield* objectsOf(repo)).split("\n").sort()]).toEqual(before)
    })
  )
)

test(
  "what may have landed is clean and asks; a range that is too long is told and not looked through",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeTempRepo()
      yield* repo.commit("base", { "a.txt": numbered(40) })
      yield* repo.git("switch", "--quiet", "-c", "patch/one")
      yield* repo.commit("rename the third line", { "a.txt": numbered(40, { 3: "third line", 4: "fourth" }) })
      yield* repo.git("switch", "--quiet", "main")
      yield* repo.commit("rename the third line", { "b.txt": "third line\nfourth\n" })
      const made = yield* forecastIn(repo)
      expect(made.patches).toMatchObject([{ answer: "clean", verdict: null }])
      yield* repo.commit("add it elsewhere", {
        "c.txt": `${numbered(40, { 3: "third line", 4: "fourth" })}`,
        "a.txt": numbered(40, { 30: "x" })
      })
      expect((yield* forecastIn(repo)).patches).toMatchObject([{ answer: "clean" }])
      const long = yield* forecastIn(repo, { commitsMax: 1 })
      expect(long.notes).toEqual([expect.stringMatching(/more than 1 commits between/)])
    })
  )
)

test(
  "the record takes what was found",
  withGit(() =>
    Effect.gen(function* () {
      const made = yield* forecastIn(yield* makeCase)
      const look = { repository: "git.example/fork", onto: made.onto, ontoName: made.ontoName }
      const artifacts: Record<string, unknown> = JSON.parse(
        JSON.stringify({
          forecast: forecastArtifact(look.repository, made),
          verdicts: verdictsArtifact(look, verdictsOf(made))
        })
      )
      expect(forecastArtifactOf(artifacts)?.patches.length).toBe(6)
      expect(verdictsArtifactOf(artifacts)?.verdicts.map(({ verdict }) => verdict)).toEqual([
        "landed-identical",
        "obsolete",
        "empty"
      ])
    })
  )
)

test("a repository is named by its fork's address, without what differs between clones", () => {
  const idOf = (url: string) =>
    repositoryIdOf({ directory: "/srv/clone", forkRemote: "origin", remotes: [{ name: "origin", url }] })
  for (const url of [
    "https://ada:secret@Git.Example/acme/fork.git",
    "https://git.example/acme/fork/",
    "git@git.example:acme/fork.git",
    "ssh://git@git.example/acme/fork"
  ]) {
    expect(idOf(url)).toBe("git.example/acme/fork")
  }
  expect(idOf("file:///srv/fork.git")).toBe("/srv/fork")
  expect(idOf("/srv/fork.git/")).toBe("/srv/fork")
  expect(repositoryIdOf({ directory: "/srv/clone", forkRemote: null, remotes: [] })).toBe("/srv/clone")
  expect(idOf(`https://git.example/${"x".repeat(600)}`).length).toBe(512)
})
