/** Which steps an event starts, and for the others why not. Pure. */
import type { FlowEvent } from "../event/FlowEvent.ts"
import { toEnvelope } from "../event/normalizeEvent.ts"
import type { CatalogSnapshot, Flow, FlowStep, PayloadIssue, StepPlan } from "../flow/Flow.ts"

/** Why a step matches an event or does not. */
export interface StepExplanation {
  readonly flowName: string
  readonly stepName: string
  readonly matched: boolean
  /** Why it does not match; absent when it does. */
  readonly reason?: string
  /** Where the payload does not fit the trigger's schema. */
  readonly issues: ReadonlyArray<PayloadIssue>
}

/** A step that an event starts. */
export interface StepMatch {
  readonly flow: Flow
  readonly step: FlowStep
}

/** Says for every step of every flow whether the event starts it, in the order in which they would run. */
export const explain = (snapshot: CatalogSnapshot, event: FlowEvent): ReadonlyArray<StepExplanation> =>
  everyStep(snapshot).map((match) => {
    const { flow, step } = match
    const mismatch = mismatchOf(match, event)
    return {
      flowName: flow.name,
      stepName: step.name,
      matched: mismatch === undefined,
      issues: [],
      ...mismatch
    }
  })

/** The steps that the event starts: flow order, then step order. */
export const match = (snapshot: CatalogSnapshot, event: FlowEvent): ReadonlyArray<StepMatch> =>
  everyStep(snapshot).filter(
    (match) => match.step.trigger?.type === event.type && mismatchOf(match, event) === undefined
  )

/** Why nothing matched, in one sentence for a record. */
export const unmatchedReason = (snapshot: CatalogSnapshot, event: FlowEvent): string => {
  const near = explain(snapshot, event).filter(({ issues }) => issues.length > 0)
  const broken =
    snapshot.broken.length === 0
      ? ""
      : ` (${snapshot.broken.length} broken: ${snapshot.broken.map(({ root }) => root).join(", ")})`
  const reasons = near.map(({ flowName, stepName, reason }) => `${flowName}/${stepName}: ${reason}`)
  return reasons.length > 0
    ? `No step matched: ${reasons.join("; ")}`
    : `No step matched: none of ${snapshot.flows.length} flows${broken} has a step for events of type ${event.type}`
}

/**
 * The group whose limit the run counts against: the value at the plan's concurrency key, shared by every step that names
 * the same key; or the step itself when it only limits its own concurrency.
 */
export const concurrencyGroupOf = (
  plan: StepPlan,
  flowName: string,
  stepName: string,
  event: FlowEvent
): string | undefined => {
  if (plan.concurrencyKey !== undefined) {
    return `${plan.concurrencyKey}=${JSON.stringify(resolvePointer(toEnvelope(event), plan.concurrencyKey)) ?? ""}`
  }
  return plan.concurrency === undefined ? undefined : `step=${JSON.stringify([flowName, stepName])}`
}

// --- internal ---

/** A step of the catalog; `shadowed` when one of the same flow and step name comes before it: one run cannot serve both. */
interface ListedStep extends StepMatch {
  readonly shadowed: boolean
}

const everyStep = (snapshot: CatalogSnapshot): ReadonlyArray<ListedStep> => {
  const names = new Set<string>()
  return snapshot.flows.flatMap((flow) =>
    flow.steps.map((step) => {
      const name = JSON.stringify([flow.name, step.name])
      const shadowed = names.has(name)
      names.add(name)
      return { flow, step, shadowed }
    })
  )
}

const mismatchOf = (
  { step: { trigger }, shadowed }: ListedStep,
  event: FlowEvent
): { readonly reason: string; readonly issues?: ReadonlyArray<PayloadIssue> } | undefined => {
  if (shadowed) return { reason: "another step of this flow and step name comes first" }
  if (trigger === undefined) return { reason: "step has no trigger" }
  if (trigger.type !== event.type)
    return { reason: `event type ${event.type} does not match ${trigger.type}` }
  const issues = trigger.check?.(event.payload) ?? []
  if (issues.length === 0) return undefined
  return { reason: issues.map(({ pointer, message }) => `payload${pointer} ${message}`).join("; "), issues }
}

/** RFC 6901. Undefined where the document has nothing. */
const resolvePointer = (document: unknown, pointer: string): unknown =>
  pointer === ""
    ? document
    : pointer
        .slice(1)
        .split("/")
        .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
        .reduce<unknown>(
          (value, token) =>
            typeof value === "object" && value !== null && Object.hasOwn(value, token)
              ? (value as Record<string, unknown>)[token]
              : undefined,
          document
        )
