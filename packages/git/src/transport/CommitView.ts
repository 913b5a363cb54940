/**
 * The trees on the way to some paths at one commit: what it takes to say which file lies there, and to write another.
 *
 * A view holds no blob. It is a plain value that may be kept, also as JSON (`CommitViewData`): as long as the branch is
 * still at its commit, a push needs nothing else.
 */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import type { ObjectFormat } from "../internal/objectFormat.ts"
import { parseTree } from "./treeObject.ts"

/** A file, folder, link or submodule in a tree. */
export interface ViewEntry {
  /** As git writes it: `100644`, `100755`, `120000`, `160000` or `40000`. */
  readonly mode: string
  readonly oid: ObjectId
}

/** The trees on the way to some paths at one commit; no blob. */
export interface CommitView {
  readonly commit: ObjectId
  readonly objectFormat: ObjectFormat
  /** What lies at the path, or `null`. Throws a `RangeError` for a path that was not asked for. */
  readonly entryOf: (path: string) => ViewEntry | null
  /** The names in a folder that was asked for, `""` for the top; empty when there is no such folder. Throws like `entryOf`. */
  readonly namesIn: (folder: string) => ReadonlyArray<string>
  /** The content of the tree objects by folder, `""` for the top. */
  readonly trees: ReadonlyMap<string, Uint8Array>
}

/** A view as it is kept. */
export const CommitViewData = Schema.Struct({
  commit: ObjectId,
  objectFormat: Schema.Literal("sha1", "sha256"),
  /** Tree objects by folder, in base64. */
  trees: Schema.Record({ key: Schema.String, value: Schema.String })
})
export type CommitViewData = typeof CommitViewData.Type

/** The view over the trees; folders on the way to what is asked must be among them. */
export const makeCommitView = (given: {
  readonly commit: ObjectId
  readonly objectFormat: ObjectFormat
  readonly trees: ReadonlyMap<string, Uint8Array>
}): CommitView => {
  const entriesIn = (folder: string) => {
    const content = given.trees.get(folder)
    return content === undefined ? null : parseTree(given.objectFormat, content)
  }
  const entryOf = (path: string): ViewEntry | null => {
    const slash = path.lastIndexOf("/")
    const folder = path.slice(0, Math.max(0, slash))
    const entries = entriesIn(folder)
    if (entries === null) return requireAbsent(folder)
    const found = entries.find((entry) => entry.name === path.slice(slash + 1))
    return found === undefined ? null : { mode: found.mode, oid: found.oid }
  }
  /** A folder that is not held is absent only if its own entry says so. */
  const requireAbsent = (folder: string): null => {
    if (folder === "" || entryOf(folder)?.mode === "40000")
      throw new RangeError(`The folder ${JSON.stringify(folder)} of ${given.commit} was not read`)
    return null
  }
  const namesIn = (folder: string): ReadonlyArray<string> => {
    const entries = entriesIn(folder)
    if (entries === null) return requireAbsent(folder) ?? []
    return entries.map((entry) => entry.name)
  }
  return { ...given, entryOf, namesIn }
}

/** The view as a value that can be stored. */
export const encodeCommitView = (view: CommitView): CommitViewData => ({
  commit: view.commit,
  objectFormat: view.objectFormat,
  trees: Object.fromEntries(
    [...view.trees].map(([folder, tree]) => [folder, Buffer.from(tree).toString("base64")])
  )
})

/** The view that was stored. */
export const decodeCommitView = (data: CommitViewData): CommitView =>
  makeCommitView({
    ...data,
    trees: new Map(Object.entries(data.trees).map(([folder, tree]) => [folder, Buffer.from(tree, "base64")]))
  })
