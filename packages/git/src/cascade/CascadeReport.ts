/** What a cascade came to: the outcome of every target, and how it ended as a whole. */
import { statusOf, type TargetStatus } from "@patchmoi/core/cascade/CascadeDocument"
import type { TargetIntent, TargetTry } from "@patchmoi/core/cascade/CascadeFact"
import type { CascadeTarget } from "./CascadeConfig.ts"
import type { CascadePlan } from "./CascadePlan.ts"

/** What became of one target. */
export interface TargetOutcome {
  readonly target: CascadeTarget
  readonly intent: TargetIntent
  readonly status: TargetStatus
  readonly how: "push" | "dispatch"
  /** The version that it held before; `null` when there was none or it is not known. */
  readonly current: string | null
  /** The commit that was written. */
  readonly commit: string | null
  readonly code: string | null
  /** Why, for people. */
  readonly reason: string
  /** What the operator does next; an empty text where there is nothing to do. */
  readonly next: string
  /** In order; none for a target that needed nothing. */
  readonly tries: ReadonlyArray<TargetTry>
}

/** What became of all of them, in the order of the configuration. */
export interface CascadeReport {
  readonly name: string
  readonly version: string
  readonly file: string
  /** `failed` when a target was not reached; `needs_person` when none failed and one is pinned; else `completed`. */
  readonly status: "completed" | "failed" | "needs_person"
  readonly outcomes: ReadonlyArray<TargetOutcome>
}

/** The report over the outcomes. */
export const reportOf = (plan: CascadePlan, outcomes: ReadonlyArray<TargetOutcome>): CascadeReport => {
  const status = statusOf(outcomes)
  return {
    name: plan.config.name,
    version: plan.version,
    file: plan.config.file,
    status: status === "running" ? "failed" : status,
    outcomes
  }
}

/** How many targets have each status, in the order in which people read them; statuses that no target has are left out. */
export const countsOf = (
  outcomes: ReadonlyArray<Pick<TargetOutcome, "status">>
): ReadonlyArray<readonly [TargetStatus, number]> =>
  statusOrder.flatMap((status) => {
    const count = outcomes.filter((outcome) => outcome.status === status).length
    return count === 0 ? [] : [[status, count] as const]
  })

/** Says in one line what became of all targets, such as `3 written, 1 failed`. */
export const summaryOf = (outcomes: ReadonlyArray<Pick<TargetOutcome, "status">>): string =>
  countsOf(outcomes)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ")

/** A report as programs read it. */
export const reportToJson = ({ name, outcomes, status, version, file }: CascadeReport) => ({
  name,
  version,
  file,
  status,
  counts: Object.fromEntries(countsOf(outcomes)),
  targets: outcomes.map(({ target, ...outcome }) => ({ target: target.id, ...outcome }))
})

// --- internal ---

const statusOrder: ReadonlyArray<TargetStatus> = [
  "written",
  "dispatched",
  "up-to-date",
  "newer",
  "pinned",
  "not-active",
  "disabled",
  "pending",
  "raced",
  "failed"
]
