/** The quarantine in memory: when it is chosen, what reaches the repository from it, and what happens when it fails. */
import { describe, expect, test } from "bun:test"
import { chmodSync, readdirSync, rmSync } from "node:fs"
import { mkdir, readdir, symlink, utimes } from "node:fs/promises"
import { basename, join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { Git } from "../../src/Git.ts"
import {
  findMemoryRoom,
  MemoryFolder,
  type MemoryFolderOps,
  memoryBytesMax
} from "../../src/internal/memoryFolder.ts"
import {
  QuarantineFiles,
  type QuarantineFilesOps,
  quarantineFiles
} from "../../src/internal/quarantineFiles.ts"
import {
  listStaleQuarantines,
  memoryPrefixOf,
  quarantineNameOf,
  sweepStaleQuarantines
} from "../../src/patch/StaleQuarantines.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempDirectory, type TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"
import { makeFork, rebuiltIn } from "./fork.ts"

const roomy = { inMemory: true, isSafe: true, bytesFree: 4 * memoryBytesMax }

/** A folder that passes for memory, and rebuilds that use it and tell where their quarantines were. */
const makeMemory = (more: Partial<MemoryFolderOps> = {}) =>
  Effect.gen(function* () {
    const path = yield* makeTempDirectory
    const ops: MemoryFolderOps = { path, look: () => roomy, looseObjectsMax: 100, ...more }
    const places: Array<string> = []
    const makeTemporary = (prefix: string) => {
      places.push(prefix.startsWith(`${path}/`) ? "memory" : "disk")
      return quarantineFiles.makeTemporary(prefix)
    }
    const rebuilt = (
      repo: TempRepo,
      files: Partial<QuarantineFilesOps> = {},
      options: Parameters<typeof rebuiltIn>[1] = {}
    ) =>
      rebuiltIn(repo.directory, options).pipe(
        Effect.provideService(MemoryFolder, ops),
        Effect.provideService(
          QuarantineFiles,
          QuarantineFiles.of({ ...quarantineFiles, makeTemporary, ...files })
        )
      )
    return { path, ops, places, rebuilt }
  })

const packsOf = (repo: TempRepo) =>
  readdirSync(join(repo.directory, ".git/objects/pack")).map((name) => name.replace(/^.*\./, ""))

/** The result is whole, nothing else was kept, and nothing is left in memory. */
const expectWhole = (repo: TempRepo, memory: string, tip: string) =>
  Effect.gen(function* () {
    yield* repo.git("update-ref", "refs/heads/candidate", tip)
    expect(yield* repo.git("fsck", "--strict", "--unreachable", "--no-reflogs")).toBe("")
    expect(readdirSync(memory)).toEqual([])
  })

describe("a quarantine in memory", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(
      `gives what the disk gives, object by object and as a pack (${format})`,
      withGit(() =>
        Effect.gen(function* () {
          const { tip } = yield* rebuiltIn((yield* makeFork(format)).directory, { quarantine: "disk" })
          for (const looseObjectsMax of [100, 0]) {
            const repo = yield* makeFork(format)
            const memory = yield* makeMemory({ looseObjectsMax })
            expect((yield* memory.rebuilt(repo)).tip).toBe(tip)
            expect(memory.places).toEqual(["memory"])
            expect(packsOf(repo).sort()).toEqual(looseObjectsMax === 0 ? ["idx", "pack"] : [])
            yield* expectWhole(repo, memory.path, tip)
            // Everything is there already, and is written again all the same.
            expect((yield* memory.rebuilt(repo)).tip).toBe(tip)
            yield* expectWhole(repo, memory.path, tip)
          }
        })
      )
    )
  }

  test(
    "is made only where there is memory with room that nobody else can change, for the repository itself",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const repository = yield* openRepository({ directory: repo.directory })
        const absent = () => {
          throw new Error("ENOENT")
        }
        const unfit: ReadonlyArray<Partial<MemoryFolderOps>> = [
          { path: null },
          { look: absent },
          { look: () => ({ ...roomy, inMemory: false }) },
          { look: () => ({ ...roomy, isSafe: false }) },
          { look: () => ({ ...roomy, bytesFree: 1_000_000 }) }
        ]
        for (const more of unfit) {
          const memory = yield* makeMemory(more)
          yield* memory.rebuilt(repo)
          expect(memory.places).toEqual(["disk"])
        }
        const { ops, places, rebuilt } = yield* makeMemory()
        yield* rebuilt(repo, {}, { quarantine: "disk" })
        expect(places).toEqual(["disk"])
        const found = (given: Partial<Parameters<typeof findMemoryRoom>[0]>) =>
          Effect.map(
            findMemoryRoom({ repository, commits: 1, ...given }).pipe(
              Effect.provideService(MemoryFolder, ops)
            ),
            (room) => room !== null
          )
        expect(yield* found({})).toBe(true)
        expect(yield* found({ commits: 10_000 })).toBe(false)
        const older = Git.of({ ...(yield* Git), version: { major: 2, minor: 38 } })
        expect(yield* found({}).pipe(Effect.provideService(Git, older))).toBe(false)
        const borrowing = { ...repository, objectDirectory: `${repository.objectDirectory}-elsewhere` }
        expect(yield* found({ repository: borrowing })).toBe(false)
      })
    )
  )

  test(
    "that is full, not writable or gone is given up for one on the disk",
    withGit(() =>
      Effect.gen(function* () {
        const { tip } = yield* rebuiltIn((yield* makeFork()).directory, { quarantine: "disk" })
        let memory = yield* makeMemory()
        const inMemory = (path: string) => path.startsWith(memory.path)
        const full = () => {
          throw new Error("ENOSPC: no space left on device")
        }
        // Counted from one over all writes to memory, of which a rebuild makes two dozen.
        const writeUntil = (last: number, then: (path: string) => void) => {
          let writes = 0
          return (path: string, bytes: Uint8Array) => {
            writes += inMemory(path) ? 1 : 0
            if (writes >= last && inMemory(path)) then(path)
            quarantineFiles.writeObject(path, bytes)
          }
        }
        const failures: ReadonlyArray<Partial<QuarantineFilesOps>> = [
          { writeObject: writeUntil(1, full) },
          { writeObject: writeUntil(12, full) },
          // Git meets the failure: its objects have no folder any more.
          { writeObject: writeUntil(12, (path) => rmSync(join(path, "../.."), { recursive: true })) },
          // What git wrote is gone when it is to be kept, or goes while it is being kept.
          { writeDurably: (path) => Promise.reject(new Error(`EIO: ${path}`)) },
          {
            writeDurably: async (path, pieces) => {
              await quarantineFiles.writeDurably(path, pieces)
              for (const folder of readdirSync(memory.path))
                rmSync(join(memory.path, folder, "objects"), { recursive: true, force: true })
            }
          }
        ]
        for (const files of failures) {
          const repo = yield* makeFork()
          memory = yield* makeMemory({ looseObjectsMax: 0 })
          expect((yield* memory.rebuilt(repo, files)).tip).toBe(tip)
          expect(memory.places).toEqual(["memory", "disk"])
          yield* expectWhole(repo, memory.path, tip)
          expect(packsOf(repo).filter((kind) => kind.startsWith("tmp_"))).toEqual([])
        }
        const locked = yield* makeMemory({ path: "/proc/patchmoi" })
        const repo = yield* makeFork()
        expect((yield* locked.rebuilt(repo)).tip).toBe(tip)
      })
    )
  )

  test(
    "gives way to others when memory becomes scarce, and to the disk when it has taken its share",
    withGit(() =>
      Effect.gen(function* () {
        const { tip } = yield* rebuiltIn((yield* makeFork()).directory, { quarantine: "disk" })
        for (const bytesFree of [1_000_000, roomy.bytesFree - memoryBytesMax - 1]) {
          let looks = 0
          const look = () => (looks++ === 0 ? roomy : { ...roomy, bytesFree })
          const repo = yield* makeFork()
          const memory = yield* makeMemory({ look })
          expect((yield* memory.rebuilt(repo)).tip).toBe(tip)
          expect(memory.places).toEqual(["memory", "disk"])
          yield* expectWhole(repo, memory.path, tip)
        }
      })
    )
  )

  test(
    "that a stopped rebuild left is swept by the rules of the disk, and only this repository's own",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        const repository = yield* openRepository({ directory: repo.directory })
        const { ops, path, rebuilt } = yield* makeMemory()
        const dead = Bun.spawn(["true"])
        yield* Effect.promise(() => dead.exited)
        const prefix = memoryPrefixOf(repository)
        const names = {
          dead: `${prefix}${quarantineNameOf(dead.pid)}dead`,
          old: `${prefix}${quarantineNameOf(process.pid)}old`,
          live: `${prefix}${quarantineNameOf(process.pid)}live`,
          elsewhere: `${prefix}${quarantineNameOf(dead.pid, "another-host")}elsewhere`,
          neighbour: `${memoryPrefixOf({ commonDirectory: "/else" })}${quarantineNameOf(dead.pid)}dead`,
          link: `${prefix}${quarantineNameOf(dead.pid)}link`,
          other: "something-else"
        }
        yield* Effect.promise(async () => {
          for (const name of Object.values(names))
            await (name === names.link
              ? symlink(repo.directory, join(path, name))
              : mkdir(join(path, name, "objects"), { recursive: true }))
          await utimes(join(path, names.old), 1_000_000, 1_000_000)
        })
        const stays = [names.elsewhere, names.link, names.live, names.neighbour, names.other].sort()
        const list = listStaleQuarantines({ repository }).pipe(Effect.provideService(MemoryFolder, ops))
        expect(new Map((yield* list).map(({ directory, reason }) => [basename(directory), reason]))).toEqual(
          new Map([
            [names.dead, "owner-gone"],
            [names.old, "old"]
          ])
        )
        yield* rebuilt(repo)
        expect((yield* Effect.promise(() => readdir(path))).sort()).toEqual(stays)
        const swept = sweepStaleQuarantines({ repository }).pipe(Effect.provideService(MemoryFolder, ops))
        expect(yield* swept).toEqual([])
      })
    )
  )

  test(
    "of the machine is a memory file system that others cannot change",
    withGit(() =>
      Effect.gen(function* () {
        const { look } = yield* MemoryFolder
        const folder = yield* makeTempDirectory
        expect(look(folder).isSafe).toBe(true)
        chmodSync(folder, 0o777)
        expect(look(folder).isSafe).toBe(false)
        chmodSync(folder, 0o1777)
        expect(look(folder)).toMatchObject({ isSafe: true, bytesFree: expect.any(Number) })
        expect(look("/proc").inMemory).toBe(false)
        expect(() => look(join(folder, "absent"))).toThrow()
      })
    )
  )
})
