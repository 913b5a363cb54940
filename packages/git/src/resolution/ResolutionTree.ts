/**
 * How resolutions lie in their ref: `<base>-<ours>-<theirs>/<id>/resolution.json`, and `content` beside it unless the
 * decision was that there is no file. The ref's history says who added what.
 *
 * The ref may come from somebody else, so that nothing is believed: sizes are looked at before anything is read, numbers
 * are bounded, names must have the form above, and what does not fit is an issue.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { RefName } from "../GitName.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import type { Quarantine } from "../internal/quarantine.ts"
import { writeFileEntry, writeFolderEntry } from "../internal/recordCommit.ts"
import { fileMode, folderMode, formatTree, type NamedEntry, parseTree } from "../internal/treeObject.ts"
import { oneLineOf } from "../internal/words.ts"
import type { Repository } from "../Repository.ts"
import {
  isResolutionId,
  isResolutionKey,
  Resolution,
  type ResolutionIssue,
  resolutionBytesMax,
  resolutionIdOf,
  resolutionKeyOf,
  type StoredResolution
} from "./Resolution.ts"

/** The ref of this repository's resolutions. */
export const resolutionsRef = RefName.make("refs/patchmoi/resolutions")

/** Conflicts (triples of versions) that one ref holds. */
export const keysMax = 10_000

/** Resolutions of one triple. */
export const idsPerKeyMax = 32

/** One resolution to put in or, with `folder: null`, to take out. */
export interface TreeChange {
  readonly key: string
  readonly id: string
  readonly folder: NamedEntry | null
}

/** What a ref holds. */
export interface ReadTree {
  readonly resolutions: ReadonlyArray<StoredResolution>
  readonly issues: ReadonlyArray<ResolutionIssue>
}

/** The folders of the tree, at most `keysMax`, and what else lies there. */
export const readKeys = Effect.fnUntraced(function* (repository: Repository, commit: string) {
  const [root] = yield* readTrees(repository, [`${commit}^{tree}`])
  const issues: Array<ResolutionIssue> = []
  if (root === null || root === undefined) {
    issues.push({ place: "", detail: "it points to no tree that can be read" })
    return { keys: [], issues }
  }
  const isKey = ({ mode, name }: NamedEntry) => mode === folderMode && isResolutionKey(name)
  const others = root.filter((entry) => !isKey(entry))
  for (const { name } of others.slice(0, issuesMax)) {
    issues.push({ place: oneLineOf(name, 200), detail: "it is no folder of a conflict" })
  }
  const keys = root.filter(isKey).map(({ name }) => name)
  if (keys.length > keysMax) {
    issues.push({ place: "", detail: `only the first ${keysMax} of ${keys.length} folders are read` })
  }
  return { keys: keys.slice(0, keysMax), issues }
})

/** The resolutions in these folders of the commit's tree. A folder that is not there has none. */
export const readFolders = Effect.fnUntraced(function* (
  repository: Repository,
  commit: string,
  keys: ReadonlyArray<string>
) {
  const resolutions: Array<StoredResolution> = []
  const issues: Array<ResolutionIssue> = []
  const places = yield* findPlaces(repository, commit, keys, issues)
  for (let from = 0; from < places.length; from += placesPerBatch) {
    const batch = places.slice(from, from + placesPerBatch)
    const files = yield* readTrees(
      repository,
      batch.map(({ tree }) => tree)
    )
    const entries = batch.map((place, at) => ({ place, entries: files[at] ?? [] }))
    const records = entries.map((each) => entryOf(each.entries, "resolution.json")?.id ?? "0")
    const sizes = yield* readObjectSizes({ repository, names: records })
    const isReadable = (at: number) =>
      sizes[at]?.type === "blob" && (sizes[at]?.size ?? Number.MAX_VALUE) <= resolutionBytesMax
    const readable = entries.filter((_, at) => isReadable(at))
    const names = records.filter((_, at) => isReadable(at))
    const objects = yield* readObjects({ repository, names })
    for (const { place } of entries.filter((_, at) => !isReadable(at))) {
      issues.push({ place: place.path, detail: "its resolution.json is missing, no file, or too long" })
    }
    for (const [at, each] of readable.entries()) {
      const read = decode(each.place, each.entries, objects[at]?.content ?? Buffer.alloc(0))
      if (Either.isRight(read)) resolutions.push(read.right)
      else issues.push({ place: each.place.path, detail: read.left })
    }
  }
  return { resolutions, issues: issues.slice(0, issuesMax) } satisfies ReadTree
})

/** Writes the folder of one resolution. `content` is the id of a blob that the repository or the quarantine holds. */
export const writeResolution = Effect.fnUntraced(function* (quarantine: Quarantine, resolution: Resolution) {
  const id = resolutionIdOf(resolution)
  const json = JSON.stringify(encode(resolution), undefined, 1)
  const entries = [yield* writeFileEntry(quarantine, "resolution.json", Buffer.from(`${json}\n`))]
  const blob = contentOf(resolution)
  if (blob !== null) entries.push({ mode: fileMode, name: "content", id: blob })
  const folder = yield* writeFolderEntry(quarantine, id, entries)
  return { key: resolutionKeyOf(resolution), id, folder } satisfies TreeChange
})

/** The tree of the commit (or an empty one) with the changes; `null` when a folder or the tree would hold too much. */
export const changeTree = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly commit: string | null
  readonly changes: ReadonlyArray<TreeChange>
}) {
  const { repository, quarantine, commit } = given
  const byKey = Map.groupBy(given.changes, ({ key }) => key)
  const root = commit === null ? [] : ((yield* readTrees(repository, [`${commit}^{tree}`]))[0] ?? [])
  const known = new Map(root.map((entry) => [entry.name, entry]))
  const keys = [...byKey.keys()]
  const folders = keys.map((key) => known.get(key))
  const trees = yield* readTrees(
    repository,
    folders.map((entry) => (entry?.mode === folderMode ? entry.id : "0"))
  )
  for (const [at, key] of keys.entries()) {
    const changes = byKey.get(key) ?? []
    const changed = new Set(changes.map(({ id }) => id))
    const entries = [
      ...(trees[at] ?? []).filter(({ name }) => !changed.has(name)),
      ...changes.flatMap(({ folder }) => (folder === null ? [] : [folder]))
    ]
    if (entries.length > idsPerKeyMax) return null
    if (entries.length === 0) known.delete(key)
    else known.set(key, yield* writeFolderEntry(quarantine, key, entries))
  }
  return known.size > keysMax ? null : yield* quarantine.write("tree", formatTree([...known.values()]))
})

/** The blob that a resolution gives; `null` for no file, and for a submodule, whose commit is no object of this repository. */
export const contentOf = ({ result }: Resolution): string | null =>
  result === null || result.mode === "160000" ? null : result.oid

// --- internal ---

/** Issues of one ref that are told. */
const issuesMax = 100

/** Resolutions that are read in one go: with `resolutionBytesMax` each, 32 MiB. */
const placesPerBatch = 512

/** Longest tree object that is read, in bytes. The root of `keysMax` folders is about 2 MiB. */
const treeBytesMax = 8 * 1024 * 1024

interface Place {
  readonly key: string
  readonly id: string
  readonly tree: string
  readonly path: string
}

/** Trees by name; `null` for what is no tree, too large or malformed. */
const readTrees = (repository: Repository, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sizes = yield* readObjectSizes({ repository, names })
    const ids = sizes.map((found) => (found?.type === "tree" && found.size <= treeBytesMax ? found.id : null))
    const objects = yield* readObjects({ repository, names: ids.filter((id) => id !== null) })
    let next = 0
    return ids.map((id) => {
      if (id === null) return null
      const object = objects[next++]
      return object === null || object === undefined
        ? null
        : parseTree(repository.objectFormat, object.content)
    })
  })

const findPlaces = (
  repository: Repository,
  commit: string,
  keys: ReadonlyArray<string>,
  issues: Array<ResolutionIssue>
) =>
  Effect.gen(function* () {
    const places: Array<Place> = []
    const unique = [...new Set(keys)]
    const trees = yield* readTrees(
      repository,
      unique.map((key) => `${commit}:${key}`)
    )
    for (const [at, key] of unique.entries()) {
      const entries = trees[at] ?? []
      const usable = entries.filter(({ mode, name }) => mode === folderMode && isResolutionId(name))
      if (usable.length < entries.length || usable.length > idsPerKeyMax) {
        issues.push({ place: key, detail: "it holds what is no resolution, or too much" })
      }
      for (const { name, id } of usable.slice(0, idsPerKeyMax)) {
        places.push({ key, id: name, tree: id, path: `${key}/${name}` })
      }
    }
    return places
  })

const encode = Schema.encodeSync(Resolution)
const decodeRecord = Schema.decodeUnknownEither(Schema.parseJson(Resolution))

const entryOf = (entries: ReadonlyArray<NamedEntry>, name: string) =>
  entries.find((entry) => entry.name === name && entry.mode === fileMode)

const decode = (
  place: Place,
  entries: ReadonlyArray<NamedEntry>,
  content: Buffer
): Either.Either<StoredResolution, string> => {
  const decoded = decodeRecord(content.toString("utf8"))
  if (Either.isLeft(decoded)) return Either.left(oneLineOf(decoded.left.message, 500))
  const resolution = decoded.right
  const id = resolutionIdOf(resolution)
  if (id !== place.id) return Either.left(`it holds the resolution ${id}`)
  if (resolutionKeyOf(resolution) !== place.key) return Either.left("it is about other versions")
  const wanted = contentOf(resolution)
  const found = entryOf(entries, "content")?.id ?? null
  if (wanted !== found) return Either.left("its content is not the one that its resolution.json names")
  return Either.right({ id, resolution })
}
