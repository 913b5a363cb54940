/**
 * A repository read without the git program: where it lies, its objects, its history. Packs are read by `isomorphic-git`,
 * which is loaded only here.
 */

import * as fs from "node:fs"
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isObjectId } from "../../GitName.ts"
import type { Repository } from "../../Repository.ts"

/** The repository has something that only the git program can read. Nothing was done. */
export class NeedsGit extends Schema.TaggedError<NeedsGit>("git/NeedsGit")("NeedsGit", {
  directory: Schema.String,
  what: Schema.String
}) {
  override get message(): string {
    return `${this.directory} has ${this.what}, which cannot be read without the git program; install git 2.38 or newer`
  }
}

/** An object that the repository does not hold, or that is damaged. Nothing was done. */
export class MissingObject extends Schema.TaggedError<MissingObject>("git/MissingObject")("MissingObject", {
  objectId: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The object ${this.objectId} cannot be read (${this.detail.slice(0, 200)}); fetch it with git: without the git program nothing is fetched`
  }
}

/** An object with its type. */
export interface PlainObject {
  readonly type: string
  readonly content: Buffer
}

/** A repository with the means to read it. */
export interface PlainRepository {
  readonly repository: Repository
  readonly library: typeof import("isomorphic-git").default
  readonly read: (id: string) => Effect.Effect<PlainObject, MissingObject>
  /** Commits whose parents are not here. */
  readonly shallow: ReadonlySet<string>
}

/** Bytes of objects that are kept to be read again. */
const cacheBytesMax = 64 * 1024 * 1024

/** Finds the repository of the folder, or of one above it; `null` when there is none. */
export const openPlainRepository = Effect.fnUntraced(function* (directory: string) {
  const found = findGitDirectory(directory)
  if (found === null) return null
  const { gitDirectory, workTree } = found
  const commonFile = join(gitDirectory, "commondir")
  const commonDirectory = existsSync(commonFile)
    ? resolve(gitDirectory, readFileSync(commonFile, "utf8").trim())
    : gitDirectory
  const objectDirectory = join(commonDirectory, "objects")
  const library = (yield* Effect.promise(() => import("isomorphic-git"))).default
  const setting = (path: string) =>
    Effect.promise((): Promise<unknown> => library.getConfig({ fs, gitdir: commonDirectory, path }))
  const needsGit = (what: string) => new NeedsGit({ directory, what })
  if (((yield* setting("extensions.objectformat")) ?? "sha1") !== "sha1")
    return yield* needsGit("SHA-256 object ids")
  if (((yield* setting("extensions.refstorage")) ?? "files") !== "files")
    return yield* needsGit("refs in a reftable")
  if (existsSync(join(objectDirectory, "info", "alternates")))
    return yield* needsGit("objects in another repository")
  const repository: Repository = {
    directory: workTree ?? gitDirectory,
    gitDirectory,
    commonDirectory,
    objectDirectory,
    objectFormat: "sha1",
    workTree
  }
  const plain: PlainRepository = {
    repository,
    library,
    read: makeRead(library, commonDirectory),
    shallow: new Set(linesIn(join(commonDirectory, "shallow")))
  }
  return plain
})

// --- internal ---

const linesIn = (path: string): ReadonlyArray<string> =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(isObjectId) : []

const isGitDirectory = (path: string): boolean =>
  existsSync(join(path, "HEAD")) && (existsSync(join(path, "objects")) || existsSync(join(path, "commondir")))

const findGitDirectory = (
  start: string
): { readonly gitDirectory: string; readonly workTree: string | null } | null => {
  if (!existsSync(start)) return null
  for (let at = realpathSync(start); ; at = dirname(at)) {
    const inside = join(at, ".git")
    if (existsSync(inside)) {
      const gitDirectory = statSync(inside).isDirectory() ? inside : pointedAt(inside)
      if (gitDirectory !== null && isGitDirectory(gitDirectory)) return { gitDirectory, workTree: at }
    }
    if (isGitDirectory(at)) return { gitDirectory: at, workTree: null }
    if (dirname(at) === at) return null
  }
}

/** A linked work tree and a submodule have a file `.git` with one line: `gitdir: <path>`. */
const pointedAt = (file: string): string | null => {
  const match = /^gitdir: (.+?)\n*$/.exec(readFileSync(file, "utf8"))
  return match === null ? null : resolve(dirname(file), match[1] ?? "")
}

const makeRead = (library: PlainRepository["library"], gitdir: string): PlainRepository["read"] => {
  const cache = {}
  const kept = new Map<string, PlainObject>()
  let bytes = 0
  return (id) =>
    Effect.gen(function* () {
      const known = kept.get(id)
      if (known !== undefined) return known
      const found = yield* Effect.tryPromise({
        try: () => library.readObject({ fs, cache, gitdir, oid: id, format: "content" }),
        catch: (cause) =>
          new MissingObject({ objectId: id, detail: cause instanceof Error ? cause.message : String(cause) })
      })
      if (!(found.object instanceof Uint8Array))
        return yield* new MissingObject({ objectId: id, detail: "no bytes" })
      const object: PlainObject = { type: found.type, content: Buffer.from(found.object) }
      bytes += object.content.length
      // Trees and commits are read again and again; a large blob once.
      if (bytes > cacheBytesMax) {
        kept.clear()
        bytes = object.content.length
      }
      kept.set(id, object)
      return object
    })
}
