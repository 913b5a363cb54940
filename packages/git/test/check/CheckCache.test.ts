import { describe, expect, test } from "bun:test"
import { chmod, mkdir, readdir, rm, stat, truncate, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import {
  type CheckQuestion,
  checkCacheEntryBytesMax,
  type KeptAnswer,
  makeCheckCache
} from "../../src/check/CheckCache.ts"
import { parseObjectId } from "../../src/GitName.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"

const made = (entriesMax?: number) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    const repository = yield* openRepository({ directory: repo.directory })
    const folder = join(repository.commonDirectory, "patchmoi", "checks")
    const cache = makeCheckCache({ repository, ...(entriesMax === undefined ? {} : { entriesMax }) })
    const tree = yield* parseObjectId("1".repeat(40))
    const ask = (command: string): CheckQuestion => ({
      tree,
      kind: "worktree",
      commands: [command],
      toolchain: "t"
    })
    const answer = (command: string, output = ""): KeptAnswer => ({
      version: 1,
      tree,
      toolchain: "t",
      result: { command, outcome: "passed", exitCode: 0, output, outputBytesOmitted: 0, durationMillis: 1 },
      times: 1,
      flaky: false
    })
    const files = Effect.promise(async () => (await readdir(folder)).map((name) => join(folder, name)))
    return { repository, folder, cache, ask, answer, files }
  })

describe("makeCheckCache", () => {
  test(
    "gives what was kept, and nothing for another question",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache } = yield* made()
        expect(yield* cache.read(ask("a"))).toBe(null)
        yield* cache.write(ask("a"), answer("a", "out"))
        expect(yield* cache.read(ask("a"))).toEqual(answer("a", "out"))
        for (const other of [
          { ...ask("a"), toolchain: "u" },
          { ...ask("a"), kind: "tree" as const },
          ask("b")
        ]) {
          expect(yield* cache.read(other)).toBe(null)
        }
        expect(yield* cache.read({ ...ask("a"), commands: ["before", "a"] })).toBe(null)
      })
    )
  )

  test(
    "a broken entry counts as absent, and is replaced",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache, files } = yield* made()
        yield* cache.write(ask("a"), answer("a"))
        const [path = ""] = yield* files
        const size = (yield* Effect.promise(() => stat(path))).size
        const breakers = [
          () => truncate(path, Math.floor(size / 2)),
          () => writeFile(path, "null"),
          () => writeFile(path, JSON.stringify({ ...answer("a"), version: 2 })),
          () =>
            writeFile(
              path,
              JSON.stringify({ ...answer("a"), result: { ...answer("a").result, outcome: "timeout" } })
            ),
          () => writeFile(path, JSON.stringify(answer("b"))),
          () => writeFile(path, " ".repeat(checkCacheEntryBytesMax + 1))
        ]
        for (const breaks of breakers) {
          yield* Effect.promise(breaks)
          expect(yield* cache.read(ask("a"))).toBe(null)
          yield* cache.write(ask("a"), answer("a"))
          expect(yield* cache.read(ask("a"))).toEqual(answer("a"))
        }
      })
    )
  )

  test(
    "stays below its bounds: long outputs are cut, and what was used longest ago goes",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache, files } = yield* made(10)
        yield* cache.write(ask("long"), answer("long", "\u0001".repeat(1_000_000)))
        const long = yield* cache.read(ask("long"))
        expect(long?.result.output.length).toBe(checkCacheEntryBytesMax / 16)
        expect(long?.result.outputBytesOmitted).toBe(1_000_000 - checkCacheEntryBytesMax / 16)
        for (const path of yield* files) yield* Effect.promise(() => utimes(path, 1, 1))
        for (let at = 0; at < 10; at += 1) yield* cache.write(ask(`c${at}`), answer(`c${at}`))
        expect((yield* files).length).toBeLessThanOrEqual(10)
        expect(yield* cache.read(ask("long"))).toBe(null)
        expect(yield* cache.read(ask("c9"))).not.toBe(null)
      })
    )
  )

  test(
    "writers at the same time leave whole entries and no partial one",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache, files } = yield* made()
        const outputs = Array.from({ length: 40 }, (_, at) => `${at}`.repeat(5_000))
        yield* Effect.forEach(outputs, (output) => cache.write(ask("a"), answer("a", output)), {
          concurrency: 20
        })
        expect(outputs).toContain((yield* cache.read(ask("a")))?.result.output ?? "")
        expect(yield* files).toHaveLength(1)
      })
    )
  )

  test(
    "what cannot be read as an entry is no answer",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache, files } = yield* made()
        yield* cache.write(ask("a"), answer("a"))
        const [entry = ""] = yield* files
        yield* Effect.promise(async () => {
          await rm(entry)
          await mkdir(entry)
        })
        expect(yield* cache.read(ask("a"))).toBe(null)
      })
    )
  )

  test(
    "a folder that cannot be written does not fail the run",
    withGit(() =>
      Effect.gen(function* () {
        const { ask, answer, cache, folder } = yield* made()
        yield* Effect.promise(async () => {
          await mkdir(join(folder, ".."), { recursive: true })
          await writeFile(folder, "a file where the folder should be")
          await chmod(folder, 0o444)
        })
        yield* cache.write(ask("a"), answer("a"))
        expect(yield* cache.read(ask("a"))).toBe(null)
      })
    )
  )
})
