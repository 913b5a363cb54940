/**
 * Git for patchmoi: reading a fork's topology, carrying its patch stack over, recording and publishing the result.
 *
 * Start with `Repository.openRepository`, then `Topology.discoverTopology`, `Rebuild.rebuild`, `Candidate.writeCandidate`.
 * Everything needs the service `Git`; `GitCli.layerGitCli` provides it.
 */

export * as Candidate from "./candidate/Candidate.ts"
export * as CascadeConfig from "./cascade/CascadeConfig.ts"
export * as CascadeVersion from "./cascade/CascadeVersion.ts"
export * as ResolveVersion from "./cascade/ResolveVersion.ts"
export * as ReadCascadeConfig from "./cascade/readConfig.ts"
export * as TargetList from "./cascade/TargetList.ts"
export * as TargetUrl from "./cascade/TargetUrl.ts"
export * as Checks from "./check/Checks.ts"
export * as Git from "./Git.ts"
export * as GitCli from "./GitCli.ts"
export * as GitName from "./GitName.ts"
export * as LandedVerdict from "./landed/LandedVerdict.ts"
export * as Push from "./Push.ts"
export * as Conflict from "./patch/Conflict.ts"
export * as PatchPlan from "./patch/PatchPlan.ts"
export * as Rebuild from "./patch/Rebuild.ts"
export * as RebuildResult from "./patch/RebuildResult.ts"
export * as RebuildTarget from "./RebuildTarget.ts"
export * as RefTransaction from "./RefTransaction.ts"
export * as Remote from "./Remote.ts"
export * as Repository from "./Repository.ts"
export * as ConfigIssue from "./topology/ConfigIssue.ts"
export * as Doctor from "./topology/Doctor.ts"
export * as OperatorPolicy from "./topology/OperatorPolicy.ts"
export * as PatchList from "./topology/PatchList.ts"
export * as PatchmoiConfig from "./topology/PatchmoiConfig.ts"
export * as Topology from "./topology/Topology.ts"
export * as CommitView from "./transport/CommitView.ts"
export * as GitTransport from "./transport/GitTransport.ts"
export * as TransportError from "./transport/TransportError.ts"
export * as UpstreamRefs from "./UpstreamRefs.ts"
export * as Worktree from "./Worktree.ts"
