/** Flows made in code, for tests. */
import {
  defaultRetryPolicy,
  type Flow,
  type StepPlan,
  stepOutputBytesDefault,
  stepTimeoutMillisDefault
} from "../flow/Flow.ts"
import { EventId } from "../Ids.ts"
import type { RunQueued } from "../run/RunFact.ts"

/** A plan with the defaults of a manifest; the script stands for itself. */
export const stepPlan = (script: string, overrides: Partial<StepPlan> = {}): StepPlan => ({
  runner: "bun",
  script,
  cwd: "/",
  timeoutMillis: stepTimeoutMillisDefault,
  outputBytesMax: stepOutputBytesDefault,
  retry: defaultRetryPolicy,
  priority: 0,
  env: [],
  ...overrides
})

/** A flow with one step, which events of this type start. */
export const singleStepFlow = (name: string, type: string, overrides: Partial<StepPlan> = {}): Flow => ({
  name,
  version: 1,
  root: `/flows/${name}`,
  steps: [{ name: "step", plan: stepPlan(`${name}.ts`, overrides), trigger: { type } }],
  warnings: []
})

/** The fact with which a run of one step begins. */
export const runQueued = (plan: StepPlan = stepPlan("s.ts")): typeof RunQueued.Type => ({
  _tag: "RunQueued",
  eventId: EventId.make("e1"),
  eventType: "t",
  flowName: "f",
  flowVersion: 1,
  flowRoot: "/f",
  stepName: "s",
  generation: 0,
  depth: 0,
  plan
})
