/** What stands between a repository and a rebuild, in words that say what to do. Pure. */
import * as Schema from "effect/Schema"
import { formatContractIssue } from "../contract/ContractIssue.ts"
import type { ScopeIssue } from "../contract/Scope.ts"
import type { StackReport } from "../contract/StackReport.ts"
import { shortName } from "../GitName.ts"
import type { StaleQuarantine } from "../patch/StaleQuarantines.ts"
import type { Topology } from "./Topology.ts"

/** One thing to put right. */
export const DoctorIssue = Schema.Struct({
  code: Schema.Literal(
    "missing-fork-remote",
    "missing-upstream-remote",
    "missing-upstream-ref",
    "missing-target-branch",
    "no-patch-branches",
    "dirty-work-tree",
    "unusable-patch",
    "contract-invalid",
    "stale-scope",
    "outside-scope",
    "contract-in-patch",
    "stale-quarantine"
  ),
  /** False for what a rebuild can live with: it needs no clean work tree. */
  blocks: Schema.Boolean,
  message: Schema.String
})
export type DoctorIssue = typeof DoctorIssue.Type

/** The diagnosis. `ready` means: no issue at all, as in the predecessor. `canRebuild` means: none that blocks. */
export const Diagnosis = Schema.Struct({
  ready: Schema.Boolean,
  canRebuild: Schema.Boolean,
  issues: Schema.Array(DoctorIssue)
})
export type Diagnosis = typeof Diagnosis.Type

/** Names every issue of a topology, with the report on its stack also those of the patches, and what rebuilds left behind. */
export const doctor = (
  topology: Topology,
  stack?: StackReport,
  staleQuarantines: ReadonlyArray<StaleQuarantine> = []
): Diagnosis => {
  const issues: Array<DoctorIssue> = []
  const add = (code: DoctorIssue["code"], blocks: boolean, message: string) =>
    issues.push({ code, blocks, message })
  const { wanted } = topology
  if (topology.forkRemote === null) {
    add(
      "missing-fork-remote",
      false,
      `no remote "${wanted.forkRemote}"; add it: git remote add ${wanted.forkRemote} <url of the fork>`
    )
  }
  if (topology.upstreamRemote === null) {
    const hint = `git remote add ${wanted.upstreamRemote} <url of upstream>`
    add("missing-upstream-remote", true, `no remote "${wanted.upstreamRemote}"; add it: ${hint}`)
  }
  if (topology.upstream.commit === null) {
    const branch = shortName(topology.upstream.ref).slice(wanted.upstreamRemote.length + 1)
    const hint = `git fetch ${wanted.upstreamRemote} ${branch}`
    add(
      "missing-upstream-ref",
      true,
      `${shortName(topology.upstream.ref)} is not known here; fetch it: ${hint}`
    )
  }
  if (topology.target.commit === null) {
    const branch = shortName(topology.target.ref)
    add(
      "missing-target-branch",
      true,
      `the maintained branch "${branch}" does not exist; create it: git branch ${branch}`
    )
  }
  if (topology.patches.length === 0) {
    add(
      "no-patch-branches",
      true,
      `no branch begins with "${topology.patchPrefix}"; there is nothing to carry over`
    )
  }
  if (topology.workTree === "dirty") {
    add("dirty-work-tree", false, "the work tree has uncommitted changes; a rebuild leaves them as they are")
  }
  if (stack !== undefined) addStackIssues(stack, add)
  const left = staleQuarantines.length
  if (left > 0) {
    const folders = left === 1 ? "1 folder" : `${left} folders`
    const hint = "remove them: patchmoi patch doctor --sweep"
    add("stale-quarantine", false, `stopped rebuilds left ${folders} of objects behind; ${hint}`)
  }
  return { ready: issues.length === 0, canRebuild: issues.every((issue) => !issue.blocks), issues }
}

// --- internal ---

type Add = (code: DoctorIssue["code"], blocks: boolean, message: string) => void

const addStackIssues = (stack: StackReport, add: Add): void => {
  if (stack.problem !== null) add("unusable-patch", true, stack.problem)
  for (const issue of stack.issues) add("contract-invalid", false, formatContractIssue(issue))
  for (const issue of stack.scopes) add(issue.kind, false, scopeText(issue))
}

const scopeText = ({ patch, kind, glob, paths, pathsOmitted }: ScopeIssue): string => {
  const more = pathsOmitted === 0 ? "" : ` and ${pathsOmitted} more`
  switch (kind) {
    case "stale-scope":
      return `${patch}: the scope ${JSON.stringify(glob)} meets no path of the patch and none of upstream; write the scope anew`
    case "outside-scope":
      return `${patch} changes ${paths.join(", ")}${more} outside its scope; widen the scope, or split the patch (patchmoi patch split)`
    case "contract-in-patch":
      return `${patch} brings ${paths.join(", ")}, which would be shipped with the fork; keep it on the branch "patch-contracts"`
  }
}
