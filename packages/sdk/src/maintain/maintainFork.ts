/**
 * Carries a fork's patches over one movement of upstream: fetch, rebuild, check, write the candidate, publish.
 *
 * 1. The user's work tree, index and HEAD are neither read nor written; nothing is rebuilt by halves.
 * 2. What stands in the way is a result (`blocked`, `needs_intervention`, `failed`), never an exception.
 * 3. The same movement again does no work twice: the candidate is there, and its checks have passed.
 */

import { makeProof } from "@patchmoi/git/candidate/CandidateProof"
import { Git } from "@patchmoi/git/Git"
import { makeGitCli } from "@patchmoi/git/GitCli"
import type { ObjectId } from "@patchmoi/git/GitName"
import type { Rebuilt } from "@patchmoi/git/patch/RebuildResult"
import { resolutionCheckNameLengthMax } from "@patchmoi/git/resolution/Resolution"
import { addChecks } from "@patchmoi/git/resolution/ResolutionStore"
import { heldBack, makeResolver, reusedResolutions } from "@patchmoi/git/resolution/Resolver"
import { readUpstreamCommits } from "@patchmoi/git/UpstreamRefs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FlowResult } from "../step.ts"
import { reportConflict } from "./ConflictReport.ts"
import { type Fork, openFork } from "./Fork.ts"
import { checkCandidate, type ForkChecks } from "./ForkChecks.ts"
import { type MaintainConfig, readMaintainConfig } from "./MaintainConfig.ts"
import type { UpstreamMovement } from "./Movement.ts"
import { forecastBranch } from "./Outlook.ts"
import { makeProgress, type Progress } from "./Progress.ts"
import { type Observed, observeRemotes, publish } from "./Publish.ts"
import { recordCandidate } from "./Record.ts"
import { type Approval, followUpOf, releaseCandidate } from "./Release.ts"
import { fitResult, reportOutcome } from "./Report.ts"
import { type CarriedStack, carryStack, resolutionPolicyOf, type StackInputs, trailersOf } from "./Stack.ts"
import { followUpstream } from "./Upstream.ts"

/** Which fork is carried over which movement, and what the operator allows. A step hands on what its context says. */
export interface MaintainForkOptions {
  /** The folder that `repository` and `root` of the config are relative to. Absolute. */
  readonly workspace: string
  readonly movement: UpstreamMovement
  /** The event that tells of it: noted on the candidate, and in its commits where trailers are on. (Default: none.) */
  readonly eventId?: string
  /** Where the log tells of the event: noted on the candidate. (Default: nobody knows.) */
  readonly eventPosition?: number | undefined
  /** What was decided about publishing, when an earlier attempt asked. (Default: nothing.) */
  readonly approval?: Approval | undefined
  /** The fork that the event names, relative to the operator's `root`, in which it must lie. Default: the config's. */
  readonly repository?: string | undefined
  /** The operator's table; see `MaintainConfig`. The gates `CODEX_FLOW_*` of the environment win over it. */
  readonly config?: unknown
  /** Aborting it ends git and the checks, removes the temporary work tree and rejects the promise. */
  readonly signal?: AbortSignal
  /** Called once for each stage. Default: print the line. */
  readonly onProgress?: (line: string) => void
}

/**
 * Maintains the fork and gives the result of a flow's step. docs/reference/maintain-fork.md has its statuses and artifacts.
 *
 * @throws the signal's interruption, and defects. Everything else is a result.
 */
export const maintainFork = (options: MaintainForkOptions): Promise<FlowResult> =>
  Effect.runPromise(maintain(options), options.signal === undefined ? {} : { signal: options.signal })

/** The same as an Effect, for products that are Effect themselves. It brings its own git. */
export const maintain = Effect.fn("MaintainFork.maintain")(function* (options: MaintainForkOptions) {
  const progress = makeProgress(options.onProgress)
  const attempt = Effect.gen(function* () {
    const config = yield* readMaintainConfig(options.config)
    const { repo } = options.movement
    if (config.upstream_repo !== undefined && config.upstream_repo !== repo) {
      return result("skipped", `this flow is for ${config.upstream_repo}, and the event is about ${repo}`)
    }
    const git = yield* makeGitCli()
    return yield* Effect.provideService(carryOver(options, config, progress), Git, git)
  })
  const found: FlowResult = yield* attempt.pipe(
    Effect.catchAll((error) =>
      Effect.succeed(result(faults.includes(error._tag) ? "failed" : "blocked", error.message))
    )
  )
  yield* progress(`${found.status}: ${found.message ?? ""}`)
  return fitResult(found)
})

// --- internal ---

/** What went wrong here and now. Every other error names something outside that has to happen first. */
const faults: ReadonlyArray<string> = ["GitError", "QuarantineError", "UnreadableCommit", "CheckNotStarted"]

const result = (status: FlowResult["status"], message: string): FlowResult => ({
  status,
  message,
  artifacts: { candidateRefs: [] }
})

const carryOver = (options: MaintainForkOptions, config: MaintainConfig, progress: Progress) =>
  Effect.gen(function* () {
    const place = { workspace: options.workspace, repository: options.repository }
    const fork = yield* openFork(place, config)
    yield* progress(
      `fork ${fork.repository.directory}, patches under ${fork.patchPrefix}: ${fork.patches.length}`
    )
    const point = yield* followUpstream(fork, options.movement, progress)
    const upstream = yield* upstreamCommits(fork)
    if (point.kind === "branch" && config.forecast_branches) {
      const resolver = makeResolver({ repository: fork.repository, policy: resolutionPolicyOf(config) })
      return yield* forecastBranch(fork, { point, upstream, resolver }, progress)
    }
    const { policy, target } = fork
    // Looked at before the long part: whoever pushes meanwhile is noticed by the lease.
    const refs = [point.candidate, ...(policy.moveTarget ? [target.ref] : [])]
    const observed = policy.push && config.commit ? yield* observeRemotes(fork, refs) : []
    const inputs: StackInputs = { point, upstream, trailers: trailersOf(config, options.eventId) }
    const stack = yield* carryStack(fork, config, inputs, progress)
    const { result: rebuilt } = stack
    if (rebuilt._tag === "Conflicted") return yield* reportConflict({ fork, point, upstream, stack }, rebuilt)
    const { approval, eventId, eventPosition } = options
    return yield* finish({
      ...{ fork, config, inputs, eventId, eventPosition, approval },
      ...{ stack, rebuilt, observed, progress }
    })
  })

const upstreamCommits = (fork: Fork) =>
  fork.upstreamRemote === null
    ? Effect.succeed<ReadonlyArray<ObjectId>>([])
    : readUpstreamCommits({ repository: fork.repository, remote: fork.upstreamRemote })

interface Finish {
  readonly fork: Fork
  readonly config: MaintainConfig
  readonly inputs: StackInputs
  readonly eventId: string | undefined
  readonly eventPosition: number | undefined
  readonly approval: Approval | undefined
  readonly stack: CarriedStack
  readonly rebuilt: Rebuilt
  readonly observed: ReadonlyArray<Observed>
  readonly progress: Progress
}

/**
 * Checks, writes and publishes what was rebuilt. A commit that fails its checks, or that lacks a patch which is wanted, is
 * written, and neither moved nor pushed.
 */
const finish = (given: Finish) =>
  Effect.gen(function* () {
    const { approval, config, fork, inputs, observed, progress, rebuilt, stack } = given
    const { point } = inputs
    const checks = yield* checkCandidate(fork, config, rebuilt, progress)
    if (!config.commit) {
      yield* progress(`commit is off: ${point.candidate} is not written`)
      const nothing = { held: [], record: null, publications: [], releases: [] }
      return reportOutcome(fork, point, { stack, rebuilt, checks, ...nothing })
    }
    if (checks.passed) yield* creditResolutions(given, checks)
    const held = heldBack(rebuilt, resolutionPolicyOf(config))
    const isWhole = checks.passed && rebuilt.skipped.length === 0 && held.length === 0
    const moveTarget = fork.policy.moveTarget && isWhole
    const proof = yield* proofOf(given, checks)
    const record = yield* recordCandidate(fork, point, { tip: rebuilt.tip, moveTarget, proof }, progress)
    const branches = [record.candidate, ...(record.target === null ? [] : [record.target])]
    const publications = isWhole
      ? yield* publish(fork, branches, { observed, force: config.force }, progress)
      : []
    const releases =
      isWhole && config.publish ? yield* releaseCandidate(fork, config, { point, approval }, progress) : []
    const wantsMore = config.push || config.publish || config.move_target
    const outcome = { held: wantsMore ? held : [], record, publications, releases }
    const found = reportOutcome(fork, point, { stack, rebuilt, checks, ...outcome })
    return { ...found, ...followUpOf(config, releases) }
  })

/** Notes on the resolutions that were used which checks passed with them. One that cannot be noted holds nothing up. */
const creditResolutions = ({ fork, progress, rebuilt }: Finish, { results }: ForkChecks) =>
  Effect.gen(function* () {
    const ids = [...new Set(reusedResolutions(rebuilt).map(({ resolution }) => resolution))]
    if (ids.length === 0 || results.length === 0) return
    const date = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const passed = results.map(({ command }) => ({
      name: command.slice(0, resolutionCheckNameLengthMax),
      tree: rebuilt.tree,
      date
    }))
    const author = { name: "patchmoi", email: "patchmoi@localhost" }
    yield* addChecks({ repository: fork.repository, ids, checks: passed, author, date })
  }).pipe(Effect.catchAll((error) => progress(`checks were not noted on resolutions: ${error.message}`)))

/** What the candidate was made of, for whoever wants to build it again. */
const proofOf = ({ config, eventId, eventPosition, fork, inputs, rebuilt }: Finish, checks: ForkChecks) =>
  makeProof({
    repository: fork.repository,
    tag: inputs.point.name,
    rebuilt,
    patches: fork.patches,
    upstream: inputs.upstream,
    keepGoing: config.keep_going,
    ...(inputs.trailers === undefined ? {} : { trailers: inputs.trailers }),
    ...(checks.told === undefined ? {} : { checks: checks.told }),
    ...(eventId === undefined ? {} : { event: eventId }),
    ...(eventPosition === undefined ? {} : { position: eventPosition })
  })
