/** Why a good result is not accepted all the same: what it asks for cannot be done. */
import * as Either from "effect/Either"
import type { AttemptOutcome } from "../executor/Executor.ts"
import { approvalRequestOf } from "../run/Approval.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { followUpsOf } from "./FollowUps.ts"

/** The refusal of an outcome, if there is one: its follow-up events are refused, or its question cannot be put. */
export const refusalOf = (
  run: RunDocument,
  outcome: AttemptOutcome,
  now: number
): { readonly refusal?: string } => {
  if (outcome.error !== undefined) return {}
  const checks = Either.all([followUpsOf(run, outcome.result, now), approvalRequestOf(outcome.result)])
  return Either.match(checks, { onLeft: (refusal) => ({ refusal }), onRight: () => ({}) })
}
