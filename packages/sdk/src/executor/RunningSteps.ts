/**
 * The steps that run in this process now, and how to end them at once: for a program that leaves without a stop. What a stop
 * does in its time is the executors' own.
 */
import type { Executor, ProcessIdentity } from "@patchmoi/core/executor/Executor"
import * as Effect from "effect/Effect"
import { signalGroup } from "./processGroup.ts"
import type { StepEnvironment } from "./StepEnvironment.ts"

/** Made by whoever has to end steps; told by the executor that is watched. */
export class RunningSteps {
  readonly #ends = new Set<() => void>()

  /** Registers how a step is ended at once, without waiting. Gives what takes it out again. */
  add(end: () => void): () => void {
    this.#ends.add(end)
    return () => void this.#ends.delete(end)
  }

  /** Ends every step that runs: SIGKILL to its process group, or to its unit of systemd. Their attempts stay open in the record. */
  readonly kill = (): void => {
    for (const end of this.#ends) end()
  }
}

/** The same executor, whose steps are known to `steps` from their start to their end. `values`: the variables that find systemd's user manager. */
export const watchedBy =
  (steps: RunningSteps, values: StepEnvironment["values"]) =>
  (executor: Executor["Type"]): Executor["Type"] => ({
    ...executor,
    execute: (invocation, handlers) =>
      Effect.suspend(() => {
        let forget = (): void => undefined
        const onStarted = (process: ProcessIdentity) =>
          Effect.flatMap(endingOf(process, values), (end) => {
            forget = steps.add(end)
            return handlers.onStarted?.(process) ?? Effect.void
          })
        return Effect.ensuring(
          executor.execute(invocation, { ...handlers, onStarted }),
          Effect.sync(() => forget())
        )
      })
  })

// --- internal ---

const endingOf = (
  { pid, unit }: ProcessIdentity,
  values: StepEnvironment["values"]
): Effect.Effect<() => void> => {
  const endGroup = (): void => void signalGroup(pid, "SIGKILL")
  if (unit === undefined) return Effect.succeed(endGroup)
  // Loaded when there is one, and before it is needed: what ends a step must not wait for anything.
  return Effect.map(
    Effect.promise(() => import("./SystemdUnit.ts")),
    ({ killUnit }) =>
      () => {
        endGroup()
        killUnit(values, unit)
      }
  )
}
