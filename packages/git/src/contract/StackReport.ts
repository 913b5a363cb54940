/** What can be said about the patches of a stack before anything is rebuilt: contracts, scopes, and patches that no rebuild takes. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ObjectId } from "../GitName.ts"
import { planPatches } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { readUpstreamCommits } from "../UpstreamRefs.ts"
import { ContractIssue } from "./ContractIssue.ts"
import { inspectContracts } from "./PatchContract.ts"
import { checkScopes, ScopeIssue } from "./Scope.ts"

/** What is wrong with a stack, by `inspectStack`. No `problem` and empty lists: nothing is, or there was nothing to compare. */
export const StackReport = Schema.Struct({
  /** Why no rebuild can take the stack, such as a merge commit in a patch; `null` when it can. */
  problem: Schema.NullOr(Schema.String),
  /** What is wrong with the contracts themselves. */
  issues: Schema.Array(ContractIssue),
  /** Where patches and the scopes of their contracts do not fit. */
  scopes: Schema.Array(ScopeIssue)
})
export type StackReport = typeof StackReport.Type

/**
 * Reads the contracts of the topology's patches and compares them with what the patches do. Without an upstream commit
 * or without patches there is nothing to compare, and the report is empty. `GitError` when git fails.
 */
export const inspectStack = Effect.fn("StackReport.inspect")(function* (options: {
  readonly repository: Repository
  readonly topology: Topology
}) {
  const { repository, topology } = options
  const onto = topology.upstream.commit
  if (onto === null || topology.patches.length === 0) return emptyReport
  const upstream = yield* boundsOf({ repository, topology, onto })
  const planned = yield* planPatches({ repository, upstream, patches: topology.patches }).pipe(
    Effect.catchTags({
      MergeCommitInPatch: ({ message }) => Effect.succeed(message),
      PatchWithoutBase: ({ message }) => Effect.succeed(message),
      StackTooLong: ({ message }) => Effect.succeed(message)
    })
  )
  if (typeof planned === "string") return { ...emptyReport, problem: planned }
  const { contracts, issues } = yield* inspectContracts({ repository, patches: planned })
  const scopes = yield* checkScopes({ repository, upstream: onto, patches: planned, contracts })
  const report: StackReport = { problem: null, issues, scopes }
  return report
})

/** The commits that bound the patches from below: upstream's branch, and all else that is known to be upstream's. */
export const boundsOf = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly topology: Topology
  readonly onto: ObjectId
}) {
  const { repository, topology, onto } = options
  const remote = topology.upstreamRemote
  const known = remote === null ? [] : yield* readUpstreamCommits({ repository, remote })
  return [...new Set([onto, ...known])]
})

// --- internal ---

const emptyReport: StackReport = { problem: null, issues: [], scopes: [] }
