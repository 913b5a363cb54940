/** Whether two ways to keep a stack give the same tree, tried by a rebuild of each where nothing is written. */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import type { EditSpace } from "../internal/editSpace.ts"
import { readTreeChanges } from "../internal/treeChanges.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { PatchBranch } from "../patch/PatchPlan.ts"
import { rebuild } from "../patch/Rebuild.ts"

/** Paths that a difference names. The rest is counted. */
export const differentPathsMax = 20

/** What came of the comparison. */
export type StackComparison =
  | { readonly _tag: "Same"; readonly tree: ObjectId }
  /** Both apply, and the trees differ in these paths. */
  | { readonly _tag: "Different"; readonly paths: ReadonlyArray<string>; readonly pathsOmitted: number }
  /** The stack as it is does not apply, so that there is nothing to compare with. */
  | { readonly _tag: "BrokenBefore"; readonly conflict: Conflict }
  /** It applies as it is, and not in the new way. */
  | { readonly _tag: "BrokenAfter"; readonly conflict: Conflict }

/** Rebuilds both onto the commit inside the space, and compares the trees at the top. Fails as `rebuild` does. */
export const compareStacks = Effect.fnUntraced(function* (given: {
  readonly space: EditSpace
  readonly onto: ObjectId
  readonly upstream: ReadonlyArray<ObjectId>
  readonly before: ReadonlyArray<PatchBranch>
  readonly after: ReadonlyArray<PatchBranch>
}) {
  const { space, onto, upstream } = given
  const { repository } = space
  const build = (patches: ReadonlyArray<PatchBranch>) =>
    space.inside(rebuild({ repository, onto, patches, upstream }))
  const before = yield* build(given.before)
  if (before._tag === "Conflicted") return broken("BrokenBefore", before.conflict)
  const after = yield* build(given.after)
  if (after._tag === "Conflicted") return broken("BrokenAfter", after.conflict)
  if (before.tree === after.tree) {
    const same: StackComparison = { _tag: "Same", tree: after.tree }
    return same
  }
  const pairs = [{ from: before.tree, to: after.tree }]
  const [changes = []] = yield* space.inside(readTreeChanges({ repository, pairs }))
  const different: StackComparison = {
    _tag: "Different",
    paths: changes.slice(0, differentPathsMax).map(({ path }) => path.toString("utf8")),
    pathsOmitted: Math.max(0, changes.length - differentPathsMax)
  }
  return different
})

// --- internal ---

const broken = (_tag: "BrokenBefore" | "BrokenAfter", conflict: Conflict): StackComparison => ({
  _tag,
  conflict
})
