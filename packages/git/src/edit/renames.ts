/** New names for patch branches, as changes of refs: the new ref and the removal of the old one, in one transaction. */
import * as Effect from "effect/Effect"
import type { PatchBranch } from "../patch/PatchPlan.ts"
import type { RefChange } from "../RefTransaction.ts"
import { refOfPatch } from "./Stack.ts"

/** One patch that gets another name. */
export interface PatchRename {
  readonly from: string
  readonly to: string
}

/** The renames among names in the same order. */
export const renamesOf = (
  patches: ReadonlyArray<PatchBranch>,
  names: ReadonlyArray<string>
): ReadonlyArray<PatchRename & { readonly patch: PatchBranch }> =>
  patches.flatMap((patch, at) => {
    const to = names[at] ?? patch.name
    return to === patch.name ? [] : [{ from: patch.name, to, patch }]
  })

/**
 * The changes of refs that rename. Several renames may pass names on to each other (`010-a` becomes `020-a` while `020-b` goes
 * on to `030-b`), so each ref appears once: with what it was and what it is to be.
 */
export const refChangesOf = Effect.fnUntraced(function* (given: {
  readonly before: ReadonlyArray<PatchBranch>
  readonly after: ReadonlyArray<PatchBranch>
}) {
  const before = new Map(given.before.map(({ name, tip }) => [name, tip]))
  const after = new Map(given.after.map(({ name, tip }) => [name, tip]))
  const changes: Array<RefChange> = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const ref = yield* refOfPatch(name)
    const expected = before.get(name) ?? null
    const next = after.get(name) ?? null
    if (next !== null) changes.push({ ref, expected, next })
    else if (expected !== null) changes.push({ ref, expected, next })
  }
  return changes.filter(({ expected, next }) => expected !== next)
})
