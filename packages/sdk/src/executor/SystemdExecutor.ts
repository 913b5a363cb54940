/**
 * The executor of the runner `bun` on a machine with systemd: each attempt is a transient unit of the user manager, which
 * runs the same program with the same document and the same variables as `BunExecutor.ts` does.
 *
 * 1. All processes of the step are in the unit, also those that call `setsid`. They have ended before the outcome is
 *    given or the interruption is done; the manager ends them, even if this process is gone.
 * 2. `[steps.limits]` are properties of the unit, and the kernel holds the step to them.
 * 3. No value of a variable is on a command line or in the journal (SystemdUnit.ts).
 * 4. Where the manager does not answer, nothing is known of the step: `ExecutorError`, and the attempt is lost.
 */
import {
  type AttemptOutcome,
  Executor,
  ExecutorError,
  type ExitCause,
  type OutputChunk,
  type StepInvocation
} from "@patchmoi/core/executor/Executor"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type BunStepOptions, makeBunStep } from "./bunStep.ts"
import { endOrphan, endUnrecorded } from "./endOrphan.ts"
import { endGroup, identifyProcess } from "./processGroup.ts"
import { makeOutputWatch, notStarted, type OutputWatch } from "./StepOutcome.ts"
import { runStepProcess, type StepCommand, type StepControl } from "./StepProcess.ts"
import { findManager, type SystemdManager, type SystemdUnavailable } from "./SystemdManager.ts"
import { prepareUnit, readExit, removeUnit, type SystemdUnit, unitCommand } from "./SystemdUnit.ts"

/** What the composing room decides. */
export interface SystemdExecutorOptions extends BunStepOptions {
  /** Between SIGTERM and SIGKILL; {@link stopMillisMin} at least. Default: 5 seconds. */
  readonly killGrace?: Duration.DurationInput
  /** How long output may stay open after the unit has ended. Default: 1 second. */
  readonly outputGrace?: Duration.DurationInput
}

/** The shortest time between SIGTERM and SIGKILL, in milliseconds: systemd gives the same time to the command that writes down how the step ended. */
export const stopMillisMin = 2_000

/** How long after the step's own time-out the manager ends it, in milliseconds, when no engine is left that would. */
export const runtimeMarginMillis = 5_000

/**
 * Makes the executor. It holds no resource between attempts.
 *
 * - `SystemdUnavailable`: there is no user manager. Nothing was started; the message says what to do.
 */
export const make = (options: SystemdExecutorOptions): Effect.Effect<Executor["Type"], SystemdUnavailable> =>
  Effect.gen(function* () {
    const manager = yield* findManager(options.environment.values)
    yield* manager.environmentNames
    const killGraceMillis = Math.max(stopMillisMin, Duration.toMillis(options.killGrace ?? "5 seconds"))
    const outputGraceMillis = Duration.toMillis(options.outputGrace ?? "1 second")
    const prepare = makeBunStep(options)

    const execute: Executor["Type"]["execute"] = Effect.fn("SystemdExecutor.execute")(
      function* (invocation, handlers) {
        const prepared = yield* Effect.either(Effect.tap(prepare(invocation), checkCommand))
        if (Either.isLeft(prepared)) return notStarted(invocation.flow, prepared.left.reason)
        const step = prepared.right
        const { attemptId, plan } = invocation
        const unwanted = yield* Effect.mapError(manager.environmentNames, ({ message }) => broken(message))
        return yield* Effect.acquireUseRelease(
          Effect.mapError(prepareUnit(manager, attemptId, step.variables), ({ message }) => broken(message)),
          Effect.fnUntraced(function* (unit) {
            const watch = makeOutputWatch(invocation.flow)
            let complaint = ""
            const client = yield* runStepProcess(
              unitCommand(manager, unit, step, {
                attemptId,
                unwanted,
                limits: {
                  runtimeMillisMax: plan.timeoutMillis + runtimeMarginMillis,
                  stopMillis: killGraceMillis,
                  resources: plan.limits ?? {}
                }
              }),
              { timeoutMillis: plan.timeoutMillis, killGraceMillis, outputGraceMillis },
              {
                onStarted: handlers.onStarted ?? (() => Effect.void),
                onOutput: (chunk: OutputChunk) =>
                  Effect.suspend(() => {
                    watch.take(chunk)
                    if (chunk.stream === "stderr")
                      complaint = (complaint + chunk.text).slice(-complaintLengthMax)
                    return handlers.onOutput(chunk)
                  })
              },
              unitControl(manager, unit, killGraceMillis)
            )
            return yield* concludeUnit(unit, client, watch, invocation, complaint)
          }),
          removeUnit
        )
      }
    )
    return {
      runners: ["bun"],
      execute,
      endOrphan: (process) => endOrphan(process, options.environment.values, killGraceMillis),
      endUnrecorded: (attemptId, workerId) => endUnrecorded(attemptId, workerId, killGraceMillis)
    }
  })

/** The executor as a layer. It is not made where there is no user manager. */
export const layer = (options: SystemdExecutorOptions): Layer.Layer<Executor, SystemdUnavailable> =>
  Layer.effect(Executor, make(options))

// --- internal ---

/** How much of the end of stderr is kept for the case that it is the complaint of `systemd-run`, in UTF-16 code units. */
const complaintLengthMax = 1_024

const broken = (reason: string): ExecutorError => new ExecutorError({ runner: "bun", reason })

/** What the manager would report as an exit code of the step is looked at first. */
const checkCommand = (step: StepCommand): Effect.Effect<void, { readonly reason: string }> =>
  Effect.gen(function* () {
    const [program] = step.argv
    const isFolder = yield* Effect.promise(() => isDirectory(step.cwd))
    if (!isFolder) return yield* Effect.fail({ reason: `the working directory does not exist: ${step.cwd}` })
    if (Bun.which(program) === null)
      return yield* Effect.fail({ reason: `there is no program ${program} that can be run` })
  })

const isDirectory = async (path: string): Promise<boolean> =>
  await Bun.file(path)
    .stat()
    .then((stat) => stat.isDirectory())
    .catch(() => false)

const unitControl = (manager: SystemdManager, unit: SystemdUnit, stopMillis: number): StepControl => ({
  identify: (pid) => Effect.map(identifyProcess(pid), (identity) => ({ ...identity, unit: unit.name })),
  end: (clientPid) =>
    Effect.gen(function* () {
      if (readExit(unit, 0) === undefined && !(yield* manager.stop(unit.name, stopMillis))) {
        // The request of a client that was just started may still be on its way. Without the environment file a unit
        // cannot start, so that what the second look does not find never comes.
        yield* endGroup(clientPid, 0)
        yield* removeUnit(unit)
        yield* manager.stop(unit.name, stopMillis)
      }
    }).pipe(
      Effect.catchAll((error) => Effect.logWarning(`The unit ${unit.name} was not stopped`, error)),
      // It has nothing left to wait for.
      Effect.zipRight(endGroup(clientPid, stopMillis))
    )
})

/** The outcome, from how the client of systemd ended and from what the unit left. */
const concludeUnit = (
  unit: SystemdUnit,
  client: ExitCause,
  watch: OutputWatch,
  { plan }: StepInvocation,
  complaint: string
): Effect.Effect<AttemptOutcome, ExecutorError> =>
  Effect.suspend(() => {
    if (client._tag === "Timeout") return Effect.succeed(watch.conclude(client))
    if (client._tag === "NotStarted") return broken(`systemd-run could not be started: ${client.reason}`)
    const ended = client._tag === "ExitCode" ? readExit(unit, plan.timeoutMillis) : undefined
    if (ended === undefined) {
      const how = client._tag === "ExitCode" ? `with code ${client.code}` : `by ${client._tag}`
      return broken(
        `systemd-run ended ${how} and nobody knows how ${unit.name} did. ${complaint.trim()}`.trim()
      )
    }
    const outcome = watch.conclude(ended.exit)
    if (!ended.isOutOfMemory) return Effect.succeed(outcome)
    const error =
      `The step went beyond its memory_max and the kernel ended it.\n${outcome.error ?? ""}`.trim()
    return Effect.succeed({ ...outcome, error })
  })
