/** What stands between a repository and a rebuild, in words that say what to do. Pure. */
import * as Schema from "effect/Schema"
import { shortName } from "../GitName.ts"
import type { Topology } from "./Topology.ts"

/** One thing to put right. */
export const DoctorIssue = Schema.Struct({
  code: Schema.Literal(
    "missing-fork-remote",
    "missing-upstream-remote",
    "missing-upstream-ref",
    "missing-target-branch",
    "no-patch-branches",
    "dirty-work-tree"
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

/** Names every issue of a topology. */
export const doctor = (topology: Topology): Diagnosis => {
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
  return { ready: issues.length === 0, canRebuild: issues.every((issue) => !issue.blocks), issues }
}
