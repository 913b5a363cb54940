/** Planning the proof at a remote: the candidate's note on top of the notes that are there, so that none of them is lost. */
import * as Effect from "effect/Effect"
import type { ObjectId, RemoteName } from "../GitName.ts"
import { makeQuarantine } from "../internal/quarantine.ts"
import type { Repository } from "../Repository.ts"
import { addNote, notesRef, readProof } from "./CandidateNotes.ts"
import { encodeProof } from "./CandidateProof.ts"
import { fetchMissing } from "./fetchMissing.ts"
import type { PlannedRef } from "./PlannedRef.ts"

/** Nothing for a commit without a proof. The commit of the notes is the same for the same notes at the remote. */
export const planNotes = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly remote: RemoteName
  readonly there: ReadonlyMap<string, ObjectId>
  readonly commit: ObjectId
  readonly timeoutMillis?: number
}) {
  const { commit, repository, there } = given
  const none: ReadonlyArray<PlannedRef> = []
  const proof = yield* readProof({ repository, commit })
  if (proof === null) return none
  const content = yield* encodeProof(proof)
  const expected = there.get(notesRef) ?? null
  if (expected !== null) yield* fetchMissing({ ...given, ref: notesRef, object: expected })
  const next = yield* Effect.scoped(
    Effect.gen(function* () {
      const quarantine = yield* makeQuarantine(repository)
      const added = yield* addNote({ repository, quarantine, tip: expected, commit, content, seconds: 0 })
      if (added !== expected) yield* quarantine.migrate([added])
      return added
    })
  )
  const action = expected === null ? "create" : expected === next ? "keep" : "move"
  const planned: ReadonlyArray<PlannedRef> = [
    { ref: notesRef, kind: "notes", expected, next, action, overwrites: false, foreign: false }
  ]
  return planned
})
