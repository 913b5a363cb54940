/**
 * Views and last changes, from anything that gives objects by id: a pack in memory, a library, a repository on disk.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ObjectId } from "../GitName.ts"
import { type CommitObject, type ObjectFormat, parseCommit } from "../internal/objectFormat.ts"
import { type CommitView, makeCommitView } from "./CommitView.ts"
import type { LastChange, ReadCommitOptions, ReadLastChangeOptions } from "./GitTransport.ts"
import { ProtocolBroken, type TransportError, UnusablePath } from "./TransportError.ts"
import { foldersAbove, partsOf } from "./targetPath.ts"
import { folderMode, type NamedEntry, parseTree } from "./treeObject.ts"
import type { PackObject } from "./wire/pack.ts"

/** Gives an object, or `null` for one that is not there. */
export interface ObjectSource {
  readonly url: string
  readonly read: (oid: ObjectId) => Effect.Effect<PackObject | null, TransportError>
}

/** Most paths and folders of one question. */
export const pathsMax = 200

/** The format that an id belongs to. */
export const formatOf = (oid: ObjectId): ObjectFormat => (oid.length === 64 ? "sha256" : "sha1")

/** The folders whose trees answer the question, each after the ones above it. */
export const foldersFor = (
  options: Pick<ReadCommitOptions, "paths" | "folders">
): Either.Either<ReadonlyArray<string>, UnusablePath> =>
  Either.gen(function* () {
    const { paths, folders = [] } = options
    if (paths.length + folders.length > pathsMax)
      return yield* Either.left(new UnusablePath({ path: "", reason: `more than ${pathsMax} paths` }))
    const wanted = new Set([""])
    for (const path of paths) for (const folder of foldersAbove(yield* partsOf(path))) wanted.add(folder)
    for (const folder of folders) {
      const parts = yield* partsOf(folder)
      for (const above of [...foldersAbove(parts), folder]) wanted.add(above)
    }
    return [...wanted].sort((a, b) => depthOf(a) - depthOf(b))
  })

/** How many levels of trees the folders need. */
export const treeDepthFor = (folders: ReadonlyArray<string>): number => Math.max(...folders.map(depthOf)) + 1

/** Reads the trees on the way. `ProtocolBroken` when an object that must be there is not. */
export const readView = Effect.fnUntraced(function* (source: ObjectSource, options: ReadCommitOptions) {
  const objectFormat = formatOf(options.commit)
  const commit = yield* readCommitObject(source, options.commit)
  const trees = new Map<string, Uint8Array>()
  for (const folder of yield* foldersFor(options)) {
    const oid = folder === "" ? commit.tree : folderIn(trees, objectFormat, folder)
    if (oid !== null) trees.set(folder, yield* readTree(source, oid))
  }
  const view: CommitView = makeCommitView({ commit: options.commit, objectFormat, trees })
  return view
})

/** Walks first parents until the path's entry differs. Commits that the source does not have end the walk. */
export const findLastChange = Effect.fnUntraced(function* (
  source: ObjectSource,
  options: ReadLastChangeOptions
) {
  const parts = yield* partsOf(options.path)
  let commit = options.commit
  let object = yield* readCommitObject(source, commit)
  let entry = yield* entryAt(source, object, parts)
  for (let looked = 0; looked < options.commitsMax; looked++) {
    const [parent] = object.parents
    if (parent === undefined) return entry === null ? null : changeOf(commit, object)
    const found = yield* source.read(parent)
    if (found === null) return null
    const above = yield* parsed(source, parent, found)
    const before = yield* entryAt(source, above, parts)
    if (before?.oid !== entry?.oid || before?.mode !== entry?.mode) return changeOf(commit, object)
    ;[commit, object, entry] = [parent, above, before]
  }
  return null
})

// --- internal ---

const depthOf = (folder: string): number => (folder === "" ? 0 : folder.split("/").length)

const broken = (source: ObjectSource, detail: string) =>
  new ProtocolBroken({ url: source.url, detail, afterSend: false })

const readCommitObject = Effect.fnUntraced(function* (source: ObjectSource, oid: ObjectId) {
  const found = yield* source.read(oid)
  if (found === null) return yield* broken(source, `the commit ${oid} is not in it`)
  return yield* parsed(source, oid, found)
})

const parsed = (source: ObjectSource, oid: ObjectId, object: PackObject) =>
  object.type === "commit"
    ? Either.mapLeft(parseCommit(object.content), (problem) => broken(source, `commit ${oid}: ${problem}`))
    : Either.left(broken(source, `${oid} is a ${object.type}, not a commit`))

const readTree = Effect.fnUntraced(function* (source: ObjectSource, oid: ObjectId) {
  const found = yield* source.read(oid)
  if (found?.type !== "tree") return yield* broken(source, `the tree ${oid} is not in it`)
  yield* entriesOf(source, oid, found.content)
  return found.content
})

const entriesOf = (
  source: ObjectSource,
  oid: ObjectId,
  content: Uint8Array
): Either.Either<ReadonlyArray<NamedEntry>, ProtocolBroken> =>
  Either.try({
    try: () => parseTree(formatOf(oid), content),
    catch: () => broken(source, `${oid} is no tree`)
  })

const folderIn = (
  trees: ReadonlyMap<string, Uint8Array>,
  format: ObjectFormat,
  folder: string
): ObjectId | null => {
  const slash = folder.lastIndexOf("/")
  const above = trees.get(folder.slice(0, Math.max(0, slash)))
  const name = folder.slice(slash + 1)
  const entry = above && parseTree(format, above).find((one) => one.name === name)
  return entry?.mode === folderMode ? entry.oid : null
}

const entryAt = Effect.fnUntraced(function* (
  source: ObjectSource,
  commit: CommitObject,
  parts: ReadonlyArray<string>
) {
  let entry: NamedEntry | null = { mode: folderMode, name: "", oid: commit.tree }
  for (const part of parts) {
    if (entry?.mode !== folderMode) return null
    const entries: ReadonlyArray<NamedEntry> = yield* Effect.flatMap(readTree(source, entry.oid), (tree) =>
      entriesOf(source, commit.tree, tree)
    )
    entry = entries.find((one) => one.name === part) ?? null
  }
  return entry
})

const changeOf = (commit: ObjectId, object: CommitObject): LastChange => {
  const match = /^(.*?) ?<([^>]*)>/s.exec(object.author.toString("utf8"))
  return {
    commit,
    parent: object.parents[0] ?? null,
    author: { name: match?.[1] ?? "", email: match?.[2] ?? "" },
    message: object.message.toString("utf8")
  }
}

/** An object source over objects in memory. */
export const sourceOf = (url: string, objects: ReadonlyMap<string, PackObject>): ObjectSource => ({
  url,
  read: (oid) => Effect.succeed(objects.get(oid) ?? null)
})
