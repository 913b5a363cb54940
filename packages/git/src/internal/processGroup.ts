/**
 * A child process as the leader of its own process group, so that ending it ends everything that it started.
 *
 * The exit of the leader is what counts: a grandchild may hold stdout open for ever, so nobody waits for the end of
 * output without a bound (`drainMillisMax`).
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/** How long output may still arrive after the leader's exit, in milliseconds. */
export const drainMillisMax = 1_000

/** How long a group has between SIGTERM and SIGKILL unless the caller says otherwise, in milliseconds. */
export const terminateGraceMillisDefault = 2_000

/** How a child ended: an exit code, or 128 + the signal's number as shells have it. */
export interface GroupExit {
  readonly exitCode: number
  readonly signal: string | null
}

/** A running child. */
export interface ProcessGroup {
  readonly pid: number
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  /** Sends bytes and flushes them. Rejects when the child no longer reads. */
  readonly write: (bytes: Uint8Array | string) => Promise<void>
  readonly exited: Effect.Effect<GroupExit>
  /** SIGTERM to the group, a grace, SIGKILL to the group. Does nothing to a group that has gone. */
  readonly terminate: (graceMillis: number) => Effect.Effect<void>
}

export interface SpawnOptions {
  readonly command: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Everything that the child reads, or `"pipe"` to keep its input open. */
  readonly stdin: Uint8Array | "pipe"
}

/** Starts the child; closing the scope ends its group. Fails with the operating system's words. */
export const spawnGroup = (
  options: SpawnOptions
): Effect.Effect<ProcessGroup, { readonly reason: string }, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => start(options),
      catch: (cause) => ({ reason: cause instanceof Error ? cause.message : String(cause) })
    }),
    (group) => group.terminate(terminateGraceMillisDefault)
  )

/** Hands every chunk to the sink until the end of the stream. The sink's answer `false` stops reading. */
export const pump = (
  stream: ReadableStream<Uint8Array>,
  sink: (chunk: Uint8Array) => boolean
): Effect.Effect<void> =>
  Effect.promise(async (signal) => {
    const reader = stream.getReader()
    const stop = () => void reader.cancel().catch(() => undefined)
    signal.addEventListener("abort", stop)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done || signal.aborted) return
        if (!sink(value)) return stop()
      }
    } finally {
      signal.removeEventListener("abort", stop)
    }
  })

// --- internal ---

const start = (options: SpawnOptions): ProcessGroup => {
  const child = Bun.spawn([...options.command], {
    cwd: options.cwd,
    env: { ...options.env },
    stdin: options.stdin === "pipe" ? "pipe" : options.stdin.byteLength === 0 ? "ignore" : options.stdin,
    stdout: "pipe",
    stderr: "pipe",
    detached: true
  })
  const stdin: unknown = child.stdin
  const exited = Effect.promise(() => child.exited).pipe(
    Effect.map(
      (exitCode): GroupExit => ({
        exitCode,
        signal: child.signalCode === null ? null : String(child.signalCode)
      })
    )
  )
  const signalGroup = (signal: NodeJS.Signals) => Effect.sync(() => killGroup(child.pid, signal))
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    write: async (bytes) => {
      if (!isSink(stdin)) return
      stdin.write(bytes)
      await stdin.flush()
    },
    exited,
    terminate: (graceMillis) =>
      Effect.gen(function* () {
        const alreadyGone = child.exitCode !== null || child.signalCode !== null
        if (alreadyGone) return
        yield* signalGroup("SIGTERM")
        // A finalizer is uninterruptible, and a wait that cannot be interrupted cannot be timed out either.
        const leaderEnds = Effect.interruptible(exited)
        const ended = yield* leaderEnds.pipe(Effect.timeoutOption(graceMillis))
        // Members of the group may outlive a leader that obeyed SIGTERM, so the group is killed in both cases.
        yield* signalGroup("SIGKILL")
        if (Option.isNone(ended)) yield* leaderEnds.pipe(Effect.timeoutOption(terminateGraceMillisDefault))
      })
  }
}

/** Signals the whole group. A group that no longer exists is not an error. */
export const killGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ESRCH")) throw cause
  }
}

interface Sink {
  readonly write: (bytes: Uint8Array | string) => unknown
  readonly flush: () => unknown
}

const isSink = (value: unknown): value is Sink =>
  typeof value === "object" && value !== null && "write" in value && "flush" in value
