/**
 * A private object folder, inside the git folder or in memory: what a rebuild writes lies here until the rebuild has succeeded.
 *
 * Git reads the repository's own objects through `GIT_ALTERNATE_OBJECT_DIRECTORIES` and writes only here. `migrate` brings
 * what the given commits reach into the repository (`internal/migrate`). Closing the scope removes the folder, whatever
 * happened; what a killed process leaves is removed by the next rebuild and by `patchmoi patch doctor --sweep`.
 */
import { join } from "node:path"
import process from "node:process"
import { deflateSync } from "node:zlib"
import * as Effect from "effect/Effect"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { QuarantineError } from "../patch/QuarantineError.ts"
import {
  memoryPrefixOf,
  quarantineHome,
  quarantineNameOf,
  sweepStaleQuarantines
} from "../patch/StaleQuarantines.ts"
import type { Repository } from "../Repository.ts"
import type { MemoryRoom } from "./memoryFolder.ts"
import { copyReachable, moveReachable } from "./migrate.ts"
import { frame, type ObjectType, objectIdOf } from "./objectFormat.ts"
import { QuarantineFiles, type QuarantineFilesOps } from "./quarantineFiles.ts"

export interface Quarantine {
  readonly directory: string
  /** Variables that make git write here and read the repository as well. */
  readonly env: Readonly<Record<string, string>>
  /** Arguments for git commands that write many objects here. */
  readonly settings: ReadonlyArray<string>
  /** Writes one object and gives its id. Writing the same object again does nothing. */
  readonly write: (type: ObjectType, content: Uint8Array) => Effect.Effect<ObjectId, QuarantineError>
  /** Brings what the commits reach into the repository and gives the number of objects. */
  readonly migrate: (commits: ReadonlyArray<ObjectId>) => Effect.Effect<number, QuarantineError>
}

/** A new, empty quarantine of the repository, removed when the scope closes. (Default: on the disk, in the git folder.) */
export const makeQuarantine = Effect.fnUntraced(function* (
  repository: Repository,
  room: MemoryRoom | null = null
) {
  const home = room?.folder ?? quarantineHome(repository)
  const prefix = room === null ? "" : memoryPrefixOf(repository)
  const files = yield* QuarantineFiles
  const attempt = <A>(operation: QuarantineError["operation"], directory: string, work: () => Promise<A>) =>
    Effect.tryPromise({ try: work, catch: (cause) => refused(operation, directory, cause) })
  if (room === null) yield* attempt("create", home, () => files.makeFolder(home))
  yield* sweepStaleQuarantines({ repository })
  const directory = yield* Effect.acquireRelease(
    attempt("create", home, () =>
      files.makeTemporary(join(home, `${prefix}${quarantineNameOf(process.pid)}`))
    ),
    (created) => Effect.promise(() => files.remove(created))
  )
  const objects = join(directory, "objects")
  // Not to be left behind: once the folder is removed, it would come back with this one.
  yield* Effect.uninterruptible(attempt("create", directory, () => files.makeFolder(join(objects, "pack"))))
  const written = new Set<string>()
  const quarantine: Quarantine = {
    directory,
    env: {
      GIT_DIR: repository.gitDirectory,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(repository.objectDirectory)
    },
    // In memory nothing is won by making objects small that are written anew when they are kept.
    settings: room === null ? [] : ["-c", "core.looseCompression=0"],
    write: makeWrite({ files, repository, objects, written, room }),
    migrate: (commits) =>
      attempt("migrate", repository.objectDirectory, () => {
        const given = { files, repository, objects, commits }
        if (room === null) return moveReachable(given)
        return copyReachable({ ...given, written, looseObjectsMax: room.looseObjectsMax })
      })
  }
  return quarantine
})

// --- internal ---

const refused = (operation: QuarantineError["operation"], directory: string, cause: unknown) =>
  new QuarantineError({
    operation,
    directory,
    detail: cause instanceof Error ? cause.message : String(cause)
  })

/** A path in the quoting of GIT_ALTERNATE_OBJECT_DIRECTORIES, so that a colon in it does not separate. */
const quoted = (path: string): string => `"${path.replace(/[\\"]/g, "\\$&")}"`

/** Objects that are written between two looks at the room: a look takes as long as a write. */
const writesPerCheck = 16

const makeWrite = (options: {
  readonly files: QuarantineFilesOps
  readonly repository: Repository
  readonly objects: string
  readonly written: Set<string>
  readonly room: MemoryRoom | null
}): Quarantine["write"] => {
  const { files, objects, repository, room, written } = options
  const folders = new Set<string>()
  return (type, content) =>
    Effect.try({
      try: () => {
        const framed = frame(type, content)
        const id = objectIdOf(repository.objectFormat, framed)
        if (!isObjectId(id)) throw new Error("the hash has an unexpected length")
        if (written.has(id)) return id
        if (written.size % writesPerCheck === 0) room?.check()
        const folder = join(objects, id.slice(0, 2))
        if (!folders.has(folder)) files.makeObjectFolder(folder)
        folders.add(folder)
        files.writeObject(join(folder, id.slice(2)), deflateSync(framed, { level: 1 }))
        written.add(id)
        return id
      },
      catch: (cause) => refused("write", objects, cause)
    })
}
