/** Which workflow files of a repository read the version file. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../GitName.ts"
import type { CommitView } from "../../transport/CommitView.ts"
import type { TransportError } from "../../transport/TransportError.ts"
import type { ForgeKind } from "../CascadeConfig.ts"

/** Workflow files of one repository that are looked at. */
export const workflowFilesMax = 50

/** Where a forge looks for workflows. */
export const workflowFoldersOf = (forge: ForgeKind): ReadonlyArray<string> => {
  switch (forge) {
    case "github":
      return [".github/workflows"]
    case "gitea":
      return [".gitea/workflows", ".github/workflows"]
    case "forgejo":
      return [".forgejo/workflows", ".gitea/workflows", ".github/workflows"]
    case "git":
      return [".forgejo/workflows", ".gitea/workflows", ".github/workflows"]
  }
}

/** A workflow that reads the version file. */
export interface Reader {
  readonly path: string
  /** Whether the word `push` stands in it as a trigger does. */
  readonly onPush: boolean
}

/** The workflows that name the file or call `cascade resolve-version`, outside of comments. */
export const findReaders = (options: {
  readonly view: CommitView
  readonly folders: ReadonlyArray<string>
  readonly file: string
  readonly read: (path: string, oid: ObjectId) => Effect.Effect<Uint8Array, TransportError>
}): Effect.Effect<ReadonlyArray<Reader>, TransportError> => {
  const { file, folders, read, view } = options
  const paths = folders
    .flatMap((folder) => view.namesIn(folder).map((name) => `${folder}/${name}`))
    .filter((path) => /\.ya?ml$/.test(path))
    .slice(0, workflowFilesMax)
  return Effect.map(
    Effect.forEach(
      paths,
      (path) => {
        const entry = view.entryOf(path)
        return entry === null || !entry.mode.startsWith("100")
          ? Effect.succeed([])
          : Effect.map(read(path, entry.oid), (content) => readerIn(path, file, content))
      },
      { concurrency: 4 }
    ),
    (found) => found.flat()
  )
}

// --- internal ---

const readerIn = (path: string, file: string, content: Uint8Array): ReadonlyArray<Reader> => {
  const lines = new TextDecoder()
    .decode(content)
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)#.*$/, ""))
  const text = lines.join("\n")
  const reads = text.includes(file) || /\bcascade\s+resolve-version\b/.test(text)
  return reads ? [{ path, onPush: /^\s*(?:on:.*\bpush\b|push:|-\s*["']?push["']?\s*$)/m.test(text) }] : []
}
