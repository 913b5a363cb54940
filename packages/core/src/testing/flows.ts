/** Flows made in code, for tests. */
import {
  defaultRetryPolicy,
  type Flow,
  type StepPlan,
  stepOutputBytesDefault,
  stepTimeoutMillisDefault
} from "../flow/Flow.ts"

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
