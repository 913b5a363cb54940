/** Two clones and a remote between them: what one decides reaches the other, also when both decided meanwhile. */
import { expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { openRepository } from "../../src/Repository.ts"
import { pullResolutions, pushResolutions } from "../../src/resolution/ResolutionSharing.ts"
import { addChecks, readResolutions } from "../../src/resolution/ResolutionStore.ts"
import { resolutionsRef } from "../../src/resolution/ResolutionTree.ts"
import { makeResolver } from "../../src/resolution/Resolver.ts"
import { makeTempClone, makeTempRepo } from "../../src/testing/TempRepo.ts"
import { conflictIn, makeClash, rebuildClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { ada, resolutionOf, storeOne } from "./resolving.ts"

// Real git on a busy machine; the helper sets this for the file that loads it first only.
setDefaultTimeout(60_000)

const setup = Effect.gen(function* () {
  const far = yield* makeTempRepo({ bare: true })
  const first = yield* makeClash()
  yield* first.git("remote", "add", "origin", `file://${far.directory}`)
  yield* first.git("push", "--quiet", "origin", "main", "patch/clash", "v1")
  const second = yield* makeTempClone({ from: far.directory, args: ["--branch", "main"] })
  yield* second.git("branch", "patch/clash", "origin/patch/clash")
  return {
    far,
    first,
    second,
    conflict: yield* conflictIn(first.directory),
    here: { repository: yield* openRepository({ directory: first.directory }), remote: "origin" },
    there: { repository: yield* openRepository({ directory: second.directory }), remote: "origin" }
  }
})

const merged = numbered(9, { 5: "both" })

test(
  "a resolution of one clone resolves the conflict in the other, to the same commit",
  withGit(() =>
    Effect.gen(function* () {
      const { conflict, far, first, here, second, there } = yield* setup
      expect(yield* pushResolutions(here)).toBeNull()
      expect(yield* pullResolutions(there)).toEqual({ added: [], issues: [] })
      const id = yield* storeOne(here.repository, yield* resolutionOf(first, conflict, merged))
      expect(yield* pushResolutions(here)).toMatchObject({ _tag: "Pushed" })
      expect(yield* pushResolutions(here)).toMatchObject({ _tag: "UpToDate" })
      expect((yield* pullResolutions(there)).added.map((each) => each.id)).toEqual([id])
      expect(yield* pullResolutions(there)).toEqual({ added: [], issues: [] })
      const build = (directory: string, repository: typeof here.repository) =>
        rebuildClash(directory, { resolver: makeResolver({ repository }) })
      const results = [
        yield* build(first.directory, here.repository),
        yield* build(second.directory, there.repository)
      ]
      expect(results[0]?._tag).toBe("Rebuilt")
      expect(results[1]).toEqual(results[0])
      yield* far.git("fsck", "--strict")
    })
  )
)

test(
  "both decided meanwhile: the second push unites them, with the checks of both, and loses nothing",
  withGit(() =>
    Effect.gen(function* () {
      const { conflict, far, first, here, second, there } = yield* setup
      const common = yield* storeOne(here.repository, yield* resolutionOf(first, conflict, merged))
      yield* pushResolutions(here)
      yield* pullResolutions(there)
      const tree = conflict.commit
      const check = (repository: typeof here.repository, name: string) =>
        addChecks({
          ...{ repository, ids: [common], author: ada, date: 1_700_000_001 },
          checks: [{ name, tree, date: 1_700_000_001 }]
        })
      yield* check(here.repository, "lint")
      yield* check(there.repository, "test")
      const mine = yield* storeOne(here.repository, yield* resolutionOf(first, conflict, "mine\n"))
      const yours = yield* storeOne(there.repository, yield* resolutionOf(second, conflict, "yours\n"))
      yield* pushResolutions(here)
      expect(yield* pushResolutions(there)).toMatchObject({ _tag: "Pushed" })
      yield* pullResolutions(here)
      expect(yield* first.git("rev-parse", `${resolutionsRef}^{tree}`)).toBe(
        yield* far.git("rev-parse", `${resolutionsRef}^{tree}`)
      )
      const read = yield* readResolutions(here)
      expect(new Set(read.resolutions.map(({ id }) => id))).toEqual(new Set([common, mine, yours]))
      const checks = read.resolutions.find(({ id }) => id === common)?.resolution.checks
      expect(checks?.map(({ name }) => name).sort()).toEqual(["lint", "test"])
      // The remote's history holds both sides: nobody's commit was overwritten.
      yield* far.git(
        "merge-base",
        "--is-ancestor",
        yield* second.git("rev-parse", resolutionsRef),
        resolutionsRef
      )
    })
  )
)

test(
  "what is no resolution stays behind; a remote that is none is a typed error",
  withGit(() =>
    Effect.gen(function* () {
      const { conflict, far, first, here, there } = yield* setup
      const id = yield* storeOne(here.repository, yield* resolutionOf(first, conflict, merged))
      yield* pushResolutions(here)
      const good = yield* far.git("rev-parse", `${resolutionsRef}^{tree}`)
      const listing = yield* far.git("ls-tree", good)
      const evil = yield* far.run({ args: ["hash-object", "-w", "--stdin"], stdin: "evil\n" })
      const tree = yield* far.run({ args: ["mktree"], stdin: `${listing}\n100755 blob ${evil}\tevil.sh\n` })
      const commit = yield* far.git("commit-tree", "-m", "x", "-p", resolutionsRef, tree)
      yield* far.git("update-ref", resolutionsRef, commit)
      const pulled = yield* pullResolutions(there)
      expect(pulled.added.map((each) => each.id)).toEqual([id])
      expect(pulled.issues).toEqual([{ place: "evil.sh", detail: "it is no folder of a conflict" }])
      const { repository } = there
      const names = yield* readResolutions({ repository })
      expect(names.issues).toEqual([])
      expect((yield* Effect.flip(pullResolutions({ repository, remote: "nowhere" })))._tag).toBe(
        "RemoteUnreachable"
      )
      expect((yield* Effect.flip(pullResolutions({ repository, remote: "--upload-pack=x" })))._tag).toBe(
        "InvalidName"
      )
    })
  )
)
