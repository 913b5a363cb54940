/**
 * A private object folder inside the git folder: what a rebuild writes lies here until the rebuild has succeeded.
 *
 * Git reads the repository's own objects through `GIT_ALTERNATE_OBJECT_DIRECTORIES` and writes only here. `migrate`
 * moves what the given commits reach, children before parents, so that a crash in the middle leaves loose objects
 * that nothing names, never a commit without its tree. Closing the scope removes the folder, whatever happened; what
 * a killed process leaves is removed by the next rebuild and by `patchmoi patch doctor --sweep`.
 */
import { readFileSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import process from "node:process"
import { deflateSync, inflateSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { quarantineHome, quarantineNameOf, sweepStaleQuarantines } from "../patch/StaleQuarantines.ts"
import type { Repository } from "../Repository.ts"
import { frame, type ObjectType, objectIdOf, treeEntries } from "./objectFormat.ts"
import { QuarantineFiles, type QuarantineFilesOps } from "./quarantineFiles.ts"

/** The file system refused while objects were written, moved or removed. No ref was moved. */
export class QuarantineError extends Schema.TaggedError<QuarantineError>("git/QuarantineError")(
  "QuarantineError",
  {
    operation: Schema.Literal("create", "write", "migrate"),
    directory: Schema.String,
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Could not ${this.operation} objects in ${this.directory}: ${this.detail}`
  }
}

export interface Quarantine {
  readonly directory: string
  /** Variables that make git write here and read the repository as well. */
  readonly env: Readonly<Record<string, string>>
  /** Writes one object and gives its id. Writing the same object again does nothing. */
  readonly write: (type: ObjectType, content: Uint8Array) => Effect.Effect<ObjectId, QuarantineError>
  /** Moves what the commits reach into the repository and gives the number of objects moved. */
  readonly migrate: (commits: ReadonlyArray<ObjectId>) => Effect.Effect<number, QuarantineError>
}

/** A new, empty quarantine of the repository, removed when the scope closes. */
export const makeQuarantine = Effect.fnUntraced(function* (repository: Repository) {
  const home = quarantineHome(repository)
  const files = yield* QuarantineFiles
  const attempt = <A>(operation: QuarantineError["operation"], directory: string, work: () => Promise<A>) =>
    Effect.tryPromise({ try: work, catch: (cause) => refused(operation, directory, cause) })
  yield* attempt("create", home, () => files.makeFolder(home))
  yield* sweepStaleQuarantines({ repository })
  const directory = yield* Effect.acquireRelease(
    attempt("create", home, () => files.makeTemporary(join(home, quarantineNameOf(process.pid)))),
    (created) => Effect.promise(() => files.removeFolder(created))
  )
  const objects = join(directory, "objects")
  yield* attempt("create", directory, () => files.makeFolder(join(objects, "pack")))
  const quarantine: Quarantine = {
    directory,
    env: {
      GIT_DIR: repository.gitDirectory,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(repository.objectDirectory)
    },
    write: makeWrite(files, repository, objects),
    migrate: (commits) =>
      attempt("migrate", repository.objectDirectory, () =>
        migrateReachable(files, repository, objects, commits)
      )
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

const makeWrite = (
  files: QuarantineFilesOps,
  repository: Repository,
  objects: string
): Quarantine["write"] => {
  const written = new Set<string>()
  const folders = new Set<string>()
  return (type, content) =>
    Effect.try({
      try: () => {
        const framed = frame(type, content)
        const id = objectIdOf(repository.objectFormat, framed)
        if (!isObjectId(id)) throw new Error("the hash has an unexpected length")
        if (written.has(id)) return id
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

const migrateReachable = async (
  files: QuarantineFilesOps,
  repository: Repository,
  objects: string,
  commits: ReadonlyArray<ObjectId>
): Promise<number> => {
  const ordered = await reachableInOrder(repository, objects, await looseIds(objects), commits)
  const folders = new Set<string>()
  for (const [at, id] of ordered.entries()) {
    if (at % objectsPerTurn === 0) await nextTurn()
    const target = join(repository.objectDirectory, id.slice(0, 2), id.slice(2))
    const folder = dirname(target)
    if (!folders.has(folder)) await files.makeFolder(folder)
    folders.add(folder)
    await moveObject(files, join(objects, id.slice(0, 2), id.slice(2)), target)
  }
  return ordered.length
}

/** Objects that are read or moved before others get their turn: some milliseconds. */
const objectsPerTurn = 128

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const looseIds = async (objects: string): Promise<ReadonlySet<string>> => {
  const folders = (await readdir(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name))
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(join(objects, folder))).map((name) => folder + name))
  )
  return new Set(names.flat().filter(isObjectId))
}

/** Objects of the quarantine that the commits reach, children first. What is not here is in the repository already. */
const reachableInOrder = async (
  repository: Repository,
  objects: string,
  here: ReadonlySet<string>,
  commits: ReadonlyArray<ObjectId>
): Promise<ReadonlyArray<string>> => {
  const ordered: Array<string> = []
  const seen = new Set<string>()
  const isNew = (id: string): boolean => {
    if (seen.has(id) || !here.has(id)) return false
    seen.add(id)
    return true
  }
  const contentOf = async (id: string): Promise<Buffer> => {
    if (seen.size % objectsPerTurn === 0) await nextTurn()
    const bytes = inflateSync(readFileSync(join(objects, id.slice(0, 2), id.slice(2))))
    return bytes.subarray(bytes.indexOf(0) + 1)
  }
  const visitTree = async (id: string): Promise<void> => {
    if (!isNew(id)) return
    for (const entry of treeEntries(repository.objectFormat, await contentOf(id))) {
      if (entry.kind === "tree") await visitTree(entry.id)
      if (entry.kind === "blob" && isNew(entry.id)) ordered.push(entry.id)
    }
    ordered.push(id)
  }
  // Parents are given before their children, so no walk over parents is needed: its depth would be the stack's length.
  for (const commit of commits) {
    if (!isNew(commit)) continue
    const content = await contentOf(commit)
    await visitTree(content.toString("latin1", "tree ".length, content.indexOf(10)))
    ordered.push(commit)
  }
  return ordered
}

/** Moves by hard link, which never replaces an object that is there; by copy and rename across file systems. */
const moveObject = async (files: QuarantineFilesOps, source: string, target: string): Promise<void> => {
  try {
    await files.link(source, target)
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    if (code === "EEXIST") return
    if (code !== "EXDEV" && code !== "EPERM" && code !== "ENOTSUP") throw cause
    const partial = `${target}.patchmoi-${process.pid}`
    await files.copy(source, partial)
    await files.rename(partial, target)
  }
}
