/**
 * Carrying out a plan: one commit on top of each target that needs it, or one dispatch.
 *
 * 1. Nothing is ever forced. A push that lost a race writes nothing; the branch is then read again, and what is there now
 *    decides: it may hold the version, a newer one, or a value of a person's.
 * 2. A target that fails stops no other one. Each has its own deadline and its own tries.
 * 3. Running it again is safe at any point: a target that holds the version is left alone, so that a run that was killed
 *    leaves no second commit behind.
 */
import type { TargetTry } from "@patchmoi/core/cascade/CascadeFact"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { CascadePlan, PlanEntry } from "./CascadePlan.ts"
import { type CascadeReport, reportOf, type TargetOutcome } from "./CascadeReport.ts"
import { nextStepOf } from "./TargetProblem.ts"
import { type Tried, tryTarget } from "./tryTarget.ts"

/** The wait before the second try, in milliseconds; it doubles with each further one, and a part of it is random. */
export const backoffMillis = 200

/** The longest wait between two tries, in milliseconds. */
export const backoffMillisMax = 10_000

/** Who is told what while a plan is carried out. */
export interface ApplyOptions {
  /** Told of each try when it has ended, before the next one begins. */
  readonly onTry?: (attempt: TargetTry) => Effect.Effect<void>
  /** Told of each target once it is settled. */
  readonly onOutcome?: (outcome: TargetOutcome) => Effect.Effect<void>
}

/** Carries out the plan. Never fails: what went wrong is in the report, target by target. */
export const applyCascade = Effect.fn("Cascade.apply")(function* (
  plan: CascadePlan,
  options: ApplyOptions = {}
) {
  const outcomes = yield* Effect.forEach(
    plan.entries,
    (entry) =>
      Effect.tap(applyEntry(plan, entry, options), (outcome) => options.onOutcome?.(outcome) ?? Effect.void),
    { concurrency: plan.config.concurrency }
  )
  const report: CascadeReport = reportOf(plan, outcomes)
  return report
})

/** The wait before a try (2, 3, …): between a half and the whole of a span that doubles each time. */
export const backoffBefore = (attempt: number): Effect.Effect<Duration.Duration> => {
  const span = Math.min(backoffMillis * 2 ** (attempt - 2), backoffMillisMax)
  return Effect.map(Random.nextRange(0.5, 1), (part) => Duration.millis(Math.round(span * part)))
}

// --- internal ---

const applyEntry = (plan: CascadePlan, entry: PlanEntry, options: ApplyOptions) => {
  const { intent } = entry
  // What was unreachable is tried anew.
  if (intent === "write" || intent === "downgrade" || intent === "unreachable")
    return tryEntry(plan, entry, options)
  const outcome: TargetOutcome = {
    target: entry.target,
    intent,
    status: intent,
    how: entry.how,
    current: entry.current,
    commit: null,
    code: entry.code,
    reason: entry.reason,
    next: entry.next,
    tries: []
  }
  return Effect.succeed(outcome)
}

const tryEntry = (plan: CascadePlan, entry: PlanEntry, options: ApplyOptions) =>
  Effect.gen(function* () {
    const { config } = plan
    const tries: Array<TargetTry> = []
    let last: Tried | undefined
    const tell = (tried: Tried) => {
      const { code, commit, how, outcome, reason } = tried
      const attempt: TargetTry = {
        target: entry.target.id,
        number: tries.length + 1,
        how,
        outcome,
        ...(commit === null ? {} : { commit }),
        ...(code === null ? {} : { code }),
        ...(reason === "" ? {} : { reason })
      }
      tries.push(attempt)
      last = tried
      return options.onTry?.(attempt) ?? Effect.void
    }
    const loop = Effect.gen(function* () {
      while (true) {
        const tried = yield* tryTarget({ plan, entry, before: last })
        yield* tell(tried)
        // A push whose answer was lost may have been taken: the last word is what the branch holds. A dispatch leaves no trace.
        const looksOnceMore = tried.isUnknown && tried.how === "push"
        const isOver = tries.length >= config.attempts + (looksOnceMore ? 1 : 0)
        if (!tried.again || isOver) return
        yield* Effect.sleep(yield* backoffBefore(tries.length + 1))
      }
    })
    const isInTime = yield* Effect.timeoutTo(loop, {
      duration: config.targetMillis,
      onSuccess: () => true,
      onTimeout: () => false
    })
    if (!isInTime) yield* tell(tooLate(entry, last, config.targetMillis))
    return outcomeOf(entry, last, tries)
  })

const tooLate = (entry: PlanEntry, before: Tried | undefined, millis: number): Tried => ({
  outcome: "failed",
  how: entry.how,
  commit: null,
  code: "DeadlinePassed",
  reason: `not done within ${millis} ms${before === undefined || before.reason === "" ? "" : `; before that: ${before.reason}`}`,
  again: false,
  isUnknown: true,
  look: before?.look ?? null
})

const outcomeOf = (
  entry: PlanEntry,
  last: Tried | undefined,
  tries: ReadonlyArray<TargetTry>
): TargetOutcome => {
  // Whoever lost every race has not been reached.
  const status = last === undefined || last.outcome === "raced" ? "failed" : last.outcome
  const code = last?.code ?? null
  return {
    target: entry.target,
    intent: entry.intent,
    status,
    how: last?.how ?? entry.how,
    current: last?.look?.current ?? entry.current,
    commit: last?.commit ?? null,
    code,
    reason: last?.reason === undefined || last.reason === "" ? entry.reason : last.reason,
    next:
      status === "failed"
        ? nextStepOf(code ?? "", entry.target)
        : status === "pinned"
          ? "talk to whoever pinned it, or use --override-pins"
          : "",
    tries
  }
}
