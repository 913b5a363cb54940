/** The caller that the running process is. */
import { fstatSync, statSync, writeSync } from "node:fs"
import type { Caller, Interruption, Output } from "./Caller.ts"
import { exitCodes } from "./exitCodes.ts"
import { callerEnvironment } from "./launcherVariables.ts"
import { readBounded } from "./readBounded.ts"

/** What is needed of `process`. */
export interface HostProcess {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: () => string
  readonly on: (signal: "SIGINT" | "SIGTERM", listener: () => void) => unknown
  readonly exit: (code: number) => never
  readonly stdout: { readonly columns?: number }
}

/**
 * How soon after the first signal the same one again is the same wish, in milliseconds: a signal to a process group reaches a
 * launcher and its child, and the launcher hands on what the child has already. A person presses Ctrl-C again later.
 */
export const repeatMillis = 500

/** Makes the caller of a process. Nothing is listened to, and no stream is opened, before a command asks. */
export const callerOf = (host: HostProcess): Caller => {
  const killed: Array<() => void> = []
  let interruption: AbortSignal | undefined
  const stdout = outputOf(host, 1)
  return {
    env: callerEnvironment(host.env),
    cwd: host.cwd(),
    readInput: async (bytesMax) => readBounded(0, bytesMax + 1),
    stdout,
    stderr: outputOf(host, 2),
    // `process.stdout` opens a stream, which costs milliseconds: only a terminal has columns to tell.
    get columns() {
      return stdout.isTerminal ? host.stdout.columns : undefined
    },
    interruption: () => {
      interruption ??= listen(host, killed)
      return interruption
    },
    onKilled: (action) => killed.push(action)
  }
}

// --- internal ---

/**
 * Whether a person looks at it. `node:tty` costs 9 ms to load (it brings streams and sockets), so it is asked only where
 * the answer can be yes: a pipe, a file and the null device are told from a terminal without it.
 */
const isTerminal = (descriptor: 1 | 2): boolean => {
  try {
    const { rdev, isCharacterDevice } = inspect(descriptor)
    if (!isCharacterDevice || rdev === statSync("/dev/null", { throwIfNoEntry: false })?.rdev) return false
  } catch {
    // A descriptor that is closed has nobody behind it.
    return false
  }
  return process.getBuiltinModule("node:tty").isatty(descriptor)
}

const inspect = (descriptor: 1 | 2) => {
  const stats = fstatSync(descriptor)
  return { rdev: stats.rdev, isCharacterDevice: stats.isCharacterDevice() }
}

const listen = (host: HostProcess, killed: ReadonlyArray<() => void>): AbortSignal => {
  const controller = new AbortController()
  let first: { readonly signal: Interruption["signal"]; readonly atMillis: number } | undefined
  const take = (signal: Interruption["signal"]) => (): void => {
    // A clock that nobody sets.
    const atMillis = performance.now()
    if (first === undefined) {
      first = { signal, atMillis }
      controller.abort({ signal } satisfies Interruption)
      return
    }
    if (signal === first.signal && atMillis - first.atMillis < repeatMillis) return
    for (const action of killed) action()
    host.exit(exitCodes.interrupted)
  }
  host.on("SIGINT", take("SIGINT"))
  host.on("SIGTERM", take("SIGTERM"))
  return controller.signal
}

/**
 * Writes at once, so that the process may end at any time without a loss. A pipe whose reader has gone (`| head`) ends the
 * process as quietly as the reader did.
 */
const outputOf = (host: HostProcess, descriptor: 1 | 2): Output => ({
  get isTerminal() {
    return isTerminal(descriptor)
  },
  write: (text) => {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.byteLength; ) {
      try {
        at += writeSync(descriptor, bytes, at)
      } catch (cause) {
        const code = cause instanceof Error && "code" in cause ? cause.code : undefined
        if (code === "EPIPE") host.exit(exitCodes.failed)
        // Somebody made the pipe non-blocking, and it is full: the reader needs a moment.
        if (code !== "EAGAIN") throw cause
        Bun.sleepSync(1)
      }
    }
  }
})
