/**
 * The process that is stopped hard: rebuilds the fork in a folder onto `v2` and moves two refs. Before and after each file
 * operation of the quarantine and each run of git is a point; points are counted from 1, and 0 never stops.
 * Arguments: `<directory> <point> <disk | memory | pack> <folder that passes for memory>`.
 */
import { writeSync } from "node:fs"
import process from "node:process"
import * as Effect from "effect/Effect"
import { Git } from "../../../src/Git.ts"
import { makeGitCli } from "../../../src/GitCli.ts"
import { MemoryFolder, memoryBytesMax } from "../../../src/internal/memoryFolder.ts"
import { QuarantineFiles, quarantineFiles } from "../../../src/internal/quarantineFiles.ts"
import { isolatedEnvironment } from "../../../src/testing/TempRepo.ts"
import { rebuiltIn } from "../fork.ts"
import { crashRefs, refsNow } from "./refs.ts"

const [directory = "", target = "0", mode = "disk", memory = ""] = process.argv.slice(2)
let passed = 0

/** Nothing of this process runs after the signal: no handler, no finalizer, no buffer is flushed. */
const point = (): void => {
  passed += 1
  if (passed !== Number(target)) return
  process.kill(process.pid, "SIGKILL")
  while (true) {
    // The signal is on its way.
  }
}

const around = async <A>(work: () => Promise<A>): Promise<A> => {
  point()
  const result = await work()
  point()
  return result
}

const aroundSync = (work: () => void): void => {
  point()
  work()
  point()
}

const files = QuarantineFiles.of({
  makeFolder: (path) => around(() => quarantineFiles.makeFolder(path)),
  makeTemporary: (prefix) => around(() => quarantineFiles.makeTemporary(prefix)),
  makeObjectFolder: (path) => aroundSync(() => quarantineFiles.makeObjectFolder(path)),
  writeObject: (path, bytes) => aroundSync(() => quarantineFiles.writeObject(path, bytes)),
  link: (from, to) => around(() => quarantineFiles.link(from, to)),
  copy: (from, to) => around(() => quarantineFiles.copy(from, to)),
  rename: (from, to) => around(() => quarantineFiles.rename(from, to)),
  writeDurably: (path, pieces) => around(() => quarantineFiles.writeDurably(path, pieces)),
  remove: (path) => around(() => quarantineFiles.remove(path))
})

const memoryFolder = MemoryFolder.of({
  path: mode === "disk" ? null : memory,
  look: () => ({ inMemory: true, isSafe: true, bytesFree: 4 * memoryBytesMax }),
  looseObjectsMax: mode === "pack" ? 0 : 100
})

const work = Effect.gen(function* () {
  const git = yield* makeGitCli({ env: isolatedEnvironment })
  const counted = Git.of({
    ...git,
    run: (command) =>
      Effect.sync(point).pipe(
        Effect.zipRight(git.run(command)),
        Effect.tap(() => Effect.sync(point))
      )
  })
  const refs = yield* refsNow(directory).pipe(Effect.provideService(Git, git))
  yield* rebuiltIn(directory, {
    refs: crashRefs.map((ref) => ({ ref, expected: refs.get(ref) ?? null }))
  }).pipe(
    Effect.provideService(Git, counted),
    Effect.provideService(QuarantineFiles, files),
    Effect.provideService(MemoryFolder, memoryFolder)
  )
})

await Effect.runPromise(work)
writeSync(1, `points ${passed}\n`)
