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
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
      const progress: OutputProgress = { pieces: 0, taking: false }
      const pump = yield* readOutput(spawned, progress, handlers, control).pipe(
        Effect.interruptible,
        Effect.onError((cause) =>
          Cause.isInterruptedOnly(cause) ? Effect.void : Deferred.failCause(ended, cause)
        ),
        // No child of this fiber: an interruption would reach it at once, and the step's last words are wanted.
        Effect.forkDaemon
      )
      const exit = yield* restore(
        Effect.timeoutTo(Deferred.await(ended), {
          duration: limits.timeoutMillis,
          onSuccess: (cause) => cause,
          onTimeout: (): ExitCause => ({ _tag: "Timeout", timeoutMillis: limits.timeoutMillis })
        })
      ).pipe(Effect.onExit(() => settle(spawned, pump, progress, limits, handlers, control)))
      // The output may have broken off after the exit, while the rest of it was taken.
      const output = yield* Fiber.await(pump)
      return Exit.isFailure(output) && !Cause.isInterruptedOnly(output.cause)
        ? yield* Effect.failCause(output.cause)
        : exit
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

/** The exit of the command; whatever breaks off before it may fail it. */
const exitOf = (child: StepChild): Effect.Effect<Deferred.Deferred<ExitCause, ExecutorError>> =>
  Effect.tap(Deferred.make<ExitCause, ExecutorError>(), (ended) => {
    void child.exited.then(() => Deferred.unsafeDone(ended, Effect.succeed(exitCauseOf(child))))
  })

const awaitExit = (child: StepChild): Effect.Effect<void> => Effect.asVoid(Effect.promise(() => child.exited))

const hasEnded = (child: StepChild): boolean => child.exitCode !== null || child.signalCode !== null

const exitCauseOf = (child: StepChild): ExitCause =>
  child.signalCode === null
    ? { _tag: "ExitCode", code: child.exitCode ?? 0 }
    : { _tag: "Signal", signal: String(child.signalCode) }

/** Where the hand-over is: what tells a slow store from a pipe that nobody uses. */
interface OutputProgress {
  /** Pieces that were handed over. */
  pieces: number
  /** Whether a piece is being taken now. */
  taking: boolean
}

/** Hands over the identity, then both streams until they end. */
const readOutput = Effect.fnUntraced(function* (
  child: StepChild,
  progress: OutputProgress,
  handlers: StepHandlers,
  control: StepControl
) {
  yield* handlers.onStarted(yield* control.identify(child.pid))
  const turn = yield* Effect.makeSemaphore(1)
  const take = Effect.fnUntraced(function* (chunk: OutputChunk) {
    progress.taking = true
    yield* handlers.onOutput(chunk)
    progress.taking = false
    progress.pieces += 1
  })
  const onOutput = (chunk: OutputChunk) => turn.withPermits(1)(take(chunk))
  yield* Effect.all(
    [readStream(child.stdout, "stdout", onOutput), readStream(child.stderr, "stderr", onOutput)],
    { concurrency: 2, discard: true }
  )
})

/**
 * How much output is read between two collections of garbage. The buffers of a pipe lie outside the heap, and the
 * collector hears of them late: a flood of 1 GiB took 125 to 157 MiB of memory without this, and takes 114 to 118 with it.
 */
const collectEveryBytes = 33_554_432

const readStream = (
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  stream: OutputChunk["stream"],
  onOutput: StepHandlers["onOutput"]
): Effect.Effect<void, ExecutorError> =>
  Effect.acquireUseRelease(
    Effect.sync(() => bytes.getReader()),
    Effect.fnUntraced(function* (reader) {
      const decoder = new TextDecoder()
      let uncollectedBytes = 0
      while (true) {
        const { done, value } = yield* Effect.tryPromise({
          try: () => reader.read(),
          catch: (cause) =>
            new ExecutorError({ runner: "bun", reason: `${stream} broke off: ${String(cause)}` })
        })
        const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
        if (text !== "") yield* onOutput({ stream, text })
        if (done) return
        uncollectedBytes += value.byteLength
        if (uncollectedBytes < collectEveryBytes) continue
        uncollectedBytes = 0
        Bun.gc(true)
      }
    }),
    // Closes our end, so that a process which still writes there is told by SIGPIPE.
    (reader) => Effect.promise(() => reader.cancel())
  )

/** Ends what is left of the group, then the output. Runs to its end whatever happened before. */
const settle = Effect.fnUntraced(function* (
  child: StepChild,
  pump: Fiber.RuntimeFiber<void, ExecutorError>,
  progress: OutputProgress,
  limits: StepLimits,
  handlers: StepHandlers,
  control: StepControl
) {
  const graceMillis = hasEnded(child)
    ? Math.min(limits.killGraceMillis, stragglerGraceMillisMax)
    : limits.killGraceMillis
  yield* control.end(child.pid, graceMillis)
  yield* awaitExit(child)
  if (yield* awaitOutput(pump, progress, limits.outputGraceMillis)) return
  yield* Fiber.interrupt(pump)
  // A store that did not take the last piece would not take this one either.
  if (progress.taking) return
  yield* handlers.onOutput({
    stream: "system",
    text: "A process that left the step's process group still holds its output open; what it prints from here on is not recorded.\n"
  })
})

/** Whether the output ended by itself. Goes on waiting while pieces come or are being taken. */
const awaitOutput = Effect.fnUntraced(function* (
  pump: Fiber.RuntimeFiber<void, ExecutorError>,
  progress: OutputProgress,
  graceMillis: number
) {
  const stepMillis = Math.max(graceMillis, 1)
  if (pump.unsafePoll() !== null) return true
  for (let waitedMillis = 0; waitedMillis < outputDrainMillisMax; waitedMillis += stepMillis) {
    const { pieces } = progress
    const ended = yield* Fiber.await(pump).pipe(
      Effect.interruptible,
      Effect.timeoutTo({ duration: stepMillis, onSuccess: () => true, onTimeout: () => false })
    )
    if (ended) return true
    if (!progress.taking && progress.pieces === pieces) return false
  }
  return false
})
