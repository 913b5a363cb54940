/** One stack on one release: carried over both ways, compared patch by patch, timed. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import type { PatchBranch } from "../../packages/git/src/patch/PatchPlan.ts"
import { structuredFilesDefault } from "../../packages/git/src/patch/Rebuild.ts"
import type { Repository } from "../../packages/git/src/Repository.ts"
import { carryByCherryPick } from "./cherryPick.ts"
import type { Project } from "./clone.ts"
import { countOutcomes, differencesOf } from "./outcome.ts"
import { carryAtOnce, carryOneByOne, outcomesOf } from "./rebuildStack.ts"
import { timed } from "./run.ts"
import { commitOf } from "./stack.ts"

/** The columns of a row of `cells`. */
export const cellNames = [
  "stack",
  "release",
  "carried",
  "empty",
  "conflicts",
  "depend",
  "equal",
  "different",
  "cherry-pick, ms",
  "rebuild, ms",
  "by values"
]

export interface CarriedStack {
  readonly cells: ReadonlyArray<string>
  /** A sentence for each patch that came out differently. */
  readonly differences: ReadonlyArray<string>
}

interface Given {
  readonly repository: Repository
  readonly base: ObjectId
  readonly patches: ReadonlyArray<PatchBranch>
  readonly release: string
}

/**
 * Carries the patches onto the release by the engine, in one rebuild that keeps going, and by cherry-pick. Patches that the
 * engine does not try, because they depend on one that conflicts, are not picked either.
 */
export const carryBothWays = Effect.fnUntraced(function* (project: Project, given: Given) {
  const { base, patches, release, repository } = given
  const onto = yield* commitOf(project.repo, release)
  const plain = { repository, base, patches, onto, structuredFiles: [] }
  const rebuilt = yield* timed(carryAtOnce(plain))
  const depends = namesOf(rebuilt.value.skipped, "depends")
  const tried = patches.filter(({ name }) => !depends.has(name))
  const picked = yield* timed(carryByCherryPick({ worktree: project.worktree, onto, patches: tried }))
  const outcomes = yield* outcomesOf(project.repo, rebuilt.value)
  const different = differencesOf(outcomes, picked.value)
  const byValues = yield* carryAtOnce({ ...plain, structuredFiles: structuredFilesDefault })
  const count = countOutcomes(outcomes)
  const numbers = [
    count.Picked,
    count.Empty,
    count.Conflict,
    depends.size,
    tried.length - different.length,
    different.length,
    Math.round(picked.millis),
    Math.round(rebuilt.millis),
    byValues.applied.filter(({ commits }) => commits.some(({ structured }) => structured.length > 0)).length
  ]
  const result: CarriedStack = {
    cells: [String(patches.length), release, ...numbers.map(String)],
    differences: different.map(
      (one) => `${release} ${one.patch}: rebuilt ${one.rebuilt}, picked ${one.picked}`
    )
  }
  return result
})

/** The same with one rebuild for each patch, so that every patch is tried as the loop tries it. */
export const carryEachBothWays = Effect.fnUntraced(function* (project: Project, given: Given) {
  const { base, patches, release, repository } = given
  const onto = yield* commitOf(project.repo, release)
  const picked = yield* timed(carryByCherryPick({ worktree: project.worktree, onto, patches }))
  const plain = { repository, base, patches, onto, structuredFiles: [] }
  const rebuilt = yield* timed(carryOneByOne(project.repo, plain))
  const { byValues, outcomes } = rebuilt.value
  const different = differencesOf(outcomes, picked.value)
  const count = countOutcomes(outcomes)
  const numbers = [
    count.Picked,
    count.Empty,
    count.Conflict,
    0,
    patches.length - different.length,
    different.length,
    Math.round(picked.millis),
    Math.round(rebuilt.millis),
    byValues
  ]
  const result: CarriedStack = {
    cells: [`${patches.length}, each`, release, ...numbers.map(String)],
    differences: different.map(
      (one) => `${release} ${one.patch}: rebuilt ${one.rebuilt}, picked ${one.picked}`
    )
  }
  return result
})

// --- internal ---

const namesOf = (
  skipped: ReadonlyArray<{ readonly patch: string; readonly reason: string }>,
  reason: string
) => new Set(skipped.flatMap((one) => (one.reason === reason ? [one.patch] : [])))
