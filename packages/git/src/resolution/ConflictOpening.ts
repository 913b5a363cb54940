/**
 * Makes a conflict of a rebuild something that one can work on: the stack below it and git's merge become objects of the
 * repository, and the conflict is stored with all of its versions.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { storeConflict } from "../conflict/ConflictStore.ts"
import { Git, textOf } from "../Git.ts"
import { isObjectId, ObjectId } from "../GitName.ts"
import { unresolvedFilesOf } from "../internal/askResolver.ts"
import { layOutAttributes } from "../internal/attributes.ts"
import { makeMergeEngine, mergeTrees } from "../internal/mergeEngine.ts"
import { makeQuarantine, type Quarantine } from "../internal/quarantine.ts"
import { recordIdentity, writeRecordCommit } from "../internal/recordCommit.ts"
import { fileMode, formatTree, type NamedEntry } from "../internal/treeObject.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { ConflictResolver, UnresolvedFile } from "../patch/ConflictResolver.ts"
import { type RebuildOptions, rebuild } from "../patch/Rebuild.ts"
import type { Repository } from "../Repository.ts"

/** The conflict is of a kind that cannot be answered file by file. Nothing was done. */
export class ConflictUnanswerable extends Schema.TaggedError<ConflictUnanswerable>(
  "git/ConflictUnanswerable"
)("ConflictUnanswerable", {
  patch: Schema.String,
  commitId: ObjectId,
  paths: Schema.Array(Schema.String),
  reason: Schema.String
}) {
  override get message(): string {
    const paths = this.paths.slice(0, 10).join(", ")
    return `The conflict of ${this.patch} at ${this.commitId} (${paths}) cannot be resolved file by file: ${this.reason}; rebase the branch, and rebuild again`
  }
}

/** A conflict with everything that a work tree needs. */
export interface PreparedConflict {
  readonly id: string
  readonly conflict: Conflict
  readonly files: ReadonlyArray<UnresolvedFile>
  /** The stack below the conflict. */
  readonly tip: ObjectId
  /** A commit with the tree that git left. */
  readonly merged: ObjectId
}

/** What a rebuild is made of, without what it moves. */
export type StackOptions = Pick<RebuildOptions, "repository" | "patches" | "upstream" | "landed"> & {
  readonly onto: ObjectId
  readonly resolver: ConflictResolver
}

/** Why the conflict cannot be answered; `null` when it can. Says so before anything is written. */
export const unanswerable = (conflict: Conflict): ConflictUnanswerable | null => {
  const { commit, files, patch } = conflict
  const refuse = (paths: ReadonlyArray<string>, reason: string) =>
    new ConflictUnanswerable({ patch, commitId: commit, paths, reason })
  const odd = files.filter(({ pathBase64 }) => pathBase64 !== null).map(({ path }) => path)
  if (odd.length > 0) return refuse(odd, "the name of a file is not UTF-8")
  if (conflict.filesOmitted > 0) return refuse([], "there are too many files in conflict")
  const none = files.filter(({ base, ours, theirs }) => base === null && ours === null && theirs === null)
  if (none.length > 0)
    return refuse(
      none.map(({ path }) => path),
      "a folder went two ways, and no file says so"
    )
  const aside = files.filter(({ path }) => /~[0-9a-f]{7,}/.test(path))
  return aside.length > 0
    ? refuse(
        aside.map(({ path }) => path),
        "git had to move a file aside, because a folder or another kind of file has its name"
      )
    : null
}

/** Prepares the first conflict of the stack. */
export const prepareConflict = Effect.fnUntraced(function* (stack: StackOptions, conflict: Conflict) {
  const { onto, repository } = stack
  const refused = unanswerable(conflict)
  if (refused !== null) return yield* refused
  const parent = yield* idOf(repository, `${conflict.commit}^`)
  const at = stack.patches.findIndex(({ name }) => name === conflict.patch)
  const patches = [...stack.patches.slice(0, at), { name: conflict.patch, tip: parent }]
  const below = yield* rebuild({ ...stack, patches })
  if (below._tag === "Conflicted")
    return yield* Effect.dieMessage("the stack below the conflict has a conflict")
  const trees = {
    base: yield* idOf(repository, `${parent}^{tree}`),
    ours: below.tree,
    theirs: yield* idOf(repository, `${conflict.commit}^{tree}`)
  }
  const { files, merged } = yield* Effect.scoped(
    Effect.gen(function* () {
      const quarantine = yield* makeQuarantine(repository)
      const attributesDirectory = join(quarantine.directory, "attributes")
      yield* layOutAttributes({ repository, commit: onto, directory: attributesDirectory })
      const engine = yield* makeMergeEngine({ quarantine, attributesDirectory, engine: "process" })
      const result = yield* mergeTrees(engine, trees)
      if (result._tag === "Merged") return yield* Effect.dieMessage("the conflict is none")
      const { answer, outcome } = result
      const files = unresolvedFilesOf({ outcome, labels: answer.labels })
      if (files === null) return yield* Effect.dieMessage("the conflict has another form than its record")
      const merged = yield* writeMerged(quarantine, outcome.tree, below.tip, files)
      return { files, merged }
    })
  )
  const { id } = yield* storeConflict({ repository, conflict })
  const prepared: PreparedConflict = { id, conflict, files, tip: below.tip, merged }
  return prepared
})

// --- internal ---

/** Takes the merged tree, and every version that only the merge knows, over into the repository. */
const writeMerged = (
  quarantine: Quarantine,
  tree: string,
  tip: ObjectId,
  files: ReadonlyArray<UnresolvedFile>
) =>
  Effect.gen(function* () {
    const sides = files.flatMap(({ base, ours, theirs }) => [base, ours, theirs])
    const blobs = new Set(
      sides.flatMap((side) => (side === null || side.mode === "160000" ? [] : [side.oid]))
    )
    const entries = [...blobs].map((blob): NamedEntry => ({ mode: fileMode, name: blob, id: blob }))
    const commit = (of: string, parents: ReadonlyArray<string>) =>
      writeRecordCommit(quarantine, { tree: of, parents, identity: recordIdentity, message: "Conflict" })
    const versions = yield* commit(yield* quarantine.write("tree", formatTree(entries)), [])
    const merged = yield* commit(tree, [tip])
    yield* quarantine.migrate([versions, merged])
    return merged
  })

const idOf = (repository: Repository, revision: string) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision]
    const id = textOf((yield* git.run({ args, cwd: repository.directory })).stdout).trim()
    return isObjectId(id) ? id : yield* Effect.dieMessage(`${revision} has no id`)
  })
