/** A cascade as a step hands it over, within the bounds of a result. */
import type { PlannedTarget } from "@patchmoi/core/cascade/CascadeFact"
import { type CascadeArtifact, reasonLengthMax } from "@patchmoi/core/cascade/cascadeArtifact"
import type { CascadePlan } from "@patchmoi/git/cascade/CascadePlan"
import type { CascadeReport } from "@patchmoi/git/cascade/CascadeReport"

/** Characters of all reasons in one result. Beyond that reasons are left out: the targets and their outcomes never are. */
export const reasonsLengthMax = 300_000

/** The targets of a plan as the record keeps them. */
export const plannedTargets = (plan: CascadePlan): ReadonlyArray<PlannedTarget> =>
  plan.entries.map(({ code, how, intent, reason, target }) => ({
    target: target.id,
    intent,
    how,
    ...(code === null ? {} : { code }),
    ...(reason === "" ? {} : { reason: reason.slice(0, reasonLengthMax) })
  }))

/** What a step puts into `artifacts.cascade`. */
export const artifactOf = (plan: CascadePlan, report: CascadeReport): CascadeArtifact => {
  let left = reasonsLengthMax
  const fits = (reason: string | undefined): boolean => {
    left -= reason?.length ?? 0
    return left >= 0
  }
  return {
    name: report.name,
    version: report.version,
    file: report.file,
    targets: plannedTargets(plan).map(({ reason, ...target }) =>
      reason === undefined || !fits(reason) ? target : { ...target, reason }
    ),
    tries: report.outcomes
      .flatMap(({ tries }) => tries)
      .map(({ reason, ...tried }) => (reason === undefined || !fits(reason) ? tried : { ...tried, reason })),
    finished: true
  }
}
