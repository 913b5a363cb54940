/**
 * The lock of the one writer: files `lock/<generation>.json`, of which the highest one counts.
 *
 * 1. A generation is taken by linking a complete file to its name, which only one process can do.
 * 2. A lock that is given back stays, marked as released; the highest generation never goes down. So whoever looked
 *    at an old state asks for a generation that is taken, or finds a higher one when it looks again, and withdraws.
 * 3. The owner counts as gone when its process is gone, when its number belongs to a process that started at
 *    another time, or when the machine was started again. An owner on another machine counts as there.
 */

import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { LockOwner, StoreLocked } from "../FileStoreErrors.ts"
import { errorCode, type FileSystemOps, makeDurableDirectory, readWhole, replaceFile } from "./fileOps.ts"
import { layout } from "./layout.ts"
import { mayBeAlive } from "./processIdentity.ts"

/** A lock that is held. */
export interface HeldLock {
  readonly file: string
  /** Who held it before and went without giving it back. */
  readonly tookOver: LockOwner | undefined
  readonly release: () => void
}

/** Takes the lock for this owner, or gives the error that names who has it. `nonce` tells two claims apart. */
export const takeLock = (
  ops: FileSystemOps,
  directory: string,
  owner: LockOwner,
  nonce: string
): Either.Either<HeldLock, StoreLocked> => {
  const { lock } = layout(directory)
  makeDurableDirectory(ops, lock)
  const content = JSON.stringify(owner)
  for (let round = 0; round < roundsMax; round++) {
    const highest = generations(ops, lock).at(-1)
    const holder = highest === undefined ? undefined : readOwner(ops, `${lock}/${fileName(highest)}`)
    if (highest !== undefined && holder === undefined) continue
    const file = `${lock}/${fileName((highest ?? 0) + 1)}`
    if (holder !== undefined && mayBeAlive(holder)) {
      return Either.left(
        new StoreLocked({ directory, file: `${lock}/${fileName(highest ?? 0)}`, owner: holder })
      )
    }
    if (!claim(ops, lock, file, content, `${claimPrefix}${owner.pid}-${nonce}`)) continue
    if (generations(ops, lock).at(-1) !== (highest ?? 0) + 1) {
      ops.remove(file)
      continue
    }
    for (const name of ops.list(lock)) {
      const isOld = generationOf(name) !== undefined || name.startsWith(claimPrefix)
      if (isOld && `${lock}/${name}` !== file) ops.remove(`${lock}/${name}`)
    }
    return Either.right({
      file,
      tookOver: holder?.released === false ? holder : undefined,
      release: () =>
        replaceFile(ops, lock, fileName((highest ?? 0) + 1), JSON.stringify({ ...owner, released: true }))
    })
  }
  throw new Error(`${lock} changed under each of ${roundsMax} attempts to take it`)
}

// --- internal ---

/** How often the lock is looked at again when it changed meanwhile. */
const roundsMax = 1_000

const generationDigits = 16

/** Begins the name of a lock that is still being written. */
const claimPrefix = ".claim-"

const fileName = (generation: number): string => `${String(generation).padStart(generationDigits, "0")}.json`

const generationOf = (name: string): number | undefined =>
  /^\d{16}\.json$/.test(name) ? Number(name.slice(0, generationDigits)) : undefined

const generations = (ops: FileSystemOps, lock: string): ReadonlyArray<number> =>
  ops.list(lock).flatMap((name) => generationOf(name) ?? [])

/** Undefined when the file went away since it was listed. */
const readOwner = (ops: FileSystemOps, file: string): LockOwner | undefined => {
  const bytes = readWhole(ops, file)
  if (bytes === undefined) return undefined
  return Either.getOrThrowWith(
    decodeOwner(bytes.toString("utf8")),
    () => new Error(`${file} is no lock of a store; if no process writes into the store, remove the file`)
  )
}

const decodeOwner = Schema.decodeUnknownEither(Schema.parseJson(LockOwner))

/** Whether the name was free and is now this owner's. The content is durable before the name is. */
const claim = (ops: FileSystemOps, lock: string, file: string, content: string, name: string): boolean => {
  const temporary = `${lock}/${name}`
  const handle = ops.open(temporary, "w")
  try {
    ops.write(handle, Buffer.from(content))
    ops.sync(handle)
  } finally {
    ops.close(handle)
  }
  try {
    ops.link(temporary, file)
    return true
  } catch (error) {
    // `ENOENT`: the one who got the lock has tidied up.
    const code = errorCode(error)
    if (code === "EEXIST" || code === "ENOENT") return false
    throw error
  } finally {
    ops.remove(temporary)
  }
}
