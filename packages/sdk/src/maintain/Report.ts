/** What the step hands back: one sentence for the operator, and artifacts that hold everything. Bounded as a whole. */

import { flowResultLengthMax } from "@patchmoi/core/executor/FlowResultLine"
import { verdictsArtifact } from "@patchmoi/git/forecast/ledger"
import { shortName } from "@patchmoi/git/GitName"
import type { LandedVerdicts } from "@patchmoi/git/landed/findLanded"
import { leavesOut } from "@patchmoi/git/landed/LandedVerdict"
import type { AppliedPatch, DroppedPatch, Rebuilt, SkippedPatch } from "@patchmoi/git/patch/RebuildResult"
import { type ReusedResolution, reusedResolutions } from "@patchmoi/git/resolution/Resolver"
import { repositoryIdOf } from "@patchmoi/git/topology/RepositoryId"
import type { CandidateRef, FlowResult } from "../step.ts"
import { type Fork, repositoryNameOf } from "./Fork.ts"
import { describeBlame, describeCheck, type ForkChecks } from "./ForkChecks.ts"
import { fitConflict } from "./fitConflict.ts"
import { isPublished, type Publication } from "./Publish.ts"
import type { ForkRecord } from "./Record.ts"
import { choiceOf, describeRelease, type Release } from "./Release.ts"
import type { CarriedStack } from "./Stack.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** Commits that the artifacts list, over all patches; the others are counted. */
export const commitsListedMax = 1_000

/** Longest result, as JSON, in UTF-16 units: what a step may print, less some room. */
const resultLengthMax = flowResultLengthMax - 16 * 1024

/** Longest message, in UTF-16 units. */
const messageLengthMax = 8_000

/** The end of a failing check's output that the message quotes, in UTF-16 units. */
const outputQuotedMax = 1_500

/** Longest conflict record of one skipped patch, as JSON, in UTF-16 units. */
const skippedConflictLengthMax = 64 * 1024

/** Paths that the message names for one patch; the record has them all. */
const pathsNamedMax = 5

/** Longest question about publishing, in UTF-16 units. */
const approvalPromptLengthMax = 2_000

/** Everything that happened after the rebuild. */
export interface Outcome {
  readonly stack: CarriedStack
  readonly rebuilt: Rebuilt
  readonly checks: ForkChecks
  /** The reused resolutions that keep it from being moved and pushed, where that is wanted. */
  readonly held: ReadonlyArray<ReusedResolution>
  /** `null` when the operator turned `commit` off. */
  readonly record: ForkRecord | null
  readonly publications: ReadonlyArray<Publication>
  readonly releases: ReadonlyArray<Release>
}

/** The result of a rebuild without a conflict. */
export const reportOutcome = (fork: Fork, point: UpstreamPoint, outcome: Outcome): FlowResult => {
  const { checks, held, publications, rebuilt, record, releases, stack } = outcome
  const unpublished = publications.filter((each) => !isPublished(each))
  const isChanged = [record?.candidate, record?.target].some(
    (ref) => ref !== undefined && ref !== null && ref.outcome !== "already there"
  )
  const status = !checks.passed
    ? checks.failing?.verdict === "failed-upstream-too"
      ? "blocked"
      : "failed"
    : rebuilt.skipped.length > 0 || held.length > 0
      ? "needs_intervention"
      : unpublished.length > 0 ||
          releases.some(({ outcome: found }) => found !== "published") ||
          (record?.notMoved ?? null) !== null
        ? "blocked"
        : isChanged || publications.some((each) => each.outcome === "pushed") || releases.some(isNewRelease)
          ? "changed"
          : "completed"
  return {
    status,
    message: [stackSentence(point, rebuilt, stack.verdicts), ...outcomeSentences(point, outcome)].join("; "),
    artifacts: {
      ...artifactsOf(fork, point, stack),
      ...(rebuilt.skipped.length === 0 ? {} : { skipped: rebuilt.skipped.map(fitSkipped) }),
      candidate: rebuilt.tip,
      candidateRefs: candidateRefsOf(fork, outcome),
      checks: checks.results,
      checksPassedBefore: checks.passedBefore,
      pushes: publications,
      ...(releases.length === 0 ? {} : { releases }),
      ...approvalOf(releases),
      ...(record?.target ? { target: record.target } : {}),
      ...(record?.backup ? { backup: record.backup } : {})
    }
  }
}

/**
 * The result, short enough for a step to print: `flowResultLengthMax` is the bound. Of one that is too long the longest
 * lists are left out, and `omitted` names them; the refs, the commit and the status always stay.
 */
export const fitResult = (result: FlowResult, lengthMax: number = resultLengthMax): FlowResult => {
  let fitted: FlowResult = { ...result, message: result.message?.slice(0, messageLengthMax) ?? "" }
  const omitted: Array<string> = []
  for (const name of [
    "checks",
    "dropped",
    "verdicts",
    "applied",
    "pushes",
    "skipped",
    "conflict",
    "remaining"
  ]) {
    if (JSON.stringify(fitted).length <= lengthMax) return fitted
    const { [name]: left, ...artifacts } = fitted.artifacts ?? {}
    if (left === undefined) continue
    omitted.push(name)
    fitted = { ...fitted, artifacts: { ...artifacts, omitted } }
  }
  return fitted
}

/** What every result tells of the rebuild. */
export const artifactsOf = (
  fork: Fork,
  point: UpstreamPoint,
  { result: rebuilt, verdicts }: CarriedStack
) => ({
  repository: fork.repository.directory,
  upstream: {
    ...(point.kind === "release" ? { tag: point.name } : { branch: point.name }),
    commit: point.commit
  },
  base: rebuilt.onto,
  ...listedPatches(rebuilt.applied),
  dropped: rebuilt.dropped.map((patch) => ({ ...patch, evidence: evidenceOf(patch, verdicts) })),
  verdicts: verdictsArtifact(
    { repository: repositoryIdOf(fork.topology), onto: rebuilt.onto, ontoName: point.name },
    verdicts
  )
})

// --- internal ---

const stackSentence = (
  point: UpstreamPoint,
  { applied, dropped, skipped }: Rebuilt,
  verdicts: LandedVerdicts
): string => {
  const left = dropped.length === 0 ? "" : `, ${dropped.length} left out (${dropped.map(nameOf).join(", ")})`
  // Worth a look: git could not merge these, and nobody was asked.
  const paths = new Set(applied.flatMap(({ commits }) => commits.flatMap((commit) => commit.structured)))
  const byValue = paths.size === 0 ? "" : `, with ${[...paths].join(", ")} merged by value`
  const reused = reusedResolutions({ applied })
  const known = reused.length === 0 ? "" : `; resolved as before: ${reused.map(reusedSentence).join(", ")}`
  const asked = [...verdicts.values()].filter((verdict) => !leavesOut(verdict)).map(({ patch }) => patch)
  const asks = asked.length === 0 ? "" : `; look at ${asked.join(", ")}: upstream has it in another form`
  const missing = skipped.length === 0 ? "" : `; not carried over: ${skipped.map(skippedSentence).join(", ")}`
  return `${count(applied.length, "patch", "patches")} carried over to ${point.name}${left}${byValue}${known}${asks}${missing}`
}

const reusedSentence = ({ patch, path, resolution }: ReusedResolution): string =>
  `${path} of ${patch} (resolution ${resolution.slice(0, 12)})`

const skippedSentence = (skipped: SkippedPatch): string =>
  skipped.reason === "conflict"
    ? `${skipped.patch} (conflicts in ${skipped.conflict.files
        .slice(0, pathsNamedMax)
        .map((file) => file.path)
        .join(" and ")})`
    : `${skipped.patch} (depends on ${skipped.on})`

/** The record of a skipped patch, with marked texts cut: several conflicts have to fit into one result. */
const fitSkipped = (skipped: SkippedPatch): SkippedPatch =>
  skipped.reason === "conflict"
    ? { ...skipped, conflict: fitConflict(skipped.conflict, skippedConflictLengthMax) }
    : skipped

const outcomeSentences = (point: UpstreamPoint, outcome: Outcome): ReadonlyArray<string> => {
  const { checks, held, publications, rebuilt, record, releases } = outcome
  const { failing } = checks
  const blame = failing === null ? null : describeBlame(failing)
  const candidate = shortName(point.candidate)
  const written =
    record === null
      ? `commit is off, so ${candidate} was not written; it would be ${rebuilt.tip}`
      : record.candidate.outcome === "already there"
        ? `${candidate} was there already`
        : `${candidate} is at ${rebuilt.tip}`
  const moved = record?.target && `${record.target.name} ${record.target.outcome}`
  return [
    ...(failing === null ? [] : [`check ${describeCheck(failing)}`]),
    ...(blame === null ? [] : [blame]),
    written,
    ...(moved ? [moved] : []),
    ...(record?.notMoved ? [record.notMoved] : []),
    ...publications.map(publicationSentence),
    ...releases.map(describeRelease),
    ...(failing === null
      ? rebuilt.skipped.length === 0 && held.length === 0
        ? []
        : ["nothing was moved or pushed"]
      : [
          `nothing was moved or pushed; the check's output ends: ${failing.output.slice(-outputQuotedMax).trim()}`
        ])
  ]
}

/** The question that a waiting release asks: what would be published where, and one choice for each plan. */
const approvalOf = (releases: ReadonlyArray<Release>) => {
  const plans = releases.flatMap(({ outcome, plan }) =>
    outcome === "waiting" && plan !== null ? [plan] : []
  )
  if (plans.length === 0) return {}
  const lines = plans.map((plan) => {
    const refs = plan.refs.filter(({ action }) => action !== "keep")
    const what = refs.map(
      ({ next, overwrites, ref }) => `${shortName(ref)} ${overwrites ? "over to" : "to"} ${next}`
    )
    return `${choiceOf(plan)}: at ${plan.remote}, ${what.join(", ")}`
  })
  const prompt = `Publish? ${lines.join("; ")}`.slice(0, approvalPromptLengthMax)
  return { approval: { prompt, choices: plans.map(choiceOf) } }
}

const isNewRelease = ({ outcome, outcomes }: Release): boolean =>
  outcome === "published" && outcomes.some(({ _tag }) => _tag === "Pushed")

const publicationSentence = ({ message, outcome, ref, remote }: Publication): string => {
  const what = `${shortName(ref)} at ${remote}`
  if (outcome === "pushed") return `${shortName(ref)} pushed to ${remote}`
  return message === null ? `${what} is ${outcome}` : `${what} was not pushed (${outcome}): ${message}`
}

const candidateRefsOf = (
  fork: Fork,
  { publications, rebuilt, record }: Outcome
): ReadonlyArray<CandidateRef> => {
  if (record === null) return []
  const { ref } = record.candidate
  const shared = { kind: "branch", ref, sha: rebuilt.tip }
  const pushed = publications.filter((each) => each.ref === ref && isPublished(each))
  return [
    { ...shared, repo: fork.topology.name, remote: "local", pushed: pushed.length > 0 },
    ...pushed.map(({ remote }) => ({ ...shared, repo: repositoryNameOf(fork, remote), remote, pushed: true }))
  ]
}

/** The applied patches, with at most {@link commitsListedMax} commits. */
const listedPatches = (applied: ReadonlyArray<AppliedPatch>) => {
  let left = commitsListedMax
  const listed = applied.map(({ commits, empty, patch, tip }) => {
    const shown = commits.slice(0, left)
    left -= shown.length
    return { patch, tip, commits: shown, commitCount: commits.length, emptyCount: empty.length }
  })
  return { applied: listed }
}

const evidenceOf = ({ empty, patch, reason }: DroppedPatch, verdicts: LandedVerdicts): string => {
  const seen = verdicts.get(patch)?.evidence[0]
  if (seen !== undefined && reason !== "empty" && reason !== "no-commits") {
    return seen.upstream === null ? seen.detail : `${seen.detail} (${seen.upstream})`
  }
  return reason === "empty"
    ? `${count(empty.length, "commit", "commits")} of ${patch} change nothing on the new base: the tree stays ${empty[0]?.tree ?? "as it is"}`
    : `every commit of ${patch} is upstream's already, or a patch's before it`
}

const nameOf = ({ patch, reason }: DroppedPatch): string => `${patch}: ${reason}`

const count = (many: number, one: string, more: string): string => `${many} ${many === 1 ? one : more}`
