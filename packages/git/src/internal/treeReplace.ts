/** Puts another blob at a path of a tree, and writes the trees above it. Names and modes stay, so the order does too. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { readObjects } from "./catFile.ts"
import type { Quarantine } from "./quarantine.ts"

/** The new tree, or `null` when the tree has no such path. */
export const replaceBlob = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly tree: ObjectId
  /** From the top of the tree, with slashes. */
  readonly path: string
  readonly blob: ObjectId
}) {
  const { repository, quarantine } = given
  const parts = given.path.split("/")
  const folders = parts.map((_, at) => parts.slice(0, at).join("/"))
  const names = folders.map((folder) => (folder === "" ? given.tree : `${given.tree}:${folder}`))
  const trees = yield* readObjects({ repository, names, env: quarantine.env })
  let id = given.blob
  for (const [at, tree] of [...trees.entries()].reverse()) {
    const content = tree?.type === "tree" ? withEntry(tree.content, parts[at] ?? "", id) : null
    if (content === null) return null
    id = yield* quarantine.write("tree", content)
  }
  return id
})

// --- internal ---

/** The tree's content with another id behind the name. Entries are `<mode> <name>\0<id>` (gitformat, "tree"). */
const withEntry = (content: Buffer, name: string, id: ObjectId): Buffer | null => {
  const idBytes = id.length / 2
  const wanted = Buffer.from(name)
  for (let at = 0; at < content.length; ) {
    const nameEnd = content.indexOf(0, at)
    if (nameEnd < 0) return null
    if (content.subarray(content.indexOf(32, at) + 1, nameEnd).equals(wanted)) {
      const end = nameEnd + 1
      return Buffer.concat([
        content.subarray(0, end),
        Buffer.from(id, "hex"),
        content.subarray(end + idBytes)
      ])
    }
    at = nameEnd + 1 + idBytes
  }
  return null
}
