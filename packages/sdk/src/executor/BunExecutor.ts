/**
 * The executor of the runner `bun`: each attempt is a fresh Bun process that reads the step document from
 * standard input and prints its result. docs/reference/flow-result.md is the contract with the step.
 *
 * 1. The process leads its own group, and the group has ended before the outcome is given or the
 *    interruption is done. A process that calls `setsid` is out of reach.
 * 2. The step sees the variables of {@link StepEnvironment} and nothing else; secrets of patchmoi never.
 * 3. A result that was printed before a bad end is kept beside the error.
 */
import { Executor, type StepInvocation } from "@patchmoi/core/executor/Executor"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { moduleRunnerSource } from "./moduleRunner.ts"
import { endLostGroup } from "./processGroup.ts"
import { makeScriptStyle } from "./ScriptStyle.ts"
import { makeStepVariables, type StepEnvironment } from "./StepEnvironment.ts"
import { makeOutputWatch, notStarted } from "./StepOutcome.ts"
import { runStepProcess, type StepCommand } from "./StepProcess.ts"
import { makeStepDocument } from "./stepDocument.ts"

/** What the composing room decides. */
export interface BunExecutorOptions {
  readonly environment: StepEnvironment
  /** The Bun that runs steps, absolute. Default: the running executable, also when it is a compiled program. */
  readonly bunPath?: string
  /** Between SIGTERM and SIGKILL, at a timeout and at a cancel. Default: 5 seconds. */
  readonly killGrace?: Duration.DurationInput
  /** How long output may stay open after the last process of the group has ended. Default: 1 second. */
  readonly outputGrace?: Duration.DurationInput
}

/** Makes the executor. It holds no resource between attempts, only what it knows of scripts that it has seen. */
export const make = (options: BunExecutorOptions): Effect.Effect<Executor["Type"]> =>
  Effect.sync(() => {
    const { environment } = options
    const bun = resolveBun(options.bunPath)
    const killGraceMillis = Duration.toMillis(options.killGrace ?? "5 seconds")
    const outputGraceMillis = Duration.toMillis(options.outputGrace ?? "1 second")
    const scriptStyle = makeScriptStyle()

    /** The command of one attempt, or why there is none. */
    const prepare = Effect.fnUntraced(function* (invocation: StepInvocation) {
      const { cwd, script } = invocation.plan
      const variables = yield* Either.mapLeft(makeStepVariables(environment, invocation), asProblem)
      const stdin = yield* Either.mapLeft(makeStepDocument(environment, invocation), asProblem)
      const style = yield* scriptStyle(script)
      const command: StepCommand = {
        argv: style === "raw" ? [bun.path, script] : [bun.path, "-e", moduleRunnerSource(), script],
        cwd,
        variables: { ...variables, ...bun.variables },
        stdin
      }
      return command
    })

    const execute: Executor["Type"]["execute"] = Effect.fn("BunExecutor.execute")(
      function* (invocation, handlers) {
        const prepared = yield* Effect.either(prepare(invocation))
        if (Either.isLeft(prepared)) return notStarted(invocation.flow, prepared.left.reason)
        const watch = makeOutputWatch(invocation.flow)
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
      endOrphan: (process) => Effect.asVoid(endLostGroup(process, killGraceMillis))
    }
  })

/** The executor of the runner `bun` as a layer. */
export const layer = (options: BunExecutorOptions): Layer.Layer<Executor> =>
  Layer.effect(Executor, make(options))

// --- internal ---

const asProblem = (reason: string): { readonly reason: string } => ({ reason })

/**
 * The Bun that runs steps. A program made by `bun build --compile` is Bun as well; `BUN_BE_BUN` makes it
 * run the script that it is given instead of the program inside (bun.com/docs/bundler/executables).
 */
const resolveBun = (
  bunPath: string | undefined
): { readonly path: string; readonly variables: Record<string, string> } => {
  if (bunPath !== undefined) return { path: bunPath, variables: {} }
  const isCompiled = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(Bun.main)
  return { path: process.execPath, variables: isCompiled ? { BUN_BE_BUN: "1" } : {} }
}
