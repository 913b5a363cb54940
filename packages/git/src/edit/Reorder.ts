/**
 * Moving a patch to another place in the stack, by another number in its name.
 *
 * Both orders are rebuilt first, aside. The move is made when they give the same tree, and each patch still brings its own
 * commits; else it is refused, unless the caller insists. Branches are renamed in one transaction; no commit changes.
 */
import * as Effect from "effect/Effect"
import { arrangeNames } from "../contract/patchNames.ts"
import { makeEditSpace } from "../internal/editSpace.ts"
import type { PatchBranch } from "../patch/PatchPlan.ts"
import { moveRefs, type RefChange, refuseCheckedOut } from "../RefTransaction.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { compareStacks, type StackComparison } from "./compareStacks.ts"
import { EditRefused } from "./EditRefused.ts"
import { type PatchRename, refChangesOf, renamesOf } from "./renames.ts"
import {
  changedOwners,
  findPatch,
  inOrder,
  planStack,
  readStack,
  refuseClashes,
  type Stack
} from "./Stack.ts"

/** Which patch moves where. Names may be given with or without the prefix. */
export interface ReorderOptions {
  readonly repository: Repository
  readonly topology: Topology
  /** The patch that moves. */
  readonly patch: string
  /** Where it goes. */
  readonly place: { readonly side: "before" | "after"; readonly other: string }
  /** The commit, tag or ref on which both orders are tried. (Default: upstream's commit.) */
  readonly onto?: string
  /** Move it although the result differs or cannot be told. (Default: false.) */
  readonly force?: boolean
  /** Tell what would be done, and move nothing. (Default: false.) */
  readonly dryRun?: boolean
}

/** What moving a patch did, or would do with `dryRun`. The order is that of the names, so that moving is renaming. */
export interface Reordered {
  /** Patches that get another name, in the new order. Empty: the patch is there already. */
  readonly renames: ReadonlyArray<PatchRename>
  /** The stack in its new order, by new names. */
  readonly order: ReadonlyArray<string>
  /** What the rebuilds gave; `null` when nothing moves. */
  readonly comparison: StackComparison | null
  /** Patches that bring other commits than before, because one that they share comes to another patch first. */
  readonly owners: ReadonlyArray<string>
  /** The refs that were moved, or would be. */
  readonly moved: ReadonlyArray<RefChange>
}

/**
 * Moves the patch.
 *
 * Errors, after each of which nothing has moved: `EditRefused`, `PatchNotFound`, `UpstreamUnknown`, `RevisionNotFound`,
 * `BranchCheckedOut`, `StaleRef`, those of `rebuild`, `QuarantineError`, `GitError`.
 */
export const reorder = Effect.fn("Reorder.reorder")(function* (options: ReorderOptions) {
  const stack = yield* readStack(options)
  const { repository, prefix } = stack
  const moving = yield* findPatch(stack.patches, prefix, options.patch)
  const other = yield* findPatch(stack.patches, prefix, options.place.other)
  const order = yield* placed(stack, moving, other, options.place.side)
  const names = arrangeNames(
    prefix,
    order.map((patch) => ({ name: patch.name, free: patch === moving }))
  )
  const renames = renamesOf(order, names)
  const after = order.map((patch, at): PatchBranch => ({ name: names[at] ?? patch.name, tip: patch.tip }))
  const told = { renames: renames.map(({ from, to }) => ({ from, to })), order: names }
  if (renames.length === 0) {
    const nothing: Reordered = { ...told, comparison: null, owners: [], moved: [] }
    return nothing
  }
  const moved = yield* refChangesOf({ before: stack.patches, after })
  yield* refuseClashes({
    action: "reorder",
    repository,
    created: moved.flatMap(({ ref, expected }) => (expected === null ? [ref] : [])),
    changed: moved.flatMap(({ ref, expected }) => (expected === null ? [] : [ref]))
  })
  yield* refuseCheckedOut({ repository, refs: moved.map(({ ref }) => ref) })
  const { comparison, owners } = yield* tryOrder({ options, stack, after })
  if (options.force !== true) yield* refuseDifference(comparison, owners)
  if (options.dryRun !== true) {
    const reason = `patchmoi: reorder ${moving.name} ${options.place.side} ${other.name}`
    yield* moveRefs({ repository, updates: moved, reason })
  }
  const result: Reordered = { ...told, comparison, owners, moved }
  return result
})

// --- internal ---

const placed = (stack: Stack, moving: PatchBranch, other: PatchBranch, side: "before" | "after") =>
  Effect.gen(function* () {
    if (moving === other) {
      const detail = `${moving.name} cannot be moved ${side} itself`
      return yield* new EditRefused({ action: "reorder", reason: "nothing-to-do", detail })
    }
    const rest = inOrder(stack.patches).filter((patch) => patch !== moving)
    const at = rest.indexOf(other) + (side === "after" ? 1 : 0)
    return [...rest.slice(0, at), moving, ...rest.slice(at)]
  })

const tryOrder = (given: {
  readonly options: ReorderOptions
  readonly stack: Stack
  readonly after: ReadonlyArray<PatchBranch>
}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { options, stack, after } = given
      const { repository, upstream } = stack
      const onto =
        options.onto === undefined ? stack.onto : yield* resolveCommit({ repository, revision: options.onto })
      const owners = changedOwners(yield* planStack(stack), yield* planStack(stack, after))
      const space = yield* makeEditSpace(repository)
      const before = inOrder(stack.patches)
      const comparison = yield* compareStacks({ space, onto, upstream, before, after })
      return { comparison, owners }
    })
  )

const refuseDifference = (comparison: StackComparison, owners: ReadonlyArray<string>) => {
  const refuse = (reason: EditRefused["reason"], detail: string) =>
    Effect.fail(new EditRefused({ action: "reorder", reason, detail }))
  switch (comparison._tag) {
    case "BrokenBefore":
      return refuse(
        "conflicts",
        `the stack does not apply in its present order either (${conflictText(comparison.conflict)}), so that the orders cannot be compared; name a commit on which it applies (--onto), or insist (--force)`
      )
    case "BrokenAfter":
      return refuse(
        "conflicts",
        `the stack does not apply in the new order: ${conflictText(comparison.conflict)}; insist with --force`
      )
    case "Different": {
      const more = comparison.pathsOmitted === 0 ? "" : ` and ${comparison.pathsOmitted} more`
      return refuse(
        "differs",
        `the new order gives another tree, in ${comparison.paths.join(", ")}${more}; insist with --force`
      )
    }
    case "Same":
      return owners.length === 0
        ? Effect.void
        : refuse(
            "carries-others",
            `${owners.join(", ")} would bring other commits than now, because one stands on the other; insist with --force`
          )
  }
}

const conflictText = (conflict: Extract<StackComparison, { _tag: "BrokenAfter" }>["conflict"]): string =>
  `${conflict.patch} conflicts in ${conflict.files.map(({ path }) => path).join(", ")}`
