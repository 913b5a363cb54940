/**
 * Which branch a rebuilt stack may be written to, so that no rebuild takes a branch away from somebody.
 *
 * 1. A branch below `candidate/`, and one that does not exist yet, may be written.
 * 2. Another branch only when the caller insists; what it was is then kept under `refs/patchmoi/before/`.
 * 3. A patch branch, a symbolic ref, and a branch that is checked out are never written.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { candidatePrefix } from "./candidate/Candidate.ts"
import type { CandidateProof } from "./candidate/CandidateProof.ts"
import { moveWithProof } from "./candidate/moveWithProof.ts"
import { Git, textOf } from "./Git.ts"
import { type ObjectId, parseRef, RefName, shortName } from "./GitName.ts"
import { moveRefs, type RefUpdate, refuseCheckedOut } from "./RefTransaction.ts"
import { type Repository, readRef } from "./Repository.ts"

/** A rebuild would take something away that this branch holds. Nothing was moved. */
export class TargetRefused extends Schema.TaggedError<TargetRefused>("git/TargetRefused")("TargetRefused", {
  ref: RefName,
  /** `patch`: it is a patch branch. `symbolic`: it stands for another ref. `maintained`, `existing`: it is not a candidate. */
  reason: Schema.Literal("patch", "symbolic", "maintained", "existing")
}) {
  override get message(): string {
    return `${shortName(this.ref)} ${refusals[this.reason]}`
  }
}

/** A branch that may be written. */
export interface RebuildTarget {
  readonly ref: RefName
  /** What the branch points to now; `null` when it does not exist. */
  readonly expected: ObjectId | null
  /** The ref that is to keep `expected` before the branch moves; `null` when nobody's work is moved away. */
  readonly backup: RefName | null
}

/**
 * Decides whether the branch may be written. Reads only.
 *
 * Errors: `TargetRefused`, `BranchCheckedOut`, `GitError`.
 */
export const checkTarget = Effect.fn("RebuildTarget.check")(function* (options: {
  readonly repository: Repository
  /** The full ref of the branch. */
  readonly ref: RefName
  /** What names of patch branches begin with, such as `patch/`. */
  readonly patchPrefix: string
  /** The full ref of the maintained branch. */
  readonly maintained: RefName
  /** Whether a branch that is there may be moved. (Default: false.) */
  readonly force?: boolean
}) {
  const { repository, ref } = options
  const refuse = (reason: TargetRefused["reason"]) => Effect.fail(new TargetRefused({ ref, reason }))
  const patchHome = `refs/heads/${options.patchPrefix.replace(/\/$/, "")}`
  if (ref === patchHome || ref.startsWith(`${patchHome}/`)) return yield* refuse("patch")
  if (yield* isSymbolic(repository, ref)) return yield* refuse("symbolic")
  const expected = yield* readRef({ repository, ref })
  const isFree =
    expected === null || (ref.startsWith(`refs/heads/${candidatePrefix}`) && ref !== options.maintained)
  if (!isFree && options.force !== true) {
    return yield* refuse(ref === options.maintained ? "maintained" : "existing")
  }
  yield* refuseCheckedOut({ repository, refs: [ref] })
  const backup = isFree ? null : yield* parseRef(`refs/patchmoi/before/${shortName(ref)}/${expected}`)
  const target: RebuildTarget = { ref, expected, backup }
  return target
})

/**
 * Moves the branch to the commit and, in the same transaction, keeps what it was where the target says so. Gives the refs
 * that were moved.
 *
 * Errors, after each of which nothing has moved: `StaleRef`, `BranchCheckedOut`, `GitError`, and with a proof those of
 * `moveWithProof`.
 */
export const moveTarget = Effect.fn("RebuildTarget.move")(function* (options: {
  readonly repository: Repository
  readonly target: RebuildTarget
  readonly commit: ObjectId
  /** Noted on the commit in the same transaction. (Default: no note.) */
  readonly proof?: CandidateProof
}) {
  const { repository, target, commit, proof } = options
  const updates: Array<RefUpdate> = [{ ref: target.ref, expected: target.expected, next: commit }]
  if (target.backup !== null && target.expected !== null && target.expected !== commit) {
    const expected = yield* readRef({ repository, ref: target.backup })
    updates.push({ ref: target.backup, expected, next: target.expected })
  }
  const moved = { repository, updates, reason: `patchmoi: rebuilt stack at ${commit}` }
  yield* proof === undefined ? moveRefs(moved) : moveWithProof({ ...moved, proof })
  return updates
})

// --- internal ---

const refusals = {
  patch: `is where a patch is kept, and is not written over; name a branch below ${candidatePrefix}`,
  symbolic: `is a symbolic ref, and what it stands for is not written over; name a branch below ${candidatePrefix}`,
  maintained: `is the maintained branch, and is not written over unasked; name a branch below ${candidatePrefix}, or insist (--force)`,
  existing: `exists and is not a candidate; name a branch below ${candidatePrefix} or a new one, or insist (--force)`
}

const isSymbolic = (repository: Repository, ref: RefName) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["symbolic-ref", "--quiet", ref]
    const found = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    return found.exitCode === 0 && textOf(found.stdout).trim() !== ""
  })
