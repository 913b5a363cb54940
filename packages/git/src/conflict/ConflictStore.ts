/**
 * Conflicts in the repository itself, so that they travel with a push: `refs/patchmoi/conflicts/<id>`.
 *
 * 1. The ref points to a commit without parents: `conflict.json`, and `blobs/<id>` with every version that disagrees, so
 *    that neither gc nor a push loses one.
 * 2. The same conflict gives the same commit in every clone.
 * 3. A ref may come from somebody else. What cannot be read, is too large or has another id than its name says is an issue
 *    in the answer, never an exception.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { type ObjectId, parseRef } from "../GitName.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import { makeQuarantine } from "../internal/quarantine.ts"
import {
  deleteRef,
  recordIdentity,
  writeFileEntry,
  writeFolderEntry,
  writeRecordCommit
} from "../internal/recordCommit.ts"
import { fileMode, formatTree, type NamedEntry } from "../internal/treeObject.ts"
import { oneLineOf } from "../internal/words.ts"
import type { Conflict } from "../patch/Conflict.ts"
import { moveRefs } from "../RefTransaction.ts"
import { type Repository, readRef, readRefs } from "../Repository.ts"
import {
  type ConflictId,
  type ConflictIssue,
  ConflictRecord,
  conflictIdOf,
  conflictsMax,
  conflictsPrefix,
  isConflictId,
  recordBytesMax,
  type StoredConflict
} from "./ConflictRecord.ts"

/** Bytes of records that are read in one go. */
const batchBytesMax = 32 * 1024 * 1024

/** How often a write is tried when somebody else writes the same conflict at that moment. */
const storeTries = 5

/**
 * Stores the conflict. Storing it again updates what is told about it.
 *
 * `missing` names versions that the repository does not hold: a version that an earlier patch made in the same rebuild is
 * not written when the rebuild ends in a conflict.
 *
 * Errors: `StaleRef` (another process kept writing), `QuarantineError`, `GitError`; nothing was stored.
 */
export const storeConflict = Effect.fn("ConflictStore.store")(function* (options: {
  readonly repository: Repository
  readonly conflict: Conflict
}) {
  const { repository, conflict } = options
  const id = conflictIdOf(conflict)
  const ref = yield* parseRef(`${conflictsPrefix}${id}`)
  const blobs = yield* presentBlobs(repository, conflict)
  const record = yield* Effect.scoped(
    Effect.gen(function* () {
      const quarantine = yield* makeQuarantine(repository)
      const folder = blobs.present.map((blob): NamedEntry => ({ mode: fileMode, name: blob, id: blob }))
      const json = yield* writeFileEntry(quarantine, "conflict.json", textOfRecord(conflict))
      const entries = [json, yield* writeFolderEntry(quarantine, "blobs", folder)]
      const tree = yield* quarantine.write("tree", formatTree(entries))
      const message = oneLineOf(`Conflict of ${conflict.patch}: ${conflict.subject}`, 200)
      const identity = recordIdentity
      const commit = yield* writeRecordCommit(quarantine, { tree, parents: [], identity, message })
      yield* quarantine.migrate([commit])
      return commit
    })
  )
  const move = Effect.flatMap(readRef({ repository, ref }), (expected) =>
    moveRefs({ repository, updates: [{ ref, expected, next: record }], reason: "patchmoi: conflict" })
  )
  yield* Effect.retry(move, {
    times: storeTries - 1,
    while: (error) => error._tag === "StaleRef",
    schedule: Schedule.jittered(Schedule.spaced("10 millis"))
  })
  return { id, ref, record, missing: blobs.missing }
})

/** The conflict, an issue when its ref cannot be read, or `null` when there is none of this id. */
export const readConflict = Effect.fn("ConflictStore.read")(function* (options: {
  readonly repository: Repository
  readonly id: string
}) {
  const { repository, id } = options
  if (!isConflictId(id)) return null
  const ref = yield* parseRef(`${conflictsPrefix}${id}`)
  const record = yield* readRef({ repository, ref })
  if (record === null) return null
  const [found] = yield* readAll(repository, [{ ref, record }])
  return found ?? null
})

/** Every stored conflict in the order of ids, at most `conflictsMax`; refs that cannot be read are issues. */
export const listConflicts = Effect.fn("ConflictStore.list")(function* (options: {
  readonly repository: Repository
}) {
  const { repository } = options
  const refs = [...(yield* readRefs({ repository, patterns: [conflictsPrefix] }))]
  const shown = refs.slice(0, conflictsMax).map(([ref, record]) => ({ ref, record }))
  const found = yield* readAll(repository, shown)
  return {
    conflicts: found.filter((each): each is StoredConflict => each._tag === "StoredConflict"),
    issues: found.filter((each): each is ConflictIssue => each._tag === "ConflictIssue"),
    omitted: refs.length - shown.length
  }
})

/** Deletes the conflict and tells whether there was one. */
export const deleteConflict = Effect.fn("ConflictStore.delete")(function* (options: {
  readonly repository: Repository
  readonly id: string
}) {
  const { repository, id } = options
  if (!isConflictId(id)) return false
  const ref = yield* parseRef(`${conflictsPrefix}${id}`)
  const expected = yield* readRef({ repository, ref })
  if (expected === null) return false
  yield* deleteRef({ repository, ref, expected })
  return true
})

// --- internal ---

/** The versions that the repository holds, and those that it does not. A submodule's version is no object of this repository. */
const presentBlobs = (repository: Repository, conflict: Conflict) =>
  Effect.gen(function* () {
    const sides = conflict.files.flatMap(({ base, ours, theirs }) => [base, ours, theirs])
    const names = [
      ...new Set(sides.flatMap((side) => (side === null || side.mode === "160000" ? [] : [side.oid])))
    ]
    const found = yield* readObjectSizes({ repository, names })
    const isBlob = (_: ObjectId, at: number) => found[at]?.type === "blob"
    return { present: names.filter(isBlob), missing: names.filter((name, at) => !isBlob(name, at)) }
  })

const encode = Schema.encodeSync(ConflictRecord)

/** The record as JSON; of a record that is too long, the last marked texts are left out. */
const textOfRecord = (conflict: Conflict): Buffer => {
  let kept = conflict
  for (let files = conflict.files.length; ; files -= 1) {
    const text = Buffer.from(`${JSON.stringify(encode({ version: 1, conflict: kept }), undefined, 1)}\n`)
    if (text.length <= recordBytesMax || files <= 0) return text
    kept = {
      ...conflict,
      files: conflict.files.map((file, at) =>
        at < files - 1 ? file : { ...file, markedText: null, truncated: true }
      )
    }
  }
}

interface Place {
  readonly ref: string
  readonly record: ObjectId
}

const readAll = (repository: Repository, places: ReadonlyArray<Place>) =>
  Effect.gen(function* () {
    const names = places.map(({ record }) => `${record}:conflict.json`)
    const sizes = yield* readObjectSizes({ repository, names })
    const found: Array<StoredConflict | ConflictIssue> = []
    let batch: Array<Place> = []
    let bytes = 0
    const flush = Effect.suspend(() => {
      const now = batch
      batch = []
      bytes = 0
      const asked = now.map(({ record }) => `${record}:conflict.json`)
      return Effect.map(readObjects({ repository, names: asked }), (objects) => {
        for (const [at, place] of now.entries()) found.push(decode(place, objects[at]?.content))
      })
    })
    for (const [at, place] of places.entries()) {
      const size = sizes[at]
      if (size?.type !== "blob" || size.size > recordBytesMax) {
        const detail =
          size === null ? "it holds no conflict.json" : "its conflict.json is no file or too long"
        found.push({ _tag: "ConflictIssue", ref: place.ref, detail })
        continue
      }
      if (bytes + size.size > batchBytesMax) yield* flush
      batch.push(place)
      bytes += size.size
    }
    yield* flush
    return found.sort((a, b) => (a.ref < b.ref ? -1 : 1))
  })

const decodeRecord = Schema.decodeUnknownEither(Schema.parseJson(ConflictRecord))

const decode = ({ ref, record }: Place, content: Buffer | undefined): StoredConflict | ConflictIssue => {
  const issue = (detail: string): ConflictIssue => ({ _tag: "ConflictIssue", ref, detail })
  if (content === undefined) return issue("its conflict.json is missing")
  const decoded = decodeRecord(content.toString("utf8"))
  if (Either.isLeft(decoded)) return issue(oneLineOf(decoded.left.message, 500))
  const { conflict } = decoded.right
  const id: ConflictId = conflictIdOf(conflict)
  if (ref !== `${conflictsPrefix}${id}`) return issue(`it holds the conflict ${id}`)
  const name = Either.getOrNull(parseRef(ref))
  return name === null
    ? issue("its name is no ref")
    : { _tag: "StoredConflict", id, ref: name, record, conflict }
}
