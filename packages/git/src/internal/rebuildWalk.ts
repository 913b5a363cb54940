/**
 * The walk over a patch stack: which commit is merged onto what, what is left out, and what is skipped.
 *
 * It knows trees and commits only through its ports, so that every engine shares it, also the one without a git program.
 */
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import { type LandedVerdict, leavesOut } from "../landed/LandedVerdict.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type {
  AppliedCommit,
  AppliedPatch,
  Conflicted,
  DroppedPatch,
  EmptyCommit,
  Rebuilt,
  SkippedPatch
} from "../patch/RebuildResult.ts"
import { type CommitObject, formatCommit, subjectOf } from "./objectFormat.ts"
import { blockerOf, type Skipped, skippedOf } from "./skippedPatches.ts"
import { type Trailer, withTrailers } from "./trailers.ts"

/** One commit that is to be merged onto the stack so far. */
export interface Pick {
  readonly patch: string
  /** The commit that is carried over, its parent, and the top of the stack so far. */
  readonly commit: ObjectId
  readonly parent: ObjectId
  readonly tip: ObjectId
  readonly subject: string
  readonly trees: { readonly base: ObjectId; readonly ours: ObjectId; readonly theirs: ObjectId }
}

/** What became of it. */
export type Picked =
  | {
      readonly _tag: "Merged"
      readonly tree: ObjectId
      readonly structured: ReadonlyArray<string>
      readonly resolved: AppliedCommit["resolved"]
    }
  | { readonly _tag: "Conflict"; readonly conflict: Conflict }

export interface WalkOptions<E, R> {
  readonly onto: ObjectId
  readonly planned: ReadonlyArray<PlannedPatch>
  readonly commitOf: (commit: ObjectId) => Effect.Effect<CommitObject, E, R>
  readonly pick: (pick: Pick) => Effect.Effect<Picked, E, R>
  readonly writeCommit: (content: Buffer) => Effect.Effect<ObjectId, E, R>
  /** Paths that the patch's commits change, one byte for each character. Asked only after a patch was skipped. */
  readonly pathsTouched: (patch: PlannedPatch) => Effect.Effect<ReadonlySet<string>, E, R>
  readonly landed: ReadonlyMap<string, LandedVerdict>
  readonly keepGoing: boolean
  /** The trailers of a patch's commits. */
  readonly trailersOf: (patch: string) => ReadonlyArray<Trailer>
}

/** Carries the patches over in their order. Stops at the first conflict, unless it is to keep going. */
export const walkStack = <E, R>(options: WalkOptions<E, R>): Effect.Effect<Rebuilt | Conflicted, E, R> =>
  Effect.gen(function* () {
    const applied: Array<AppliedPatch> = []
    const dropped: Array<DroppedPatch> = []
    const skipped: Array<SkippedPatch> = []
    const skippedStates: Array<Skipped> = []
    let tip: Tip = { commit: options.onto, tree: (yield* options.commitOf(options.onto)).tree }
    for (const [at, planned] of options.planned.entries()) {
      const patch = { patch: planned.name, tip: planned.tip }
      const left = leftOut(planned, options.landed.get(planned.name))
      if (left !== null) {
        dropped.push(left)
        continue
      }
      if (skippedStates.length > 0) {
        const state = skippedOf(planned, yield* options.pathsTouched(planned))
        const blocker = blockerOf(skippedStates, state)
        if (blocker !== null) {
          skipped.push({ ...patch, reason: "depends", ...blocker })
          skippedStates.push(state)
          continue
        }
      }
      const carried = yield* carryPatch(options, tip, planned)
      if (carried._tag === "Conflict" && !options.keepGoing) {
        const remaining = options.planned.slice(at + 1).map(({ name }) => name)
        const { conflict } = carried
        return { _tag: "Conflicted", onto: options.onto, applied, dropped, conflict, remaining }
      }
      if (carried._tag === "Conflict") {
        skipped.push({ ...patch, reason: "conflict", conflict: carried.conflict })
        skippedStates.push(skippedOf(planned, yield* options.pathsTouched(planned)))
        continue
      }
      const { commits, empty } = carried
      tip = carried.tip
      if (commits.length > 0) applied.push({ ...patch, commits, empty })
      else dropped.push({ ...patch, reason: empty.length > 0 ? "empty" : "no-commits", empty, evidence: [] })
    }
    return {
      _tag: "Rebuilt",
      onto: options.onto,
      tip: tip.commit,
      tree: tip.tree,
      applied,
      dropped,
      skipped,
      moved: []
    }
  })

// --- internal ---

/** Where the stack stands: the last commit and its tree. */
interface Tip {
  readonly commit: ObjectId
  readonly tree: ObjectId
}

type Carried =
  | Extract<Picked, { readonly _tag: "Conflict" }>
  | {
      readonly _tag: "Carried"
      readonly tip: Tip
      readonly commits: ReadonlyArray<AppliedCommit>
      readonly empty: ReadonlyArray<EmptyCommit>
    }

/** The patch as dropped, when the verdict leaves it out. A verdict about another tip says nothing about this one. */
const leftOut = (planned: PlannedPatch, verdict: LandedVerdict | undefined): DroppedPatch | null => {
  if (verdict === undefined || verdict.tip !== planned.tip || !leavesOut(verdict)) return null
  const { verdict: reason, evidence } = verdict
  return { patch: planned.name, tip: planned.tip, reason, empty: [], evidence }
}

const carryPatch = <E, R>(
  options: WalkOptions<E, R>,
  start: Tip,
  planned: PlannedPatch
): Effect.Effect<Carried, E, R> =>
  Effect.gen(function* () {
    const trailers = options.trailersOf(planned.name)
    const commits: Array<AppliedCommit> = []
    const empty: Array<EmptyCommit> = []
    let tip = start
    let parent = planned.base
    for (const from of planned.commits) {
      const picked = yield* options.commitOf(from)
      const base = yield* options.commitOf(parent)
      const subject = subjectOf(picked)
      const trees = { base: base.tree, ours: tip.tree, theirs: picked.tree }
      const merged = yield* options.pick({
        patch: planned.name,
        commit: from,
        parent,
        tip: tip.commit,
        subject,
        trees
      })
      if (merged._tag === "Conflict") return merged
      const { tree, structured, resolved } = merged
      if (tree === tip.tree) empty.push({ from, tree, subject })
      else {
        const message = withTrailers(picked.message, trailers)
        const to = yield* options.writeCommit(
          formatCommit({ ...picked, message, tree, parents: [tip.commit] })
        )
        commits.push({ from, to, subject, structured, resolved })
        tip = { commit: to, tree }
      }
      parent = from
    }
    return { _tag: "Carried", tip, commits, empty }
  })
