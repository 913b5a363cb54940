/**
 * Recording a rebuilt stack: the candidate branch `candidate/<tag>`, and, when asked, the maintained branch and the proof
 * with it.
 *
 * All of it moves in one transaction, each ref only from the value that was read or that the caller expects.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectId, parseBranch, RefName, shortName } from "../GitName.ts"
import { moveRefs, type RefUpdate } from "../RefTransaction.ts"
import { type Repository, readRef } from "../Repository.ts"
import type { CandidateProof } from "./CandidateProof.ts"
import { moveWithProof } from "./moveWithProof.ts"

/** Where candidates are kept, without `refs/heads/`. */
export const candidatePrefix = "candidate/"

/** A ref after the call, and what it was before. */
export const CandidateRef = Schema.Struct({
  ref: RefName,
  name: Schema.String,
  before: Schema.NullOr(ObjectId),
  commit: ObjectId,
  outcome: Schema.Literal("created", "moved", "already there")
})
export type CandidateRef = typeof CandidateRef.Type

/** What `writeCandidate` records, in one transaction. A candidate of that tag that is there moves, whatever it names. */
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
  else yield* moveWithProof({ repository, updates, reason, proof: options.proof })
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
