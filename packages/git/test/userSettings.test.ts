/**
 * Goal: what git is told in the settings of a user decides no result. Method: the same repository is read and rebuilt with
 * settings that are all git's own, and with a file that turns everything around that a user can.
 */
import { expect, test } from "bun:test"
import { chmod, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { readPatch } from "../src/edit/PatchDetail.ts"
import { split } from "../src/edit/Split.ts"
import { Git } from "../src/Git.ts"
import { layerGitCli } from "../src/GitCli.ts"
import { parseRef } from "../src/GitName.ts"
import { makeDiffRoom, readPaths } from "../src/internal/diffs.ts"
import { readPatchBranches } from "../src/patch/PatchPlan.ts"
import { rebuild } from "../src/patch/Rebuild.ts"
import { openRepository, resolveCommit } from "../src/Repository.ts"
import { rangeDiff } from "../src/rangeDiff/RangeDiff.ts"
import { isolatedEnvironment, makeTempDirectory, makeTempRepo } from "../src/testing/TempRepo.ts"
import { discoverTopology } from "../src/topology/Topology.ts"
import { numbered, withGit } from "./support.ts"

/** Settings, attributes, and a program that writes down when it is started. */
const makeSettings = Effect.gen(function* () {
  const home = yield* makeTempDirectory
  const [config, attributes, program] = ["config", "attributes", "program"].map((name) => join(home, name))
  yield* Effect.promise(async () => {
    await writeFile(program ?? "", `#!/bin/sh\necho "$@" > ${home}/started-$$\nexit 1\n`)
    await chmod(program ?? "", 0o755)
    await writeFile(attributes ?? "", "* merge=ours diff=other -text\n")
    const sections = {
      core: `attributesFile = ${attributes}\nabbrev = 5\nbigFileThreshold = 10\nquotePath = false\nautocrlf = true`,
      merge: "default = ours\nrenames = false\nconflictStyle = diff3\nrenormalize = true",
      'merge "ours"': "driver = true",
      diff: `external = ${program}\nnoprefix = true\ncontext = 0\ninterHunkContext = 20\nrenames = copies\nrenameLimit = 1`,
      'diff "other"': `textconv = ${program}\ncommand = ${program}`,
      log: "showSignature = true\nfollow = true\ndate = relative",
      i18n: "commitEncoding = ISO-8859-1\nlogOutputEncoding = UTF-16",
      format: "pretty = %H",
      color: "ui = always"
    }
    const text = Object.entries(sections).map(([name, settings]) => `[${name}]\n${settings}\n`)
    await writeFile(config ?? "", text.join(""))
  })
  const started = Effect.promise(async () =>
    (await readdir(home)).filter((name) => name.startsWith("started"))
  )
  return { config: config ?? "", started }
})

test(
  "the settings of a user change no candidate, no conflict and no comparison",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeTempRepo()
      yield* repo.commit("Release 1", { "src/list.txt": numbered(40), "naïve.txt": numbered(20) })
      yield* repo.git("switch", "--quiet", "--create", "patch/010-list")
      yield* repo.commit("Widen the list", { "src/list.txt": numbered(40, { 20: "ours" }) })
      yield* repo.git("switch", "--quiet", "--create", "patch/020-naïve", "main")
      yield* repo.commit("Name it naïve", { "naïve.txt": numbered(20, { 3: "patch" }) })
      yield* repo.git("switch", "--quiet", "main")
      yield* repo.git("mv", "src", "lib")
      const moved = yield* repo.commit("Move the list", { "lib/list.txt": numbered(40, { 2: "theirs" }) })
      yield* repo.commit("Rewrite the name", { "naïve.txt": numbered(20, { 3: "upstream" }) })
      yield* repo.git("remote", "add", "upstream", "../upstream")
      yield* repo.git("update-ref", "refs/remotes/upstream/main", "main~2")
      const settings = yield* makeSettings
      const look = Effect.gen(function* () {
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        const base = yield* resolveCommit({ repository, revision: "main~2" })
        const built = yield* rebuild({ repository, onto: moved, patches })
        if (built._tag === "Conflicted") return yield* Effect.dieMessage("it conflicts")
        const compared = yield* rangeDiff({
          repository,
          old: { base, tip: patches[0]?.tip ?? base },
          new: { base: moved, tip: built.tip }
        })
        const { topology } = yield* discoverTopology({ repository })
        const detail = yield* readPatch({ repository, topology, patch: "patch/010-list" })
        return { built, compared, detail, conflicted: yield* rebuild({ repository, onto: "main", patches }) }
      })
      const plain = yield* look
      expect(plain.conflicted._tag).toBe("Conflicted")
      const env = { ...isolatedEnvironment, GIT_CONFIG_GLOBAL: settings.config }
      expect(yield* Effect.provide(look, layerGitCli({ env }))).toEqual(plain)
      expect(yield* settings.started).toEqual([])
    })
  )
)

test(
  "replaced objects and grafts, which no other clone has, change nothing",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeTempRepo()
      const base = yield* repo.commit("Release 1", { "a.txt": numbered(20) })
      yield* repo.git("switch", "--quiet", "--create", "patch/010-a")
      const first = yield* repo.commit("First", { "a.txt": numbered(20, { 3: "patch" }) })
      const second = yield* repo.commit("Second", { "b.txt": "b\n" })
      yield* repo.git("switch", "--quiet", "main")
      yield* repo.commit("Release 2", { "a.txt": numbered(20, { 17: "upstream" }) })
      const repository = yield* openRepository({ directory: repo.directory })
      const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
      const plain = yield* rebuild({ repository, onto: "main", patches })
      const git = yield* Git
      const walked = yield* git.run({ args: ["rev-list", "--all"], cwd: repo.directory })
      expect(walked.stderr).toBe("")
      yield* repo.git("replace", first, base)
      yield* Effect.promise(() =>
        writeFile(join(repo.directory, ".git", "info", "grafts"), `${second} ${base}\n`)
      )
      expect(yield* rebuild({ repository, onto: "main", patches })).toEqual(plain)
    })
  )
)

test(
  "a submodule that git is asked to leave out of diffs is part of a patch like any other path",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeTempRepo()
      const modules = '[submodule "m"]\n\tpath = mod\n\turl = ../m\n\tignore = all\n'
      const link = (digit: string) =>
        repo.git("update-index", "--add", "--cacheinfo", `160000,${digit.repeat(40)},mod`)
      yield* repo.write({ ".gitmodules": modules, "a.txt": "a\n" })
      yield* repo.git("add", ".")
      yield* link("1")
      yield* repo.git("commit", "--quiet", "-m", "base")
      yield* repo.git("remote", "add", "upstream", "../upstream")
      yield* repo.git("update-ref", "refs/remotes/upstream/main", "main")
      yield* repo.git("switch", "--quiet", "--create", "patch/010-m")
      yield* link("2")
      yield* repo.write({ "a.txt": "b\n" })
      yield* repo.git("add", "a.txt")
      yield* repo.git("commit", "--quiet", "-m", "move the submodule")
      yield* repo.git("switch", "--quiet", "main")
      const repository = yield* openRepository({ directory: repo.directory })
      const commit = yield* resolveCommit({ repository, revision: "patch/010-m" })
      const { topology } = yield* discoverTopology({ repository })
      const detail = yield* readPatch({ repository, topology, patch: "patch/010-m" })
      expect(detail.files.map(({ path }) => path)).toEqual(["a.txt", "mod"])
      expect(detail.diff).toContain(`+Subproject commit ${"2".repeat(40)}`)
      const room = yield* makeDiffRoom(repository)
      expect((yield* readPaths(room, [commit])).get(commit)).toEqual(["a.txt", "mod"])
      const parts = [
        { name: "020-sub", globs: ["mod"] },
        { name: "030-rest", globs: [] }
      ]
      const made = yield* split({ repository, topology, patch: "010-m", by: { _tag: "paths", parts } })
      expect(made.parts.map(({ paths }) => paths)).toEqual([["mod"], ["a.txt"]])
    })
  )
)
