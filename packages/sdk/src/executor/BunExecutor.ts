/**
 * The executor of the runner `bun`: each attempt is a fresh Bun process that reads the step document from
 * standard input and prints its result. docs/reference/flow-result.md is the contract with the step.
 *
 * 1. The process leads its own group, and the group has ended before the outcome is given or the
 *    interruption is done. A process that calls `setsid` is out of reach.
 * 2. The step sees the variables of {@link StepEnvironment} and nothing else; secrets of patchmoi never.
 * 3. A result that was printed before a bad end is kept beside the error.
 * 4. `[steps.limits]` is beyond it: a step that has some runs without, and a line of its output says so.
 */
import { Executor } from "@patchmoi/core/executor/Executor"
import type { ResourceLimits } from "@patchmoi/core/flow/Flow"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type BunStepOptions, makeBunStep } from "./bunStep.ts"
import { endOrphan, endUnrecorded } from "./endOrphan.ts"
import { makeOutputWatch, notStarted } from "./StepOutcome.ts"
import { runStepProcess } from "./StepProcess.ts"

/** What the composing room decides. */
export interface BunExecutorOptions extends BunStepOptions {
  /** Between SIGTERM and SIGKILL, at a timeout and at a cancel. Default: 5 seconds. */
  readonly killGrace?: Duration.DurationInput
  /** How long output may stay open after the last process of the group has ended. Default: 1 second. */
  readonly outputGrace?: Duration.DurationInput
}

/** Makes the executor. It holds no resource between attempts, only what it knows of scripts that it has seen. */
export const make = (options: BunExecutorOptions): Effect.Effect<Executor["Type"]> =>
  Effect.sync(() => {
    const killGraceMillis = Duration.toMillis(options.killGrace ?? "5 seconds")
    const outputGraceMillis = Duration.toMillis(options.outputGrace ?? "1 second")
    const prepare = makeBunStep(options)

    const execute: Executor["Type"]["execute"] = Effect.fn("BunExecutor.execute")(
      function* (invocation, handlers) {
        const prepared = yield* Effect.either(prepare(invocation))
        if (Either.isLeft(prepared)) return notStarted(invocation.flow, prepared.left.reason)
        const watch = makeOutputWatch(invocation.flow)
        const { limits } = invocation.plan
        if (limits !== undefined) yield* handlers.onOutput({ stream: "system", text: unlimitedNote(limits) })
        const exit = yield* runStepProcess(
          prepared.right,
          { timeoutMillis: invocation.plan.timeoutMillis, killGraceMillis, outputGraceMillis },
          {
            onStarted: handlers.onStarted ?? (() => Effect.void),
            onOutput: (chunk) =>
              Effect.suspend(() => {
                watch.take(chunk)
                return handlers.onOutput(chunk)
              })
          }
        )
        return exit._tag === "NotStarted" ? notStarted(invocation.flow, exit.reason) : watch.conclude(exit)
      }
    )
    return {
      runners: ["bun"],
      execute,
      endOrphan: (process) => endOrphan(process, options.environment.values, killGraceMillis),
      endUnrecorded: (attemptId, workerId) => endUnrecorded(attemptId, workerId, killGraceMillis)
    }
  })

/** The executor of the runner `bun` as a layer. */
export const layer = (options: BunExecutorOptions): Layer.Layer<Executor> =>
  Layer.effect(Executor, make(options))

// --- internal ---

const unlimitedNote = (limits: ResourceLimits): string =>
  `The executor bun does not hold this step to the [steps.limits] of its flow.toml (${Object.keys(limits)
    .map((name) => limitNames.get(name) ?? name)
    .join(", ")}); the executor systemd-run does.\n`

const limitNames = new Map([
  ["memoryBytesMax", "memory_max"],
  ["cpuPercent", "cpu_quota"],
  ["tasksMax", "tasks_max"]
])
