/** The one commit that puts a content at a path: its objects, its id and its view, made without git. */
import * as Either from "effect/Either"
import { type ObjectId, parseObjectId } from "../GitName.ts"
import { formatCommit, frame, type ObjectFormat, objectIdOf } from "../internal/objectFormat.ts"
import { type CommitView, makeCommitView } from "./CommitView.ts"
import type { CommitAuthor, PushFileOptions } from "./GitTransport.ts"
import { UnusablePath } from "./TransportError.ts"
import { foldersAbove, partsOf } from "./targetPath.ts"
import { folderMode, withEntry } from "./treeObject.ts"
import type { PackObject } from "./wire/pack.ts"

/** A commit that no repository has yet. */
export interface FileCommit {
  readonly commit: ObjectId
  readonly view: CommitView
  /** The new objects: the content, the trees above it, the commit. */
  readonly objects: ReadonlyArray<PackObject>
}

/** Makes the commit on top of `view.commit`. The same options give the same id. */
export const makeFileCommit = (
  options: Omit<PushFileOptions, "branch">
): Either.Either<FileCommit, UnusablePath> =>
  Either.gen(function* () {
    const { view, path } = options
    const parts = yield* partsOf(path)
    const mode = yield* modeFor(view, path, parts)
    const content = Buffer.from(options.content)
    const objects: Array<PackObject> = [{ type: "blob", content }]
    const trees = new Map(view.trees)
    let entry = { mode, name: parts.at(-1) ?? "", oid: idOf(view.objectFormat, "blob", content) }
    for (const folder of foldersAbove(parts).toReversed()) {
      const tree = withEntry(view.objectFormat, trees.get(folder) ?? Buffer.alloc(0), entry)
      objects.push({ type: "tree", content: tree })
      trees.set(folder, tree)
      entry = {
        mode: folderMode,
        name: folder.slice(folder.lastIndexOf("/") + 1),
        oid: idOf(view.objectFormat, "tree", tree)
      }
    }
    const signature = Buffer.from(`${identOf(options.author)} ${Math.trunc(options.date)} +0000`)
    const written = formatCommit({
      tree: entry.oid,
      parents: [view.commit],
      author: signature,
      committer: signature,
      encoding: null,
      message: Buffer.from(`${options.message.replaceAll("\0", "").trimEnd()}\n`)
    })
    const commit = idOf(view.objectFormat, "commit", written)
    objects.push({ type: "commit", content: written })
    return { commit, view: makeCommitView({ ...view, commit, trees }), objects }
  })

// --- internal ---

const regularMode = "100644"

const idOf = (format: ObjectFormat, type: "blob" | "tree" | "commit", content: Buffer): ObjectId =>
  Either.getOrThrow(parseObjectId(objectIdOf(format, frame(type, content))))

/** The mode that the file is to have; the reason when no file can lie there. */
const modeFor = (
  view: CommitView,
  path: string,
  parts: ReadonlyArray<string>
): Either.Either<string, UnusablePath> => {
  const refuse = (reason: string) => Either.left(new UnusablePath({ path, reason }))
  if (parts.length === 0) return refuse("it names no file")
  try {
    for (const folder of foldersAbove(parts).slice(1)) {
      const entry = view.entryOf(folder)
      if (entry !== null && entry.mode !== folderMode) return refuse(`${folder} is no folder`)
    }
    const existing = view.entryOf(path)
    if (existing === null) return Either.right(regularMode)
    if (existing.mode.startsWith("100")) return Either.right(existing.mode)
    return refuse(existing.mode === folderMode ? "it is a folder" : "it is a symbolic link or a submodule")
  } catch (cause) {
    return refuse(cause instanceof RangeError ? cause.message : "its folders were not read")
  }
}

/** Name and address as git writes them: without what would end the field early. */
const identOf = (author: CommitAuthor): string => {
  const clean = (text: string) => text.replace(/[\p{Cc}<>]/gu, "").trim()
  const email = clean(author.email)
  return `${clean(author.name) || email || "unknown"} <${email}>`
}
