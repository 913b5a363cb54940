/** Goal: the cache saves work and decides nothing. Method: count git's diffs, and put broken and lying files in its place. */
import { expect, test } from "bun:test"
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Git } from "../../src/Git.ts"
import { parseRef } from "../../src/GitName.ts"
import { cacheDirectoryOf, filesMax } from "../../src/landed/changeCache.ts"
import { findLanded } from "../../src/landed/findLanded.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"

/** A fork with one patch that upstream took and one that it did not, and a way to look which counts the upstream diffs. */
const makeCase = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  yield* repo.commit("base", { "a.txt": numbered(40), "b.txt": numbered(40) })
  yield* repo.git("tag", "v1")
  for (const [name, path] of [
    ["one", "a.txt"],
    ["two", "b.txt"]
  ] as const) {
    yield* repo.git("switch", "--quiet", "-c", `patch/${name}`, "v1")
    yield* repo.commit(`change ${path}`, { [path]: numbered(40, { 3: "three" }) })
  }
  yield* repo.git("switch", "--quiet", "main")
  yield* repo.commit("touch both files apart", { "a.txt": numbered(40, { 30: "x" }) })
  const lookalike = yield* repo.commit("touch b", { "b.txt": numbered(40, { 30: "x" }) })
  yield* repo.git("cherry-pick", "patch/one")
  const repository = yield* openRepository({ directory: repo.directory })
  const directory = cacheDirectoryOf({ repository })
  const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
  const look = Effect.gen(function* () {
    const git = yield* Git
    const asked: Array<string> = []
    const counting = Git.of({
      ...git,
      run: (command) => {
        if (command.args.includes("diff-tree")) asked.push(String(command.stdin))
        return git.run(command)
      }
    })
    const found = yield* findLanded({ repository, patches, onto: "main" }).pipe(
      Effect.provideService(Git, counting)
    )
    return { found, diffsOfLookalike: asked.filter((stdin) => stdin.includes(lookalike)).length }
  })
  const files = Effect.promise(async () =>
    (await readdir(directory)).sort().map((name) => join(directory, name))
  )
  return { repo, look, files, directory, patches }
})

const expectRight = (found: ReadonlyMap<string, { readonly verdict: string }>) =>
  expect([...found].map(([name, { verdict }]) => [name, verdict])).toEqual([
    ["patch/one", "landed-identical"]
  ])

test(
  "the second look reads no path and no patch id of upstream again",
  withGit(() =>
    Effect.gen(function* () {
      const { look, files } = yield* makeCase
      const first = yield* look
      expectRight(first.found)
      expect((yield* files).length).toBe(1)
      const second = yield* look
      expectRight(second.found)
      // Paths and patch ids once each; what is left is the comparison of lines for the patch that is open.
      expect(first.diffsOfLookalike - second.diffsOfLookalike).toBe(2)
    })
  )
)

test(
  "a file that is broken, cut or empty is ignored and written anew",
  withGit(() =>
    Effect.gen(function* () {
      const { look, files } = yield* makeCase
      yield* look
      const [file = ""] = yield* files
      const good = yield* Effect.promise(() => readFile(file, "utf8"))
      for (const bad of [
        "",
        "{",
        good.slice(0, -20),
        good.replace('"patchId"', '"patchIx"'),
        "\0".repeat(500)
      ]) {
        yield* Effect.promise(() => writeFile(file, bad))
        expectRight((yield* look).found)
        expect(yield* Effect.promise(() => readFile(file, "utf8"))).toBe(good)
      }
      expect((yield* files).length).toBe(1)
    })
  )
)

test(
  "a file that lies, with a right digest, leaves no patch out",
  withGit(() =>
    Effect.gen(function* () {
      const { look, files, repo, patches } = yield* makeCase
      yield* look
      const [file = ""] = yield* files
      const two = patches.find(({ name }) => name === "patch/two")?.tip ?? ""
      const shown = yield* repo.git("diff-tree", "-p", two)
      const id = (yield* repo.run({ args: ["patch-id", "--stable"], stdin: `${shown}\n` })).split(" ")[0]
      yield* Effect.promise(async () => {
        const body = (await readFile(file, "utf8")).split("\n")[1] ?? ""
        const lie = body.replace(/"patchId":"[0-9a-f]+"/g, `"patchId":"${id}"`)
        expect(lie).not.toBe(body)
        await writeFile(file, `${new Bun.CryptoHasher("sha256").update(lie).digest("hex")}\n${lie}`)
      })
      const { found } = yield* look
      expect(found.get("patch/two")?.verdict).not.toBe("landed-identical")
    })
  )
)

test(
  "the number of files is bounded, and the ones that were not used for longest go",
  withGit(() =>
    Effect.gen(function* () {
      const { look, files, repo, directory } = yield* makeCase
      yield* look
      const [kept = ""] = yield* files
      yield* Effect.promise(async () => {
        for (let n = 0; n < filesMax + 5; n++) {
          const path = join(directory, `old-${n}.json`)
          await writeFile(path, "x")
          await utimes(path, 1_000 + n, 1_000 + n)
        }
      })
      yield* repo.commit("more", { "c.txt": "c\n" })
      yield* look
      const left = yield* files
      expect(left.length).toBe(filesMax)
      expect(left).toContain(kept)
      expect(left.some((path) => path.endsWith("/old-0.json"))).toBe(false)
    })
  )
)

test(
  "where nothing can be written, the answer is the same",
  withGit(() =>
    Effect.gen(function* () {
      const { look, directory } = yield* makeCase
      yield* Effect.promise(async () => {
        await Bun.write(join(directory, "..", "placeholder"), "")
        await writeFile(directory, "a file where the folder should be")
      })
      expectRight((yield* look).found)
      expect((yield* Effect.promise(() => stat(directory))).isFile()).toBe(true)
    })
  )
)
