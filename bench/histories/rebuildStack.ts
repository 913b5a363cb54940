/** A stack carried over by the rebuild engine, where a patch that does not apply is left out. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../packages/git/src/GitName.ts"
import type { PatchBranch } from "../../packages/git/src/patch/PatchPlan.ts"
import { rebuild } from "../../packages/git/src/patch/Rebuild.ts"
import type { Repository } from "../../packages/git/src/Repository.ts"
import type { Outcome, Outcomes } from "./outcome.ts"

export interface RebuildGiven {
  readonly repository: Repository
  /** The release that the patches stand on. */
  readonly base: ObjectId
  readonly onto: ObjectId
  readonly patches: ReadonlyArray<PatchBranch>
  /** Files that are merged by their values; none where the results are to be those of cherry-pick. */
  readonly structuredFiles: ReadonlyArray<string>
}

/** Carries one patch at a time, so that a conflict takes along nothing but itself. */
export const carryByRebuild = Effect.fnUntraced(function* (given: RebuildGiven) {
  const outcomes = new Map<string, Outcome>()
  const commits = new Map<string, string>()
  const structured = new Set<string>()
  let onto = given.onto
  for (const patch of given.patches) {
    const result = yield* rebuild({
      repository: given.repository,
      onto,
      patches: [patch],
      upstream: [given.base],
      structuredFiles: given.structuredFiles
    }).pipe(Effect.orDie)
    if (result._tag === "Conflicted") {
      const paths = result.conflict.files.map((file) => file.path)
      outcomes.set(patch.name, { _tag: "Conflict", paths: [...new Set(paths)] })
      continue
    }
    onto = result.tip
    const last = result.applied.at(-1)?.commits.at(-1)
    if (last === undefined) outcomes.set(patch.name, { _tag: "Empty" })
    else {
      outcomes.set(patch.name, { _tag: "Picked", tree: result.tree })
      commits.set(patch.name, last.to)
      if (last.structured.length > 0) structured.add(patch.name)
    }
  }
  return { outcomes, commits, structured }
})

/** Carries the whole stack in one rebuild, without the patches that are known not to apply, and gives the last tree. */
export const carryAtOnce = Effect.fnUntraced(function* (given: RebuildGiven, outcomes: Outcomes) {
  const patches = given.patches.filter(({ name }) => outcomes.get(name)?._tag !== "Conflict")
  const { repository, onto, base, structuredFiles } = given
  const result = yield* rebuild({ repository, onto, patches, upstream: [base], structuredFiles }).pipe(
    Effect.orDie
  )
  return result._tag === "Rebuilt" ? result.tree : `conflict in ${result.conflict.patch}`
})
