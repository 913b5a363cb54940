/**
 * Writing down what a rebuild gave: the candidate branch, and the maintained branch with it where the operator says so.
 *
 * 1. Both move in one transaction, or none does.
 * 2. What the maintained branch was is kept under `refs/patchmoi/before/` first, unless the new commit contains it. No
 *    commit of it is lost, not even one that no patch branch holds.
 */

import { type CandidateRef, writeCandidate } from "@patchmoi/git/candidate/Candidate"
import type { CandidateProof } from "@patchmoi/git/candidate/CandidateProof"
import { Git } from "@patchmoi/git/Git"
import { type ObjectId, parseRef, type RefName, shortName } from "@patchmoi/git/GitName"
import { moveRefs } from "@patchmoi/git/RefTransaction"
import { readRef } from "@patchmoi/git/Repository"
import * as Effect from "effect/Effect"
import type { Fork } from "./Fork.ts"
import type { Progress } from "./Progress.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** What was written. */
export interface ForkRecord {
  readonly candidate: CandidateRef
  /** The maintained branch after the move; `null` when it stays. */
  readonly target: CandidateRef | null
  /** Where the maintained branch's old commit is kept; `null` when it needs no keeping. */
  readonly backup: RefName | null
  /** Why the maintained branch was not moved though it was asked for; `null` otherwise. */
  readonly notMoved: string | null
}

/** Writes the refs. `StaleRef`, `BranchCheckedOut` (the candidate), `GitError`: nothing was moved. */
export const recordCandidate = Effect.fn("Record.candidate")(function* (
  fork: Fork,
  point: UpstreamPoint,
  given: { readonly tip: ObjectId; readonly moveTarget: boolean; readonly proof: CandidateProof },
  progress: Progress
) {
  const { repository, target } = fork
  const written = { repository, tag: point.name, commit: given.tip, proof: given.proof }
  const alone = (notMoved: string | null) =>
    Effect.map(writeCandidate(written), ([candidate]) => ({
      candidate,
      target: null,
      backup: null,
      notMoved
    }))
  const backup = given.moveTarget ? yield* keepTarget(fork, given.tip) : null
  const move = { branch: shortName(target.ref), expected: target.commit }
  const outcome = yield* given.moveTarget
    ? Effect.map(writeCandidate({ ...written, move }), ([candidate, moved]) => ({
        candidate,
        target: moved ?? null,
        backup,
        notMoved: null
      })).pipe(
        Effect.catchTag("BranchCheckedOut", (error) =>
          error.ref === target.ref ? alone(error.message) : Effect.fail(error)
        )
      )
    : alone(null)
  const { candidate } = outcome
  if (candidate === undefined) return yield* Effect.dieMessage("writeCandidate told nothing of the candidate")
  yield* progress(`candidate ${candidate.ref} ${candidate.outcome}, at ${candidate.commit}`)
  if (outcome.target !== null) yield* progress(`branch ${move.branch} ${outcome.target.outcome}`)
  if (outcome.notMoved !== null) yield* progress(`branch ${move.branch} stays: ${outcome.notMoved}`)
  const record: ForkRecord = { ...outcome, candidate }
  return record
})

// --- internal ---

/** Keeps the maintained branch's commit, before anything moves. */
const keepTarget = (fork: Fork, tip: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const { repository, target } = fork
    if (target.commit === null) return null
    const args = ["merge-base", "--is-ancestor", target.commit, tip]
    const { exitCode } = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    if (exitCode === 0) return null
    const ref = yield* parseRef(`refs/patchmoi/before/${shortName(target.ref)}/${target.commit}`)
    const update = { ref, expected: yield* readRef({ repository, ref }), next: target.commit }
    yield* moveRefs({ repository, updates: [update], reason: `patchmoi: kept before moving to ${tip}` })
    return ref
  })
