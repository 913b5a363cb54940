/**
 * Where the objects of a rebuild may lie in memory: a folder of the machine that is no disk, when there is one with room.
 *
 * A rebuild writes some ten small files for each commit and keeps half of them, and on a disk that is most of its time. Memory
 * is shared with everybody else, so the room is estimated before and watched while it is used: a rebuild that needs more goes
 * to the disk.
 */
import { statfsSync, statSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Git, versionAtLeast } from "../Git.ts"
import type { Repository } from "../Repository.ts"

/** Memory that one rebuild may take, in bytes: 128 MiB. A stack of 200 patches on 2,000 files takes 6 MiB. */
export const memoryBytesMax = 128 * 1024 * 1024

/** Memory that is set aside for each commit before a rebuild begins, in bytes: twice what large source trees take. */
const commitBytes = 64 * 1024

/** Memory that is left to others, in bytes, and set aside for what does not depend on the number of commits. */
const reserveBytes = 8 * 1024 * 1024

/** What is known about a folder. */
export interface FolderFacts {
  /** The folder lies on a file system in memory. */
  readonly inMemory: boolean
  /** Nobody else can rename or remove what this process puts there. */
  readonly isSafe: boolean
  readonly bytesFree: number
}

export interface MemoryFolderOps {
  /** The folder, or `null` where the system has none. */
  readonly path: string | null
  /** Throws when there is no such folder. */
  readonly look: (path: string) => FolderFacts
  /** Objects that go from memory into the repository one by one; more become a pack. Git's limit for what it receives is 100, too. */
  readonly looseObjectsMax: number
}

/** The folder of the machine, unless a test says otherwise. */
export class MemoryFolder extends Context.Reference<MemoryFolder>()("@patchmoi/git/internal/MemoryFolder", {
  defaultValue: (): MemoryFolderOps => ({
    path: process.platform === "linux" ? "/dev/shm" : null,
    look,
    looseObjectsMax: 100
  })
}) {}

/** A folder in memory that one rebuild may use. */
export interface MemoryRoom {
  readonly folder: string
  /** Throws when the rebuild has taken more than it may, or when hardly anything is left. */
  readonly check: () => void
  readonly looseObjectsMax: number
}

/** A room for a rebuild of so many commits, or `null`: then it works on the disk. Never fails. */
export const findMemoryRoom = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly commits: number
}) {
  const { look, looseObjectsMax, path } = yield* MemoryFolder
  // What is kept arrives as a pack, and an object folder that is itself a quarantine hands on loose objects alone.
  const isOwn = options.repository.objectDirectory === join(options.repository.commonDirectory, "objects")
  const needed = reserveBytes + options.commits * commitBytes
  if (path === null || !isOwn || needed > memoryBytesMax) return null
  // Before 2.39 git does not tell when it could not write a merged tree, and memory is more often full than a disk.
  if (!versionAtLeast((yield* Git).version, { major: 2, minor: 39 })) return null
  const found = yield* Effect.option(Effect.try(() => look(path)))
  if (found._tag === "None") return null
  const { bytesFree, inMemory, isSafe } = found.value
  if (!inMemory || !isSafe || bytesFree < needed + reserveBytes) return null
  const check = () => {
    const left = look(path).bytesFree
    if (left < reserveBytes) throw new Error("hardly any memory is left")
    // Others may have taken it, too; then the disk is the better place all the same.
    if (bytesFree - left > memoryBytesMax) throw new Error(`more than ${memoryBytesMax} bytes were taken`)
  }
  const room: MemoryRoom = { folder: path, check, looseObjectsMax }
  return room
})

// --- internal ---

/** The type that statfs(2) gives for tmpfs. */
const tmpfsType = 0x01021994

const stickyBit = 0o1000
const writableByOthers = 0o022

const look = (path: string): FolderFacts => {
  const system = statfsSync(path)
  const { mode } = statSync(path)
  return {
    inMemory: system.type === tmpfsType,
    isSafe: (mode & stickyBit) !== 0 || (mode & writableByOthers) === 0,
    bytesFree: system.bavail * system.bsize
  }
}
