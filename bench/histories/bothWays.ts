/** One stack on one release: carried over both ways, compared patch by patch, timed. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import type { PatchBranch } from "../../packages/git/src/patch/PatchPlan.ts"
import { structuredFilesDefault } from "../../packages/git/src/patch/Rebuild.ts"
import type { Repository } from "../../packages/git/src/Repository.ts"
import { carryByCherryPick } from "./cherryPick.ts"
import type { Project } from "./clone.ts"
import { countOutcomes, differencesOf, lastTree, type Outcomes } from "./outcome.ts"
import { carryAtOnce, carryByRebuild } from "./rebuildStack.ts"
import { timed } from "./run.ts"
import { commitOf } from "./stack.ts"

export interface CarriedStack {
  /** A row of the table. */
  readonly cells: ReadonlyArray<string>
  /** A sentence for each patch that came out differently. */
  readonly differences: ReadonlyArray<string>
}

/** Carries the patches onto the release by cherry-pick, by the engine patch by patch, and by the engine at once. */
export const carryBothWays = Effect.fnUntraced(function* (
  project: Project,
  given: {
    readonly repository: Repository
    readonly base: ObjectId
    readonly patches: ReadonlyArray<PatchBranch>
    readonly release: string
  }
) {
  const { patches, release } = given
  const onto = yield* commitOf(project.repo, release)
  const plain = { ...given, onto, structuredFiles: [] }
  const picked = yield* timed(carryByCherryPick({ worktree: project.worktree, onto, patches }))
  const rebuilt = yield* carryByRebuild(plain)
  const atOnce = yield* timed(carryAtOnce(plain, rebuilt.outcomes))
  const byValues = hasManifestConflict(rebuilt.outcomes)
    ? (yield* carryByRebuild({ ...plain, structuredFiles: structuredFilesDefault })).structured.size
    : 0
  const different = differencesOf(rebuilt.outcomes, picked.value)
  const differences = different.map(
    (one) => `${release} ${one.patch}: rebuilt ${one.rebuilt}, picked ${one.picked}`
  )
  const last = lastTree(picked.value) ?? (yield* project.repo.git("rev-parse", `${onto}^{tree}`))
  if (atOnce.value !== last) differences.push(`${release} at once: rebuilt ${atOnce.value}, picked ${last}`)
  const count = countOutcomes(rebuilt.outcomes)
  const numbers = [
    count.Picked,
    count.Empty,
    count.Conflict,
    patches.length - different.length,
    different.length,
    Math.round(picked.millis),
    Math.round(atOnce.millis),
    byValues
  ]
  const result: CarriedStack = {
    cells: [String(patches.length), release, ...numbers.map(String)],
    differences
  }
  return result
})

// --- internal ---

/** Whether a file that could be merged by its values is in conflict. */
const hasManifestConflict = (outcomes: Outcomes): boolean =>
  [...outcomes.values()].some(
    (outcome) =>
      outcome._tag === "Conflict" &&
      outcome.paths.some((path) => structuredFilesDefault.includes(path.replace(/^.*\//, "")))
  )
