/**
 * Runs one command as the leader of its own process group, to its end.
 *
 * 1. Whatever way this ends (exit, timeout, interruption, a broken store), the group has ended before it does.
 * 2. Output is handed over in order, one piece at a time, and the next piece is read only when the last one
 *    was taken: a slow reader slows the command, memory stays flat.
 * 3. The end of the direct child is the end of the run. A process that left the group and holds the output
 *    open without using it delays it by `outputGraceMillis`; nothing does by more than {@link outputDrainMillisMax}.
 */
import { existsSync } from "node:fs"
import {
  ExecutorError,
  type ExitCause,
  type OutputChunk,
  type ProcessIdentity
} from "@patchmoi/core/executor/Executor"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { OutputPump } from "./OutputPump.ts"
import { endGroup, identifyProcess } from "./processGroup.ts"

/** What is started. */
export interface StepCommand {
  /** The program, absolute, and its arguments. No shell reads them. */
  readonly argv: readonly [string, ...Array<string>]
  /** Working directory, absolute. */
  readonly cwd: string
  /** The whole environment: nothing is inherited besides. */
  readonly variables: Readonly<Record<string, string>>
  /** Everything that standard input holds; it ends after that. */
  readonly stdin: string
}

/** How long things may take, in milliseconds. */
export interface StepLimits {
  readonly timeoutMillis: number
  /** Between SIGTERM and SIGKILL. */
  readonly killGraceMillis: number
  /** For the output to end after the last process of the group has. */
  readonly outputGraceMillis: number
}

/** Who is told what while the command runs. Neither is called again before it is done. */
export interface StepHandlers {
  readonly onStarted: (process: ProcessIdentity) => Effect.Effect<void>
  readonly onOutput: (chunk: OutputChunk) => Effect.Effect<void>
}

/** How the processes of a command are told from others, and ended together. Default: they are one process group. */
export interface StepControl {
  readonly identify: (pid: number) => Effect.Effect<ProcessIdentity>
  /** Ends what is left of them: SIGTERM, the grace, SIGKILL. The direct child has ended, or soon will have, when it is done. */
  readonly end: (pid: number, graceMillis: number) => Effect.Effect<void>
}

/** How long processes that the command left behind have between SIGTERM and SIGKILL, in milliseconds, at most. */
export const stragglerGraceMillisMax = 500

/** How long output that keeps coming, or a store that keeps taking, may delay the end of a run, in milliseconds. */
export const outputDrainMillisMax = 30_000

/**
 * Runs the command. The exit is a code, a signal, a timeout, or the reason why it could not be started.
 *
 * - `ExecutorError`: the machine could not give a process, or the output could not be read.
 */
export const runStepProcess = Effect.fnUntraced(function* (
  command: StepCommand,
  limits: StepLimits,
  handlers: StepHandlers,
  control: StepControl = groupControl
) {
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const spawned = yield* spawn(command)
      if ("reason" in spawned) return { _tag: "NotStarted", reason: spawned.reason } satisfies ExitCause
      const ended = yield* exitOf(spawned)
      const pump = new OutputPump(
        spawned,
        {
          begin: Effect.flatMap(control.identify(spawned.pid), handlers.onStarted),
          take: handlers.onOutput,
          onBroken: (cause) => Deferred.unsafeDone(ended, Effect.failCause(cause))
        },
        yield* Effect.runtime()
      )
      const exit = yield* restore(orTimeout(ended, limits.timeoutMillis)).pipe(
        Effect.onExit(() => settle(spawned, pump, limits, handlers, control))
      )
      // The output may have broken off after the exit, while the rest of it was taken.
      return pump.broken === undefined ? exit : yield* Effect.failCause(pump.broken)
    })
  )
})

// --- internal ---

const groupControl: StepControl = { identify: identifyProcess, end: endGroup }

type StepChild = Bun.Subprocess<Uint8Array, "pipe", "pipe">

/** What the file system or the kernel say against this very command; anything else is the machine's trouble. */
const codesOfCommand: ReadonlySet<unknown> = new Set([
  "E2BIG",
  "EACCES",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOEXEC",
  "ENOTDIR",
  "EPERM",
  "ERR_INVALID_ARG_VALUE"
])

const spawn = (command: StepCommand): Effect.Effect<StepChild | { readonly reason: string }, ExecutorError> =>
  Effect.suspend((): Effect.Effect<StepChild | { readonly reason: string }, ExecutorError> => {
    try {
      return Effect.succeed(
        Bun.spawn([...command.argv], {
          cwd: command.cwd,
          env: { ...command.variables },
          // Given whole, it never blocks and never breaks on a script that does not read it.
          stdin: new TextEncoder().encode(command.stdin),
          stdout: "pipe",
          stderr: "pipe",
          detached: true
        })
      )
    } catch (cause) {
      return explainSpawn(command, cause)
    }
  })

const explainSpawn = (
  command: StepCommand,
  cause: unknown
): Effect.Effect<{ readonly reason: string }, ExecutorError> => {
  const message = cause instanceof Error ? cause.message : String(cause)
  // The kernel reports a missing working directory as if the program were missing.
  if (!existsSync(command.cwd)) {
    return Effect.succeed({ reason: `the working directory does not exist: ${command.cwd}` })
  }
  return cause instanceof Error && "code" in cause && codesOfCommand.has(cause.code)
    ? Effect.succeed({ reason: message })
    : Effect.fail(new ExecutorError({ runner: "bun", reason: `no process could be started: ${message}` }))
}

/** How a command ended, or why nobody waits for it. */
type Ended = Deferred.Deferred<ExitCause, ExecutorError>

/** The exit of the command; what comes before it may take its place. */
const exitOf = (child: StepChild): Effect.Effect<Ended> =>
  Effect.tap(Deferred.make<ExitCause, ExecutorError>(), (ended) => {
    void child.exited.then(() => Deferred.unsafeDone(ended, Effect.succeed(exitCauseOf(child))))
  })

const hasEnded = (child: StepChild): boolean => child.exitCode !== null || child.signalCode !== null

const exitCauseOf = (child: StepChild): ExitCause =>
  child.signalCode === null
    ? { _tag: "ExitCode", code: child.exitCode ?? 0 }
    : { _tag: "Signal", signal: String(child.signalCode) }

/** The same, or the timeout. A fiber that waits costs half of a race. */
const orTimeout = (ended: Ended, timeoutMillis: number): Effect.Effect<ExitCause, ExecutorError> =>
  Effect.acquireUseRelease(
    Effect.fork(
      Effect.interruptible(
        Effect.zipRight(
          Effect.sleep(timeoutMillis),
          Deferred.succeed<ExitCause, ExecutorError>(ended, { _tag: "Timeout", timeoutMillis })
        )
      )
    ),
    () => Deferred.await(ended),
    Fiber.interruptFork
  )

/** Ends what is left of the group, then the output. Runs to its end whatever happened before. */
const settle = Effect.fnUntraced(function* (
  child: StepChild,
  pump: OutputPump,
  limits: StepLimits,
  handlers: StepHandlers,
  control: StepControl
) {
  const graceMillis = hasEnded(child)
    ? Math.min(limits.killGraceMillis, stragglerGraceMillisMax)
    : limits.killGraceMillis
  yield* control.end(child.pid, graceMillis)
  if (!hasEnded(child)) yield* Effect.promise(() => child.exited)
  if (yield* awaitOutput(pump, limits.outputGraceMillis)) return
  yield* Effect.promise(() => pump.stop())
  // A store that did not take the last piece would not take this one either.
  if (pump.isTaking) return
  yield* handlers.onOutput({
    stream: "system",
    text: "A process that left the step's process group still holds its output open; what it prints from here on is not recorded.\n"
  })
})

/** Whether the output ended by itself. Goes on waiting while pieces come or are being taken. */
const awaitOutput = Effect.fnUntraced(function* (pump: OutputPump, graceMillis: number) {
  const stepMillis = Math.max(graceMillis, 1)
  for (let waitedMillis = 0; waitedMillis < outputDrainMillisMax; waitedMillis += stepMillis) {
    if (pump.isDone) return true
    const { pieces } = pump
    const ended = yield* Effect.promise(() => pump.done).pipe(
      Effect.interruptible,
      Effect.timeoutTo({ duration: stepMillis, onSuccess: () => true, onTimeout: () => false })
    )
    if (ended) return true
    if (!pump.isTaking && pump.pieces === pieces) return false
  }
  return false
})
