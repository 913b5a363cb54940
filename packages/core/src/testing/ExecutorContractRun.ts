/** Runs one step through the executor under test, and looks at what is left of its processes. */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import {
  type AttemptOutcome,
  Executor,
  type ExecutorError,
  type OutputChunk,
  type ProcessIdentity,
  type StepInvocation
} from "../executor/Executor.ts"
import { defaultRetryPolicy, type RunnerName, stepOutputBytesDefault } from "../flow/Flow.ts"
import { EventId, makeAttemptId, makeRunId } from "../Ids.ts"
import type { ExecutorContractOptions } from "./ExecutorContractOptions.ts"
import { type ContractStepName, contractSteps } from "./ExecutorContractSteps.ts"

/** An invocation for tests. */
export const makeInvocation = (
  step: { readonly script: string; readonly cwd: string },
  options: {
    readonly runner?: RunnerName
    readonly payload?: unknown
    readonly timeoutMillis?: number
    readonly env?: ReadonlyArray<string>
  } = {}
): StepInvocation => {
  const eventId = EventId.make("event-1")
  const runId = makeRunId({ eventId, flowName: "contract", stepName: "step", generation: 0 })
  return {
    flow: { name: "contract", version: 1, root: step.cwd, step: "step", config: { level: 3 } },
    plan: {
      runner: options.runner ?? "bun",
      script: step.script,
      cwd: step.cwd,
      timeoutMillis: options.timeoutMillis ?? 20_000,
      outputBytesMax: stepOutputBytesDefault,
      retry: defaultRetryPolicy,
      priority: 0,
      env: options.env ?? []
    },
    event: {
      id: eventId,
      type: "contract.event",
      receivedAt: "2026-01-01T00:00:00.000Z",
      payload: options.payload ?? {}
    },
    runId,
    attemptId: makeAttemptId(runId, 1),
    replay: false
  }
}

/** An attempt that has ended, and all that was seen of it. */
export interface Seen {
  readonly outcome: AttemptOutcome
  readonly chunks: ReadonlyArray<OutputChunk>
  /** Everything that was printed on standard output. */
  readonly text: string
  readonly started: ReadonlyArray<ProcessIdentity>
  readonly elapsedMillis: number
}

/** What a test changes about an attempt. */
export interface RunOptions {
  readonly payload?: unknown
  readonly timeoutMillis?: number
  /** Told of each piece, before it counts as taken. */
  readonly onOutput?: (chunk: OutputChunk) => Effect.Effect<void>
}

/** Writes the step of this name, runs it, and gives all that was seen. */
export type Run = (
  name: ContractStepName,
  options?: RunOptions
) => Effect.Effect<Seen, ExecutorError, Executor>

/** Makes the runner of a suite. */
export const makeRun =
  (contract: ExecutorContractOptions): Run =>
  (name, options = {}) =>
    Effect.gen(function* () {
      const executor = yield* Executor
      expect(executor.runners).toContain(contract.runner)
      const step = yield* Effect.promise(() => contract.writeStep(name, contractSteps[name]))
      const chunks: Array<OutputChunk> = []
      const started: Array<ProcessIdentity> = []
      const startedMillis = performance.now()
      const outcome = yield* executor.execute(makeInvocation(step, { runner: contract.runner, ...options }), {
        onStarted: (identity) =>
          Effect.sync(() => {
            expect(chunks).toEqual([])
            started.push(identity)
          }),
        onOutput: (chunk) =>
          Effect.suspend(() => {
            chunks.push(chunk)
            return options.onOutput?.(chunk) ?? Effect.void
          })
      })
      const text = chunks.flatMap((chunk) => (chunk.stream === "stdout" ? [chunk.text] : [])).join("")
      return { outcome, chunks, text, started, elapsedMillis: performance.now() - startedMillis }
    })

/** The numbers in lines of the form `pid <n>`. */
export const printedPids = (text: string): ReadonlyArray<number> =>
  [...text.matchAll(/^pid (\d+)$/gm)].map((match) => Number(match[1]))

/** Whether a process still runs. One that ended and waits for its parent to notice does not. */
export const isAlive = (pid: number): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    try {
      process.kill(pid, 0)
    } catch {
      return false
    }
    // A slice, because files there claim to be empty.
    const status = await Bun.file(`/proc/${pid}/status`)
      .slice(0, 4_096)
      .text()
      .catch(() => "")
    return !/^State:\s+Z/m.test(status)
  })

/** Fails unless all of them are gone within two seconds: far less than they would sleep. */
export const awaitGone = Effect.fnUntraced(function* (pids: ReadonlyArray<number>) {
  expect(pids.length).toBeGreaterThan(0)
  const deadlineMillis = performance.now() + 2_000
  let alive = pids
  while (alive.length > 0 && performance.now() < deadlineMillis) {
    alive = yield* Effect.filter(alive, isAlive)
    if (alive.length > 0) yield* Effect.sleep(20)
  }
  expect(alive).toEqual([])
})
