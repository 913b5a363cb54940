/** What the executor contract needs to know about the executor under test. */
import type * as Layer from "effect/Layer"
import type { AttemptOutcome, Executor } from "../executor/Executor.ts"
import type { RunnerName } from "../flow/Flow.ts"
import type { ContractStepName } from "./ExecutorContractSteps.ts"

/** What the suite needs to know about an executor. */
export interface ExecutorContractOptions {
  readonly runner: RunnerName
  readonly layer: Layer.Layer<Executor>
  /**
   * Writes a step with this behaviour to a folder that the caller removes. `text` is the raw Bun script of
   * that name in `contractSteps`; an executor of other scripts goes by the name.
   */
  readonly writeStep: (name: ContractStepName, text: string) => Promise<{ script: string; cwd: string }>
  /** How much the flood prints, in bytes. 1 GiB is the promise; a sample of 256 MiB under the same bound shows it as well. */
  readonly floodBytes: number
  /**
   * Runs the flood in a process of its own, through the executor, and measures that process. The parts are
   * `makeInvocation` and the layer under test.
   */
  readonly measureFlood: (step: { script: string; cwd: string }, outputBytes: number) => Promise<FloodReport>
}

/** What a flood was, and what it cost the process that received it. */
export interface FloodReport {
  readonly outcome: AttemptOutcome
  readonly outputBytes: number
  readonly residentBytesMax: number
}
