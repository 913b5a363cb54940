/**
 * Publishing the candidate as a release of the fork: each remote in one atomic push, what it overwrites kept there.
 *
 * 1. Only where the operator opens the gate, and only what is whole: every patch carried over, every check passed.
 * 2. Where the operator wants an approval, the run waits for it. What is approved is the plan by its id: when the remote
 *    has moved since, the new plan is asked about.
 * 3. A release tag is the fork's own: never one of upstream's names, never a commit of upstream's.
 */

import { type PublishPlan, planPublish } from "@patchmoi/git/candidate/PublishPlan"
import type { PublishPolicy } from "@patchmoi/git/candidate/PublishPolicy"
import { applyPublish, type PublishOutcome } from "@patchmoi/git/candidate/publishCandidate"
import { shortName } from "@patchmoi/git/GitName"
import * as Effect from "effect/Effect"
import type { FlowContext, FlowResult } from "../step.ts"
import type { Fork } from "./Fork.ts"
import type { MaintainConfig } from "./MaintainConfig.ts"
import type { Progress } from "./Progress.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** What was decided about a question that an earlier attempt asked. */
export type Approval = NonNullable<FlowContext["runtime"]["approval"]>

/** What became of the release at one remote. */
export interface Release {
  readonly remote: string
  /**
   * `published`: every ref is as planned. `waiting`: it wants an approval. `rejected`: somebody said no. `refused`: a rule or
   * the server said no, and nothing moved.
   */
  readonly outcome: "published" | "waiting" | "rejected" | "refused"
  /** The tag, without `refs/tags/`; `null` when none was asked for. */
  readonly tag: string | null
  readonly plan: PublishPlan | null
  readonly outcomes: ReadonlyArray<PublishOutcome>
  readonly message: string | null
}

/** The release tag of an upstream release; `null` for a branch, and where the operator names none. */
export const releaseTagOf = ({ publish_tag }: MaintainConfig, point: UpstreamPoint): string | null =>
  publish_tag === undefined || point.kind !== "release" ? null : publish_tag.replaceAll("<tag>", point.name)

/** The choice that approves a plan, and no other one. */
export const choiceOf = (plan: PublishPlan): string => `publish ${plan.id.slice(0, 12)}`

/** Publishes to each remote. What stands in the way is an outcome; `GitError`, `StaleRef` and the like are of the clone. */
export const releaseCandidate = Effect.fn("Release.release")(function* (
  fork: Fork,
  config: MaintainConfig,
  given: { readonly point: UpstreamPoint; readonly approval: Approval | undefined },
  progress: Progress
) {
  const releases: Array<Release> = []
  for (const remote of fork.pushRemotes) {
    const release = yield* releaseTo(fork, config, { ...given, remote })
    releases.push(release)
    yield* progress(describeRelease(release))
  }
  return releases
})

/**
 * The event that tells the fork's own users of the release: its tag, and the bare version in it. None before every remote
 * has it. Its id is made of package and version, so that telling it again does nothing.
 */
export const followUpOf = (
  { publish_package: packageName }: MaintainConfig,
  releases: ReadonlyArray<Release>
): Pick<FlowResult, "next"> => {
  const tag = releases[0]?.tag ?? null
  if (packageName === undefined || tag === null) return {}
  if (releases.some(({ outcome }) => outcome !== "published")) return {}
  const version = tag.replace(/^v(?=\d)/, "")
  const id = `patch:downstream.release:${packageName}:${version}`
  return { next: [{ id, type: "downstream.release", payload: { packageName, version, tag } }] }
}

/** One release in words. */
export const describeRelease = ({ message, outcome, plan, remote }: Release): string => {
  const refs = plan?.refs.filter(({ action }) => action !== "keep").map(({ ref }) => shortName(ref)) ?? []
  const what = refs.length === 0 ? "nothing new" : refs.join(", ")
  return outcome === "published"
    ? `published ${what} to ${remote}`
    : `not published to ${remote} (${outcome})${message === null ? "" : `: ${message}`}`
}

// --- internal ---

interface Asked {
  readonly point: UpstreamPoint
  readonly approval: Approval | undefined
  readonly remote: string
}

const releaseTo = (fork: Fork, config: MaintainConfig, { approval, point, remote }: Asked) =>
  Effect.gen(function* () {
    const { own, repository, target, upstreamRemote } = fork
    const tag = releaseTagOf(config, point)
    const told = (
      outcome: Release["outcome"],
      plan: PublishPlan | null,
      more: Partial<Pick<Release, "message" | "outcomes">> = {}
    ): Release => ({ remote, outcome, tag, plan, outcomes: [], message: null, ...more })
    const attempt = Effect.gen(function* () {
      const branch = config.publish_branch
      const plan = yield* planPublish({
        repository,
        revision: shortName(point.candidate),
        remote,
        upstreamRemote,
        ...(branch === undefined ? {} : { branch }),
        ...(tag === null ? {} : { tag })
      })
      const isNew = plan.refs.some(({ action }) => action !== "keep")
      const isApproved = approval?.decision === "approved" && approval.choice === choiceOf(plan)
      if (isNew && config.publish_approval && !isApproved) {
        return approval?.decision === "rejected"
          ? told("rejected", plan, { message: approval.comment ?? `by ${approval.by ?? "somebody"}` })
          : told("waiting", plan)
      }
      const policy: PublishPolicy = {
        publish: config.publish,
        remotes: fork.pushRemotes,
        moveTarget: config.move_target,
        force: config.force,
        approval: isNew && config.publish_approval ? "required" : "none"
      }
      const result = yield* applyPublish({
        repository,
        plan,
        policy,
        restrictions: own.restrictions,
        maintained: target.ref,
        approved: plan.id
      })
      const outcomes = result.outcomes
      return result.published
        ? told("published", plan, { outcomes })
        : told("refused", plan, { outcomes, message: outcomes.map(describeOutcome).join("; ") })
    })
    return yield* attempt.pipe(
      Effect.catchAll((error) =>
        error._tag === "GitError" || error._tag === "QuarantineError" || error._tag === "StaleRef"
          ? Effect.fail(error)
          : Effect.succeed(told("refused", null, { message: error.message }))
      )
    )
  })

const describeOutcome = (outcome: PublishOutcome): string => {
  const name = shortName(outcome.ref)
  switch (outcome._tag) {
    case "Pushed":
    case "UpToDate":
      return `${name} is there`
    case "Stale":
      return `${name} moved to ${outcome.actual ?? "nothing"} meanwhile; replay`
    case "Declined":
    case "Unreachable":
      return `${name}: ${outcome.message}`
    case "Withheld":
      return `${name} was held back with the others`
    case "AtomicUnsupported":
      return `${name}: the server has no atomic pushes`
  }
}
