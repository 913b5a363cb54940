/**
 * An executor without processes: a step is a function. For tests under `TestClock` and for products that try their flows
 * in memory. It keeps the promises of the port: time-outs, interruption, output in order.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FlowResult } from "../flow/FlowResult.ts"
import {
  type AttemptOutcome,
  Executor,
  type ExecutorError,
  type OutputChunk,
  type StepInvocation
} from "./Executor.ts"

/** A step as a function: what it prints goes to `print`. */
export type MemoryStep = (
  invocation: StepInvocation,
  print: (chunk: OutputChunk) => Effect.Effect<void>
) => Effect.Effect<AttemptOutcome, ExecutorError>

/** An executor for runner `bun` whose scripts are the functions under their paths. */
export const layer = (steps: Readonly<Record<string, MemoryStep>>): Layer.Layer<Executor> =>
  Layer.succeed(Executor, {
    runners: ["bun"],
    execute: (invocation, { onOutput }) => {
      const { script, timeoutMillis } = invocation.plan
      const step = steps[script] ?? (() => Effect.succeed(missing(script)))
      return Effect.timeoutTo(step(invocation, onOutput), {
        duration: timeoutMillis,
        onSuccess: (outcome) => outcome,
        onTimeout: () => timedOut(timeoutMillis)
      })
    }
  })

/** The outcome of a step that printed this result and ended with code 0. */
export const succeeded = (result: FlowResult): AttemptOutcome => ({
  exit: { _tag: "ExitCode", code: 0 },
  result
})

/** The outcome of a step that ended with this code and printed no result. */
export const exited = (code: number): AttemptOutcome => ({
  exit: { _tag: "ExitCode", code },
  error: `The step exited with code ${code}`
})

// --- internal ---

const missing = (script: string): AttemptOutcome => ({
  exit: { _tag: "NotStarted", reason: `no step at ${script}` },
  error: `There is no step at ${script}`
})

const timedOut = (timeoutMillis: number): AttemptOutcome => ({
  exit: { _tag: "Timeout", timeoutMillis },
  error: `The step did not end within ${timeoutMillis} ms`
})
