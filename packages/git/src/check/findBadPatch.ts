/**
 * The first patch of a stack that makes a check fail, by halving.
 *
 * Upstream passes and the tip fails, so there is a patch with which the checks fail and without which they pass. A stack in
 * which they fail, pass and fail again has several; one of them is found.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import type { CheckRun } from "./Check.ts"
import type { CheckPoint, TreeChecksAsked } from "./TreeChecks.ts"

/** The patch with which the checks fail, and without which they pass. Both were seen twice. */
export const BadPatch = Schema.TaggedStruct("BadPatch", {
  patch: Schema.String,
  /** The commit of the stack that the patch ends with. */
  at: ObjectId,
  /** The commit before the patch: the last good one. */
  before: ObjectId,
  /** How the check failed with it. It may be an earlier check than the one that fails at the tip. */
  run: Schema.Struct({
    command: Schema.String,
    outcome: Schema.Literal("passed", "failed", "timeout"),
    exitCode: Schema.NullOr(Schema.Int),
    output: Schema.String,
    outputBytesOmitted: Schema.Int
  }),
  /** Places in the stack that were looked at, tip included. */
  lookedAt: Schema.Int
})

/** The check gave two answers at one tree: `at` is its commit. */
export const Flaky = Schema.TaggedStruct("Flaky", { at: ObjectId })

/** Nobody looked: the check was over its time, or there is no patch. */
export const NotSearched = Schema.TaggedStruct("NotSearched", {
  reason: Schema.Literal("timeout", "no-patches")
})

/** Who makes a check fail, as far as that can be told. */
export const PatchBlame = Schema.Union(BadPatch, Flaky, NotSearched)
export type PatchBlame = typeof PatchBlame.Type

/** A check that fails at the tip and not on upstream, and the stack that is searched for the patch that breaks it. */
export interface SearchOptions<E, R> {
  /** Answers for one tree: what `makeTreeChecks` gives. */
  readonly ask: (asked: TreeChecksAsked) => Effect.Effect<ReadonlyArray<CheckRun>, E, R>
  /** Whether a check fails that does not fail on upstream. */
  readonly isOwn: (at: number, run: CheckRun) => boolean
  /** The check that fails at the tip, by its place in the list. */
  readonly at: number
  /** Its answer on upstream, if it was run there. */
  readonly control: CheckRun | null
  /** The bare upstream commit below the stack. */
  readonly upstream: CheckPoint
  /** The stack from the bottom, by patches. Without any, nothing is searched (`no-patches`). */
  readonly steps: ReadonlyArray<{ readonly patch: string; readonly point: CheckPoint }>
  /** The top of the stack. */
  readonly tip: CheckPoint
}

/** Halves the stack until the patch is found, then asks again on both sides of it. */
export const findBadPatch = <E, R>(options: SearchOptions<E, R>) =>
  Effect.gen(function* () {
    const { ask, at, isOwn, steps, tip, upstream } = options
    const lookedAt = new Set<string>()
    const look = (point: CheckPoint, anew: boolean) => {
      lookedAt.add(point.commit)
      const asked = { point, count: at + 1, anew, goOn: (each: number, run: CheckRun) => !isOwn(each, run) }
      return Effect.map(ask(asked), (runs) => ({
        point,
        runs,
        bad: runs.find((run, each) => isOwn(each, run))
      }))
    }
    /** Looks until the answer was given twice, or is known to change. */
    const lookTwice = (point: CheckPoint, isBad: boolean) =>
      Effect.gen(function* () {
        const first = yield* look(point, false)
        const isSettled = first.runs.every((run) => run.times > 1)
        const seen = isSettled ? first : yield* look(point, true)
        const isSteady = (seen.bad !== undefined) === isBad && !seen.runs.some((run) => run.flaky)
        return { ...seen, isSteady: isSteady && (first.bad !== undefined) === isBad }
      })
    const flaky = (point: CheckPoint): PatchBlame => Flaky.make({ at: point.commit })
    if (options.control?.flaky === true) return flaky(upstream)
    const atTip = yield* look(tip, false)
    if (atTip.bad?.outcome === "timeout") return NotSearched.make({ reason: "timeout" })
    if (!(yield* lookTwice(tip, true)).isSteady) return flaky(tip)
    let good = -1
    let bad = steps.length - 1
    if (bad < 0) return NotSearched.make({ reason: "no-patches" })
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2)
      const step = steps[middle]
      if (step === undefined) break
      if ((yield* look(step.point, false)).bad === undefined) good = middle
      else bad = middle
    }
    const culprit = steps[bad]
    if (culprit === undefined) return NotSearched.make({ reason: "no-patches" })
    const before = steps[good]?.point ?? upstream
    const without = yield* lookTwice(before, false)
    if (!without.isSteady) return flaky(before)
    const with_ = yield* lookTwice(culprit.point, true)
    if (!with_.isSteady || with_.bad === undefined) return flaky(culprit.point)
    const { command, exitCode, outcome, output, outputBytesOmitted } = with_.bad
    const found: PatchBlame = BadPatch.make({
      patch: culprit.patch,
      at: culprit.point.commit,
      before: before.commit,
      run: { command, exitCode, outcome, output, outputBytesOmitted },
      lookedAt: lookedAt.size
    })
    return found
  })
