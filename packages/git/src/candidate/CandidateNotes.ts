/**
 * Notes on candidates, under `refs/notes/patchmoi`: what `git notes --ref=patchmoi show candidate/<tag>` shows.
 *
 * A note is added by plumbing: blob, trees and a commit are written beside the repository's objects, and the ref moves from
 * the value that was read. Whoever comes second reads again and adds to what the first one wrote, so no note is lost.
 * Git spreads many notes over folders by the first digits; a note keeps its place, and a new one goes where its neighbours
 * are.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isObjectId, ObjectId, parseObjectId, RefName } from "../GitName.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import { emptyTreeOf, formatCommit, parseTree } from "../internal/objectFormat.ts"
import type { Quarantine } from "../internal/quarantine.ts"
import { editTree } from "../internal/treeEdit.ts"
import type { Repository } from "../Repository.ts"
import { type CandidateProof, decodeProof, proofBytesMax } from "./CandidateProof.ts"

/** The ref of the notes. */
export const notesRef: RefName = RefName.make("refs/notes/patchmoi")

/** Folders that a note may lie in, one in the other. Git uses one for each 256-fold of notes. */
const foldersMax = 4

/** The notes are not what git writes, or the note on the commit is no proof. Nothing was written. */
export class NoteUnreadable extends Schema.TaggedError<NoteUnreadable>("git/NoteUnreadable")(
  "NoteUnreadable",
  { commitId: ObjectId, detail: Schema.String }
) {
  override get message(): string {
    return `The note on ${this.commitId} under ${notesRef} cannot be used: ${this.detail}; look at it: git notes --ref=patchmoi show ${this.commitId}`
  }
}

/**
 * The proof that is noted on a commit, or `null` when there is no note. `NoteUnreadable`, `GitError`.
 *
 * `notes` is a ref or a commit that holds notes. (Default: `refs/notes/patchmoi`.)
 */
export const readProof = Effect.fn("CandidateNotes.read")(function* (options: {
  readonly repository: Repository
  readonly commit: ObjectId
  readonly notes?: RefName | ObjectId
}) {
  const { commit, repository } = options
  const found = yield* findNote(repository, options.notes ?? notesRef, commit)
  if (found === null) return null
  if (found.size > proofBytesMax) {
    const detail = `it has ${found.size} bytes, and ${proofBytesMax} are read`
    return yield* new NoteUnreadable({ commitId: commit, detail })
  }
  const [object] = yield* readObjects({ repository, names: [found.blob] })
  const proof = decodeProof(object?.content.toString("utf8") ?? "")
  if (Option.isNone(proof)) {
    return yield* new NoteUnreadable({ commitId: commit, detail: "it is not a proof of this version" })
  }
  const read: CandidateProof = proof.value
  return read
})

/**
 * Writes a note beside the repository's objects, on top of the notes at `tip`, and gives the commit of the notes; `tip`
 * itself when the note is there already, word for word. The caller moves the ref.
 */
export const addNote = Effect.fn("CandidateNotes.add")(function* (given: {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly tip: ObjectId | null
  readonly commit: ObjectId
  readonly content: Uint8Array
  /** Date of the commit, in seconds since 1970. (Default: now.) */
  readonly seconds?: number
}) {
  const { commit, quarantine, repository, tip } = given
  const blob = yield* quarantine.write("blob", given.content)
  const found = tip === null ? null : yield* findNote(repository, tip, commit)
  if (tip !== null && found?.blob === blob) return tip
  const path = found?.path ?? (yield* placeFor(repository, tip, commit))
  const entry = { mode: "100644", id: blob }
  const before = tip === null ? emptyTreeOf(repository.objectFormat) : yield* treeOf(repository, tip)
  const tree = yield* parseObjectId(before)
  const next = yield* editTree({ repository, quarantine, tree, edits: [{ path, entry }] })
  if (next === null) {
    return yield* new NoteUnreadable({ commitId: commit, detail: "the tree of the notes has no room for it" })
  }
  const seconds = given.seconds ?? Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const who = Buffer.from(`patchmoi <patchmoi@localhost> ${seconds} +0000`)
  return yield* quarantine.write(
    "commit",
    formatCommit({
      tree: next,
      parents: tip === null ? [] : [tip],
      author: who,
      committer: who,
      encoding: null,
      message: Buffer.from(`patchmoi: proof of ${commit}\n`)
    })
  )
})

// --- internal ---

/** The places that the note of a commit may have: `abcd…`, `ab/cd…`, `ab/cd/…`. */
const placesOf = (commit: string): ReadonlyArray<string> =>
  Array.from({ length: foldersMax + 1 }, (_, folders) => placeIn(commit, folders))

const placeIn = (commit: string, folders: number): string =>
  [
    ...Array.from({ length: folders }, (_, at) => commit.slice(at * 2, at * 2 + 2)),
    commit.slice(folders * 2)
  ].join("/")

const findNote = (repository: Repository, notes: string, commit: ObjectId) =>
  Effect.gen(function* () {
    const places = placesOf(commit)
    const objects = yield* readObjectSizes({ repository, names: places.map((path) => `${notes}:${path}`) })
    for (const [at, path] of places.entries()) {
      const object = objects[at]
      if (object?.type === "blob" && isObjectId(object.id)) {
        return { path, blob: object.id, size: object.size }
      }
    }
    return null
  })

const treeOf = (repository: Repository, commit: ObjectId) =>
  Effect.gen(function* () {
    const [tree] = yield* readObjectSizes({ repository, names: [`${commit}^{tree}`] })
    return tree?.id ?? emptyTreeOf(repository.objectFormat)
  })

/** Where a new note goes: as deep as its neighbours. */
const placeFor = (repository: Repository, tip: ObjectId | null, commit: ObjectId) =>
  Effect.gen(function* () {
    if (tip === null) return commit
    const names = Array.from({ length: foldersMax }, (_, folders) =>
      folders === 0
        ? `${tip}^{tree}`
        : `${tip}:${placeIn(commit.slice(0, folders * 2), folders).slice(0, -1)}`
    )
    const trees = yield* readObjects({ repository, names })
    let folders = 0
    for (const tree of trees) {
      if (tree?.type !== "tree") break
      const items = parseTree(repository.objectFormat, tree.content)
      if (!items.some(({ mode, name }) => mode === "40000" && /^[0-9a-f]{2}$/.test(name.toString("latin1"))))
        break
      folders += 1
    }
    return placeIn(commit, folders)
  })
