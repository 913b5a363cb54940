/** What follows a publication: the version is written into every repository that builds with the fork. */

import { attention, good, insist, tell } from "@patchmoi/example-rehearsal/narrator"
import { type CascadeReport, cascade, summaryOf } from "@patchmoi/sdk/cascade"
import type { Places } from "./places.ts"

/** Plans, applies, and tells what became of the targets. */
export const cascadeTo = async ({ cascadeFile }: Places, version: string): Promise<CascadeReport> => {
  const plan = await cascade.plan({ config: cascadeFile, version })
  const report = await cascade.apply(plan)
  const show = report.status === "completed" ? good : attention
  show(`cascade of ${version}: ${summaryOf(report.outcomes)}`)
  for (const { next, reason, status, target } of report.outcomes) {
    if (status === "failed") tell(`${nameOf(target.url)} failed: ${reason} ${next}`)
    if (status === "pinned") tell(`${nameOf(target.url)} is left alone: ${reason}`)
  }
  insist(report.status !== "failed", `the cascade of ${version} did not reach everybody`)
  return report
}

/** How many targets have a status. */
export const countOf = (report: CascadeReport, status: CascadeReport["outcomes"][number]["status"]): number =>
  report.outcomes.filter((outcome) => outcome.status === status).length

// --- internal ---

const nameOf = (url: string): string => url.replace(/^.*\//, "").replace(/\.git$/, "")
