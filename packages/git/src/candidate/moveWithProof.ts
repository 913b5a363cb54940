/** Moving branches together with the note that proves what they point to. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { GitError } from "../Git.ts"
import { ObjectId } from "../GitName.ts"
import { makeQuarantine } from "../internal/quarantine.ts"
import { moveRefs, type RefUpdate, type StaleRef } from "../RefTransaction.ts"
import { type Repository, readRef } from "../Repository.ts"
import { addNote, notesRef } from "./CandidateNotes.ts"
import { type CandidateProof, encodeProof } from "./CandidateProof.ts"

/** How often the notes are read again because somebody else wrote one meanwhile. */
export const noteAttemptsMax = 50

/** The proof is about another commit than the candidate's. Nothing was written. */
export class ProofOfAnother extends Schema.TaggedError<ProofOfAnother>("git/ProofOfAnother")(
  "ProofOfAnother",
  {
    candidate: ObjectId,
    proven: ObjectId
  }
) {
  override get message(): string {
    return `The proof is about ${this.proven}, and the candidate is ${this.candidate}; make the proof of the same rebuild`
  }
}

/**
 * Moves the refs and the notes in one transaction, and begins again when the notes alone have moved meanwhile. The first
 * update is the candidate's.
 *
 * `StaleRef`, `BranchCheckedOut`, `ProofOfAnother`, `ProofTooLong`, `NoteUnreadable`, `QuarantineError`, `GitError`: nothing was
 * moved.
 */
export const moveWithProof = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly updates: ReadonlyArray<RefUpdate>
  /** Reason for the reflog. */
  readonly reason: string
  readonly proof: CandidateProof
}) {
  const { proof, reason, repository, updates } = options
  const candidate = updates[0]?.next ?? proof.candidate
  if (candidate !== proof.candidate) {
    return yield* new ProofOfAnother({ candidate, proven: proof.candidate })
  }
  const content = yield* encodeProof(proof)
  const attempt = Effect.scoped(
    Effect.gen(function* () {
      const tip = yield* readRef({ repository, ref: notesRef })
      const quarantine = yield* makeQuarantine(repository)
      const next = yield* addNote({ repository, quarantine, tip, commit: candidate, content })
      if (next !== tip) yield* quarantine.migrate([next])
      yield* moveRefs({ repository, updates: [...updates, { ref: notesRef, expected: tip, next }], reason })
    })
  )
  const jitter = Effect.flatMap(Random.nextIntBetween(1, 20), (millis) => Effect.sleep(millis))
  yield* attempt.pipe(
    Effect.tapError((error) => (isRace(error) ? jitter : Effect.void)),
    Effect.retry({ times: noteAttemptsMax, while: isRace })
  )
})

// --- internal ---

/** Another writer of notes was faster, or holds the lock of a ref at this moment. */
const isRace = (error: { readonly _tag: string } | StaleRef | GitError): boolean =>
  ("ref" in error && error._tag === "StaleRef" && error.ref === notesRef) ||
  ("stderr" in error &&
    error._tag === "GitError" &&
    /\.lock': File exists|cannot lock ref/.test(error.stderr))
