/**
 * Recording a rebuilt stack: the candidate branch `candidate/<tag>`, and, when asked, the maintained branch and the proof
 * with it.
 *
 * All of it moves in one transaction, each ref only from the value that was read or that the caller expects.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { GitError } from "../Git.ts"
import { ObjectId, parseBranch, RefName, shortName } from "../GitName.ts"
import { makeQuarantine } from "../internal/quarantine.ts"
import { moveRefs, type RefUpdate, type StaleRef } from "../RefTransaction.ts"
import { type Repository, readRef } from "../Repository.ts"
import { addNote, notesRef } from "./CandidateNotes.ts"
import { type CandidateProof, encodeProof } from "./CandidateProof.ts"

/** Where candidates are kept, without `refs/heads/`. */
export const candidatePrefix = "candidate/"

/** How often the notes are read again because somebody else wrote one meanwhile. */
export const noteAttemptsMax = 50

/** A ref after the call, and what it was before. */
export const CandidateRef = Schema.Struct({
  ref: RefName,
  name: Schema.String,
  before: Schema.NullOr(ObjectId),
  commit: ObjectId,
  outcome: Schema.Literal("created", "moved", "already there")
})
export type CandidateRef = typeof CandidateRef.Type

export interface WriteCandidateOptions {
  readonly repository: Repository
  /** The release's tag, which may contain `/`. */
  readonly tag: string
  /** The top of the rebuilt stack; its objects must be in the repository. */
  readonly commit: ObjectId
  /** The maintained branch, to move with the candidate. `expected` is what it must point to. (Default: it stays.) */
  readonly move?: { readonly branch: string; readonly expected: ObjectId | null }
  /** Noted on the commit under `refs/notes/patchmoi`, in place of an earlier proof of the same commit. (Default: no note.) */
  readonly proof?: CandidateProof
}

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

/** The full ref of the candidate of a tag. `InvalidName` when the tag cannot be part of a branch name. */
export const candidateRefOf = (tag: string) => parseBranch(`${candidatePrefix}${tag}`)

/**
 * Writes the candidate ref. A ref that already names the commit is `already there` and is not written again. Gives the
 * branches; the note is not among them.
 *
 * `InvalidName`, `StaleRef`, `BranchCheckedOut`, `GitError`, and with a proof `ProofOfAnother`, `ProofTooLong`,
 * `NoteUnreadable`, `QuarantineError`: nothing was moved.
 */
export const writeCandidate = Effect.fn("Candidate.write")(function* (options: WriteCandidateOptions) {
  const { repository, commit } = options
  const ref = yield* candidateRefOf(options.tag)
  const updates: Array<RefUpdate> = [{ ref, expected: yield* readRef({ repository, ref }), next: commit }]
  if (options.move !== undefined) {
    updates.push({
      ref: yield* parseBranch(options.move.branch),
      expected: options.move.expected,
      next: commit
    })
  }
  const reason = `patchmoi: candidate for ${options.tag}`
  if (options.proof === undefined) yield* moveRefs({ repository, updates, reason })
  else yield* moveWithProof(repository, updates, reason, options.proof)
  return updates.map(
    (update): CandidateRef => ({
      ref: update.ref,
      name: shortName(update.ref),
      before: update.expected,
      commit,
      outcome: update.expected === null ? "created" : update.expected === commit ? "already there" : "moved"
    })
  )
})

// --- internal ---

/** Moves the branches together with the notes, and begins again when the notes alone have moved meanwhile. */
const moveWithProof = (
  repository: Repository,
  updates: ReadonlyArray<RefUpdate>,
  reason: string,
  proof: CandidateProof
) =>
  Effect.gen(function* () {
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

/** Another writer of notes was faster, or holds the lock of a ref at this moment. */
const isRace = (error: { readonly _tag: string } | StaleRef | GitError): boolean =>
  ("ref" in error && error._tag === "StaleRef" && error.ref === notesRef) ||
  ("stderr" in error &&
    error._tag === "GitError" &&
    /\.lock': File exists|cannot lock ref/.test(error.stderr))
