/** A stack carried over by the rebuild engine, where a patch that does not apply is left out. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import type { PatchBranch } from "../../packages/git/src/patch/PatchPlan.ts"
import { rebuild, structuredFilesDefault } from "../../packages/git/src/patch/Rebuild.ts"
import type { Rebuilt, SkippedPatch } from "../../packages/git/src/patch/RebuildResult.ts"
import type { Repository } from "../../packages/git/src/Repository.ts"
import type { Outcome } from "./outcome.ts"
import type { Place } from "./run.ts"

export interface RebuildGiven {
  readonly repository: Repository
  /** The release that the patches stand on. */
  readonly base: ObjectId
  readonly onto: ObjectId
  readonly patches: ReadonlyArray<PatchBranch>
  /** Files that are merged by their values; none where the results are to be those of cherry-pick. */
  readonly structuredFiles: ReadonlyArray<string>
}

/** Carries the whole stack at once, and goes on after a conflict without what depends on it. */
export const carryAtOnce = Effect.fnUntraced(function* (given: RebuildGiven) {
  const { base, ...options } = given
  const result = yield* rebuild({ ...options, upstream: [base], keepGoing: true }).pipe(Effect.orDie)
  return result._tag === "Rebuilt" ? result : yield* Effect.dieMessage("a rebuild that keeps going stopped")
})

/**
 * Carries one patch at a time, so that a conflict takes nothing else along. Counts the conflicts that the merge of manifests by
 * their values would have resolved.
 */
export const carryOneByOne = Effect.fnUntraced(function* (repo: Place, given: RebuildGiven) {
  const outcomes: Array<[string, Outcome]> = []
  let onto = given.onto
  let byValues = 0
  for (const patch of given.patches) {
    const one = { ...given, onto, patches: [patch] }
    const result = yield* carryAtOnce(one)
    outcomes.push(...(yield* outcomesOf(repo, result)))
    if (result.skipped.some(hasManifest)) {
      const again = yield* carryAtOnce({ ...one, structuredFiles: structuredFilesDefault })
      byValues += again.applied.length
    }
    onto = result.tip
  }
  return { outcomes: new Map(outcomes), byValues }
})

/** What became of each patch, but for those that were not tried because they depend on another. */
export const outcomesOf = Effect.fnUntraced(function* (repo: Place, rebuilt: Rebuilt) {
  const outcomes = new Map<string, Outcome>()
  for (const { patch } of rebuilt.dropped) outcomes.set(patch, { _tag: "Empty" })
  for (const skipped of rebuilt.skipped) {
    if (skipped.reason === "conflict") outcomes.set(skipped.patch, conflictOf(skipped))
  }
  const tips = rebuilt.applied.map(({ commits }) => `${commits.at(-1)?.to ?? ""}^{tree}`)
  const trees = tips.length === 0 ? [] : (yield* repo.git("rev-parse", ...tips)).split("\n")
  for (const [at, { patch }] of rebuilt.applied.entries()) {
    outcomes.set(patch, { _tag: "Picked", tree: trees[at] ?? "" })
  }
  return outcomes
})

// --- internal ---

/** Whether a file that can be merged by its values is in conflict. */
const hasManifest = (skipped: SkippedPatch): boolean =>
  skipped.reason === "conflict" &&
  skipped.conflict.files.some(({ path }) => structuredFilesDefault.includes(path.replace(/^.*\//, "")))

const conflictOf = ({ conflict }: Extract<SkippedPatch, { readonly reason: "conflict" }>): Outcome => ({
  _tag: "Conflict",
  paths: [...new Set(conflict.files.map((file) => file.path))]
})
