/** Puts and removes entries of a tree, and writes the trees above them. Git's order of entries is kept. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import type { QuarantineError } from "../patch/QuarantineError.ts"
import type { Repository } from "../Repository.ts"
import { readObjects } from "./catFile.ts"
import { formatTree, parseTree, type TreeItem } from "./objectFormat.ts"
import type { Quarantine } from "./quarantine.ts"

/** What a path becomes: an entry, or `null` for removed. */
export interface TreeEdit {
  /** From the top of the tree, with slashes. */
  readonly path: string
  readonly entry: { readonly mode: string; readonly id: ObjectId } | null
}

/**
 * The new tree, or `null` when the edits do not fit it: a file where a folder is, a folder below a file, or a path that
 * no tree may hold. Folders that become empty go; removing what is not there does nothing.
 */
export const editTree = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly tree: ObjectId
  readonly edits: ReadonlyArray<TreeEdit>
}) {
  const { repository, quarantine, edits } = given
  if (!edits.every(({ path }) => path.split("/").every(isUsable))) return null
  const folders = [...new Set(edits.flatMap(({ path }) => foldersOf(path)))]
  const names = folders.map((folder) => (folder === "" ? given.tree : `${given.tree}:${folder}`))
  const objects = yield* readObjects({ repository, names, env: quarantine.env })
  const trees = new Map<string, Buffer>()
  for (const [at, object] of objects.entries()) {
    if (object?.type === "tree") trees.set(folders[at] ?? "", object.content)
  }
  const edited = yield* editFolder({ quarantine, format: repository.objectFormat, trees }, "", edits)
  if (edited === "unfit") return null
  return edited ?? (yield* quarantine.write("tree", Buffer.alloc(0)))
})

// --- internal ---

interface Editing {
  readonly quarantine: Quarantine
  readonly format: Repository["objectFormat"]
  /** Contents of the trees by folder, as they were. */
  readonly trees: ReadonlyMap<string, Buffer>
}

/** `null` stands for a folder that became empty. */
type Edited = ObjectId | null | "unfit"

/** The rules of git's fsck for names in a tree, as far as they keep a path inside it. */
const isUsable = (part: string): boolean =>
  part !== "" && part !== "." && part !== ".." && part.toLowerCase() !== ".git" && !part.includes("\0")

const foldersOf = (path: string): ReadonlyArray<string> =>
  path.split("/").map((_, at, parts) => parts.slice(0, at).join("/"))

const editFolder = (
  editing: Editing,
  folder: string,
  edits: ReadonlyArray<TreeEdit>
): Effect.Effect<Edited, QuarantineError> =>
  Effect.gen(function* () {
    const items = new Map<string, TreeItem>()
    for (const item of parseTree(editing.format, editing.trees.get(folder) ?? Buffer.alloc(0))) {
      items.set(item.name.toString("latin1"), item)
    }
    const groups = Map.groupBy(edits, ({ path }) => path.split("/", 1)[0] ?? "")
    for (const [name, group] of groups) {
      const key = Buffer.from(name).toString("latin1")
      const leaf = group.find(({ path }) => path === name)
      const below = group.filter(({ path }) => path !== name)
      const at = folder === "" ? name : `${folder}/${name}`
      if (leaf !== undefined && !applyLeaf(items, key, leaf)) return "unfit"
      if (below.length === 0) continue
      const found = items.get(key)
      if (found !== undefined && found.mode !== treeMode) {
        if (below.some(({ entry }) => entry !== null)) return "unfit"
        continue
      }
      const inside = below.map(({ path, entry }) => ({ path: path.slice(name.length + 1), entry }))
      const next = yield* editFolder(editing, at, inside)
      if (next === "unfit") return "unfit"
      if (next === null) items.delete(key)
      else items.set(key, { mode: treeMode, name: Buffer.from(name), id: next })
    }
    if (items.size === 0) return null
    return yield* editing.quarantine.write("tree", formatTree([...items.values()]))
  })

const treeMode = "40000"

/** Puts or removes a file. False: a folder is there already, and a file was to be put. */
const applyLeaf = (items: Map<string, TreeItem>, key: string, { path, entry }: TreeEdit): boolean => {
  const found = items.get(key)
  if (found?.mode === treeMode) return entry === null
  if (entry === null) items.delete(key)
  else items.set(key, { mode: entry.mode, name: Buffer.from(path), id: entry.id })
  return true
}
