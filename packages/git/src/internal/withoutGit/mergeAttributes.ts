/**
 * Whether attributes decide how files of a folder are merged. Without git they are not obeyed, so that such files are not
 * merged line by line at all.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { parseTree } from "../objectFormat.ts"

/** A predicate over folders (one byte for each character), by the attributes of one tree and of the repository. */
export const makeHasMergeAttributes = <E>(options: {
  readonly read: (id: string) => Effect.Effect<Buffer, E>
  /** The tree whose `.gitattributes` hold: that of the commit that the patches go onto. */
  readonly tree: string
  readonly commonDirectory: string
}): ((folder: string) => Effect.Effect<boolean, E>) => {
  const local = join(options.commonDirectory, "info", "attributes")
  const isEverywhere = existsSync(local) && decides(readFileSync(local, "utf8"))
  const known = new Map<string, Folder>()
  const look = (folder: string): Effect.Effect<Folder, E> =>
    Effect.gen(function* () {
      const found = known.get(folder)
      if (found !== undefined) return found
      const slash = folder.lastIndexOf("/")
      const above = folder === "" ? null : yield* look(folder.slice(0, Math.max(0, slash)))
      const tree = above === null ? options.tree : (above.folders.get(folder.slice(slash + 1)) ?? null)
      const items =
        tree === null ? [] : parseTree(tree.length === 40 ? "sha1" : "sha256", yield* options.read(tree))
      const file = items.find(
        ({ mode, name }) => mode.startsWith("100") && name.toString() === ".gitattributes"
      )
      const own = file === undefined ? false : decides((yield* options.read(file.id)).toString("latin1"))
      const made: Folder = {
        decides: own || (above?.decides ?? isEverywhere),
        folders: new Map(
          items.flatMap(({ id, mode, name }) =>
            mode === "40000" ? [[name.toString("latin1"), id] as const] : []
          )
        )
      }
      known.set(folder, made)
      return made
    })
  return (folder) => Effect.map(look(folder), (found) => found.decides)
}

// --- internal ---

interface Folder {
  readonly decides: boolean
  readonly folders: ReadonlyMap<string, string>
}

/** The attributes `merge` and `binary`, in any form, and macros, which can stand for them. */
const decides = (text: string): boolean =>
  text
    .split("\n")
    .some((line) => !line.startsWith("#") && /(?:^|\s)[-!]?(?:merge|binary)\b|^\[attr\]/.test(line))
