/**
 * Who may publish what. The operator grants; the maintained repository's `.patchmoi.toml` can only forbid.
 *
 * Publishing needs three things: that the operator opened the gate, that the remote is one of the operator's, and, where the
 * operator asks for it, that somebody approved this very plan. `push = false` and `move_target = false` in the repository
 * take away; nothing in it gives.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectId, type RefName, shortName } from "../GitName.ts"
import type { Restrictions } from "../topology/OperatorPolicy.ts"
import { type PublishPlan, planIdOf } from "./PublishPlan.ts"

/** What the operator says. */
export interface PublishPolicy {
  /** The gate: whether anything may be published. (Default everywhere: no.) */
  readonly publish: boolean
  /** Names of the remotes that may be published to. */
  readonly remotes: ReadonlyArray<string>
  /** Whether the maintained branch may be published over. */
  readonly moveTarget: boolean
  /** Whether a branch may be replaced that holds commits which were not pushed from here. */
  readonly force: boolean
  /** Whether somebody has to approve the plan by its id. */
  readonly approval: "none" | "required"
}

/** Somebody has not given leave, or has forbidden it. Nothing was sent. */
export class PublishForbidden extends Schema.TaggedError<PublishForbidden>("git/PublishForbidden")(
  "PublishForbidden",
  { by: Schema.Literal("operator", "repository"), what: Schema.String }
) {
  override get message(): string {
    return this.by === "operator"
      ? `The operator has not allowed ${this.what}; nothing was sent`
      : `The repository's .patchmoi.toml forbids ${this.what}; nothing was sent`
  }
}

/** The plan has to be approved by its id first. Nothing was sent. */
export class ApprovalMissing extends Schema.TaggedError<ApprovalMissing>("git/ApprovalMissing")(
  "ApprovalMissing",
  {
    plan: Schema.String,
    approved: Schema.NullOr(Schema.String)
  }
) {
  override get message(): string {
    const found = this.approved === null ? "" : `, and ${this.approved} was approved: look at the plan again`
    return `The plan ${this.plan} is not approved${found}; nothing was sent`
  }
}

/** The plan was changed after it was made. Nothing was sent. */
export class PlanAltered extends Schema.TaggedError<PlanAltered>("git/PlanAltered")("PlanAltered", {
  plan: Schema.String
}) {
  override get message(): string {
    return `The plan ${this.plan} is not what was planned under this id; plan again`
  }
}

/** A branch at the remote holds commits that were not pushed from here. Nothing was sent. */
export class ForeignWork extends Schema.TaggedError<ForeignWork>("git/ForeignWork")("ForeignWork", {
  ref: Schema.String,
  found: ObjectId
}) {
  override get message(): string {
    return `${shortName(this.ref)} at the remote is at ${this.found}, which was not pushed from here; look at it, then delete it there or let the operator force`
  }
}

/** Whether the plan may be carried out. `PlanAltered`, `PublishForbidden`, `ApprovalMissing`, `ForeignWork`. */
export const checkPolicy = Effect.fn("PublishPolicy.check")(function* (options: {
  readonly plan: PublishPlan
  readonly policy: PublishPolicy
  readonly restrictions: Restrictions
  /** The full ref of the maintained branch. */
  readonly maintained: RefName
  /** Id of the plan that somebody approved; `null` when nobody did. */
  readonly approved: string | null
}) {
  const { approved, maintained, plan, policy, restrictions } = options
  const forbid = (by: PublishForbidden["by"], what: string) => Effect.fail(new PublishForbidden({ by, what }))
  if (planIdOf(plan) !== plan.id) return yield* new PlanAltered({ plan: plan.id })
  if (!policy.publish) return yield* forbid("operator", "publishing")
  if (!policy.remotes.includes(plan.remote)) return yield* forbid("operator", `publishing to ${plan.remote}`)
  if (restrictions.forbidden.includes("push")) return yield* forbid("repository", "pushing")
  if (plan.refs.some(({ action, ref }) => ref === maintained && action !== "keep")) {
    const what = `moving ${shortName(maintained)}`
    if (!policy.moveTarget) return yield* forbid("operator", what)
    if (restrictions.forbidden.includes("moveTarget")) return yield* forbid("repository", what)
  }
  for (const { expected, foreign, ref } of plan.refs) {
    if (foreign && expected !== null && !policy.force) return yield* new ForeignWork({ ref, found: expected })
  }
  if (policy.approval === "required" && approved !== plan.id) {
    return yield* new ApprovalMissing({ plan: plan.id, approved })
  }
})
