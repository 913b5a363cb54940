/** Paths that differ between two trees, one byte for each character. Equal folders are never opened. */
import * as Effect from "effect/Effect"
import { parseTree, type TreeItem } from "../objectFormat.ts"

/** A renamed file is there with both names. `null` stands for no tree. */
export const diffPaths = <E>(
  read: (id: string) => Effect.Effect<Buffer, E>,
  from: string | null,
  to: string | null
): Effect.Effect<ReadonlyArray<string>, E> =>
  Effect.gen(function* () {
    if (from === to) return []
    const [before, after] = [yield* itemsOf(read, from), yield* itemsOf(read, to)]
    const paths: Array<string> = []
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [left, right] = [before.get(name), after.get(name)]
      if (left?.id === right?.id && left?.mode === right?.mode) continue
      const isFile = (item: TreeItem | undefined) => item !== undefined && item.mode !== treeMode
      if (isFile(left) || isFile(right)) paths.push(name)
      const folder = (item: TreeItem | undefined) => (item?.mode === treeMode ? item.id : null)
      const below = yield* diffPaths(read, folder(left), folder(right))
      for (const path of below) paths.push(`${name}/${path}`)
    }
    return paths
  })

// --- internal ---

const treeMode = "40000"

const itemsOf = <E>(read: (id: string) => Effect.Effect<Buffer, E>, tree: string | null) =>
  Effect.gen(function* () {
    const items = new Map<string, TreeItem>()
    if (tree === null) return items
    const format = tree.length === 40 ? "sha1" : "sha256"
    for (const item of parseTree(format, yield* read(tree))) items.set(item.name.toString("latin1"), item)
    return items
  })
