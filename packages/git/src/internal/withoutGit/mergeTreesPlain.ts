/**
 * A three-way merge of trees without git, and without rename detection.
 *
 * What git would merge with the help of a rename is a conflict here, never a guess, with one exception: git notices that
 * a whole folder was renamed and calls a file that the other side added to it a conflict; here the file stays in the folder
 * of its name. Equal folders are never opened.
 */
import * as Effect from "effect/Effect"
import { isObjectId, type ObjectId } from "../../GitName.ts"
import type { ConflictKind } from "../../patch/Conflict.ts"
import { formatTree, parseTree, type TreeItem } from "../objectFormat.ts"
import { type LineMerge, mergeLines } from "./lineMerge.ts"

/** One path in conflict, with what each side has there. */
export interface PlainConflict {
  readonly path: Buffer
  readonly kind: ConflictKind
  readonly base: TreeItem | null
  readonly ours: TreeItem | null
  readonly theirs: TreeItem | null
  /** The merged text with markers, where there is one. */
  readonly marked: Buffer | null
}

/** How the merge reads and writes objects. */
export interface PlainMergePorts<E> {
  readonly read: (id: string) => Effect.Effect<Buffer, E>
  readonly write: (type: "blob" | "tree", content: Buffer) => Effect.Effect<ObjectId, E>
  /** Whether attributes may say how files in this folder (one byte for each character) are merged. Such files are not merged line by line. */
  readonly hasMergeAttributes: (folder: string) => Effect.Effect<boolean, E>
  readonly labels: { readonly base: string; readonly ours: string; readonly theirs: string }
}

export type PlainMerged =
  | { readonly _tag: "Merged"; readonly tree: ObjectId }
  | { readonly _tag: "Unmerged"; readonly conflicts: ReadonlyArray<PlainConflict> }

/** Merges the trees. All conflicts are listed, in the order of their paths. */
export const mergeTreesPlain = <E>(
  ports: PlainMergePorts<E>,
  trees: { readonly base: ObjectId; readonly ours: ObjectId; readonly theirs: ObjectId }
): Effect.Effect<PlainMerged, E> =>
  Effect.gen(function* () {
    const conflicts: Array<PlainConflict> = []
    const merge: Merge<E> = { ports, conflicts }
    const root = (id: ObjectId): TreeItem => ({ mode: treeMode, name: Buffer.alloc(0), id })
    const three = { base: root(trees.base), ours: root(trees.ours), theirs: root(trees.theirs) }
    const merged = yield* mergeFolders(merge, Buffer.alloc(0), three)
    if (conflicts.length > 0) return { _tag: "Unmerged", conflicts }
    const tree = merged?.id ?? (yield* ports.write("tree", Buffer.alloc(0)))
    return isObjectId(tree) ? { _tag: "Merged", tree } : yield* Effect.dieMessage("a tree without an id")
  })

// --- internal ---

const treeMode = "40000"

type Item = TreeItem | null

interface Three {
  readonly base: Item
  readonly ours: Item
  readonly theirs: Item
}

interface Merge<E> {
  readonly ports: PlainMergePorts<E>
  readonly conflicts: Array<PlainConflict>
}

const isEqual = (left: Item, right: Item): boolean => left?.id === right?.id && left?.mode === right?.mode

/** The side that changed when the other did not; `undefined` when both did, each in its own way. */
const unopposed = ({ base, ours, theirs }: Three): Item | undefined => {
  if (isEqual(ours, theirs) || isEqual(base, theirs)) return ours
  return isEqual(base, ours) ? theirs : undefined
}

const mapThree = (three: Three, change: (item: Item) => Item): Three => ({
  base: change(three.base),
  ours: change(three.ours),
  theirs: change(three.theirs)
})

const mergeFolders = <E>(merge: Merge<E>, path: Buffer, three: Three): Effect.Effect<Item, E> =>
  Effect.gen(function* () {
    const simple = unopposed(three)
    if (simple !== undefined) return simple
    const [base, ours, theirs] = yield* Effect.forEach([three.base, three.ours, three.theirs], (item) =>
      itemsOf(merge, item)
    )
    const names = new Set([...(base?.keys() ?? []), ...(ours?.keys() ?? []), ...(theirs?.keys() ?? [])])
    const merged: Array<TreeItem> = []
    for (const name of [...names].sort()) {
      const below = {
        base: base?.get(name) ?? null,
        ours: ours?.get(name) ?? null,
        theirs: theirs?.get(name) ?? null
      }
      const bytes = Buffer.from(name, "latin1")
      const at = path.length === 0 ? bytes : Buffer.concat([path, Buffer.from("/"), bytes])
      const item = yield* mergeEntries(merge, at, below)
      if (item !== null) merged.push({ ...item, name: bytes })
    }
    if (merged.length === 0) return null
    const id = yield* merge.ports.write("tree", formatTree(merged))
    return { mode: treeMode, name: Buffer.alloc(0), id }
  })

const itemsOf = <E>({ ports }: Merge<E>, item: Item) =>
  Effect.gen(function* () {
    const items = new Map<string, TreeItem>()
    if (item === null) return items
    const content = yield* ports.read(item.id)
    const format = item.id.length === 40 ? "sha1" : "sha256"
    for (const entry of parseTree(format, content)) items.set(entry.name.toString("latin1"), entry)
    return items
  })

/** A name can be a folder on one side and a file on the other: the two are merged apart, and must not both remain. */
const mergeEntries = <E>(merge: Merge<E>, path: Buffer, three: Three): Effect.Effect<Item, E> =>
  Effect.gen(function* () {
    const simple = unopposed(three)
    if (simple !== undefined) return simple
    const folders = mapThree(three, (item) => (item?.mode === treeMode ? item : null))
    const files = mapThree(three, (item) => (item?.mode === treeMode ? null : item))
    const folder = yield* mergeFolders(merge, path, folders)
    const file = yield* mergeFiles(merge, path, files)
    if (folder === null || file === null) return folder ?? file
    merge.conflicts.push({ ...files, path, kind: "file/directory", marked: null })
    return folder
  })

const isRegular = (item: TreeItem): boolean => item.mode === "100644" || item.mode === "100755"

const mergeFiles = <E>(merge: Merge<E>, path: Buffer, three: Three): Effect.Effect<Item, E> =>
  Effect.gen(function* () {
    const simple = unopposed(three)
    if (simple !== undefined) return simple
    const { base, ours, theirs } = three
    const conflict = (kind: ConflictKind, marked: Buffer | null = null): Item => {
      merge.conflicts.push({ ...three, path, kind, marked })
      return ours ?? theirs
    }
    if (ours === null || theirs === null) return conflict("modify/delete")
    if ([base, ours, theirs].some((item) => item?.mode === "160000")) return conflict("submodule")
    if (!isRegular(ours) || !isRegular(theirs)) return conflict(base === null ? "add/add" : "content")
    const mode = modeOf(three)
    if (base === null || !isRegular(base)) {
      if (ours.id === theirs.id) return conflict("mode")
      const found = yield* mergeContents(merge, path, { base: null, ours, theirs })
      return conflict("add/add", found === "binary" ? null : (found?.text ?? null))
    }
    const id = idOf(three)
    if (id !== null) return mode === null ? conflict("mode") : { ...ours, mode, id }
    const merged = yield* mergeContents(merge, path, three)
    if (merged === "binary") return conflict("binary")
    if (merged === null || !merged.clean) return conflict("content", merged?.text ?? null)
    if (mode === null) return conflict("mode")
    return { ...ours, mode, id: yield* merge.ports.write("blob", merged.text) }
  })

const modeOf = ({ base, ours, theirs }: Three): string | null => {
  if (ours?.mode === theirs?.mode || theirs?.mode === base?.mode) return ours?.mode ?? null
  return ours?.mode === base?.mode ? (theirs?.mode ?? null) : null
}

const idOf = ({ base, ours, theirs }: Three): string | null => {
  if (ours?.id === theirs?.id || theirs?.id === base?.id) return ours?.id ?? null
  return ours?.id === base?.id ? (theirs?.id ?? null) : null
}

const mergeContents = <E>(
  { ports }: Merge<E>,
  path: Buffer,
  three: Three
): Effect.Effect<LineMerge | "binary" | null, E> =>
  Effect.gen(function* () {
    const name = path.toString("latin1")
    const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")))
    if (yield* ports.hasMergeAttributes(folder)) return null
    const read = (item: Item) => (item === null ? Effect.succeed(Buffer.alloc(0)) : ports.read(item.id))
    const texts = {
      base: yield* read(three.base),
      ours: yield* read(three.ours),
      theirs: yield* read(three.theirs)
    }
    // The rule of git: a NUL in the first 8,000 bytes.
    if (Object.values(texts).some((text) => text.subarray(0, 8_000).includes(0))) return "binary"
    return mergeLines({ ...texts, labels: ports.labels })
  })
