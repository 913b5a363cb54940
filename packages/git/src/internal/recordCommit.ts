/** Writes a record that lies in a ref: a tree of plain files, and a commit on it. */
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import type { ObjectId, RefName } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import type { Quarantine } from "./quarantine.ts"
import { fileMode, folderMode, formatTree, type NamedEntry } from "./treeObject.ts"

/** Who writes records that name no person. */
export const recordIdentity = "patchmoi <patchmoi@localhost> 1 +0000"

/** Writes a file and gives its entry. */
export const writeFileEntry = (quarantine: Quarantine, name: string, content: Uint8Array) =>
  Effect.map(quarantine.write("blob", content), (id): NamedEntry => ({ mode: fileMode, name, id }))

/** Writes a folder and gives its entry. */
export const writeFolderEntry = (quarantine: Quarantine, name: string, entries: ReadonlyArray<NamedEntry>) =>
  Effect.map(
    quarantine.write("tree", formatTree(entries)),
    (id): NamedEntry => ({ mode: folderMode, name, id })
  )

/** Writes a commit over the tree. `identity` is who, when and in what zone, as git stores it. */
export const writeRecordCommit = (
  quarantine: Quarantine,
  given: {
    readonly tree: string
    readonly parents: ReadonlyArray<string>
    readonly identity: string
    readonly message: string
  }
) =>
  quarantine.write(
    "commit",
    Buffer.from(
      [
        `tree ${given.tree}`,
        ...given.parents.map((parent) => `parent ${parent}`),
        `author ${given.identity}`,
        `committer ${given.identity}`,
        "",
        `${given.message}\n`
      ].join("\n")
    )
  )

/** Deletes the ref when it still points to the commit. `GitError` when it does not. */
export const deleteRef = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly ref: RefName
  readonly expected: ObjectId
}) {
  const git = yield* Git
  yield* git.run({
    args: ["update-ref", "--stdin", "-z"],
    cwd: options.repository.directory,
    stdin: `start\0delete ${options.ref}\0${options.expected}\0prepare\0commit\0`
  })
})
