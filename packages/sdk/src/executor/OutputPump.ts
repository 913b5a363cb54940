/**
 * Reads what a command prints, and hands it over: in order, one piece at a time, and the next one is read only when the last
 * one was taken, so that a slow reader slows the command and memory stays flat.
 *
 * Plain code around the effects of the handlers: fibers for two streams would cost more than the command that it reads from.
 */
import { ExecutorError, type OutputChunk } from "@patchmoi/core/executor/Executor"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"

/** What is read: two pipes of a process. */
export interface OutputPipes {
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>
}

/** What is done with it. */
export interface OutputHandlers {
  /** Done before the first piece is read. */
  readonly begin: Effect.Effect<void>
  readonly take: (chunk: OutputChunk) => Effect.Effect<void>
  /** Told at once why it breaks off: a handler broke down, or a pipe did. */
  readonly onBroken: (cause: Cause.Cause<ExecutorError>) => void
}

/**
 * How much output is read between two collections of garbage. The buffers of a pipe lie outside the heap, and the
 * collector hears of them late: a flood of 1 GiB took 125 to 157 MiB of memory without this, and takes 114 to 118 with it.
 */
const collectEveryBytes = 33_554_432

/**
 * Reads the two pipes of one command, from when it is made until both have ended, a handler broke down or it is stopped.
 * It has the pipes until then: whoever makes it waits for `done`, or calls `stop`.
 */
export class OutputPump {
  /** Pieces that were handed over. */
  pieces = 0
  /** Whether the beginning or a piece is being taken now, or was when the pump was stopped. */
  isTaking = false
  /** Whether it is over: both pipes have ended, or it broke off or was stopped. */
  isDone = false
  /** Why it broke off. */
  broken: Cause.Cause<ExecutorError> | undefined
  /** Returns when it is over. */
  readonly done: Promise<void>
  readonly #stop = new AbortController()
  #turn: Promise<void> = Promise.resolve()

  /** Starts to read. The handlers run on the runtime. */
  constructor(
    pipes: OutputPipes,
    readonly handlers: OutputHandlers,
    readonly runtime: Runtime.Runtime<never>
  ) {
    this.done = this.#pump(pipes).finally(() => {
      this.isDone = true
    })
  }

  /** Reads no more, and interrupts whoever takes a piece. Returns when it is over. */
  stop(): Promise<void> {
    this.#stop.abort()
    return this.done
  }

  async #pump({ stdout, stderr }: OutputPipes): Promise<void> {
    // A store that is slow with the beginning is no idle pipe either.
    this.isTaking = true
    if (await this.#run(this.handlers.begin)) this.isTaking = false
    await Promise.all([this.#read(stdout, "stdout"), this.#read(stderr, "stderr")])
  }

  async #read(pipe: OutputPipes["stdout"], stream: OutputChunk["stream"]): Promise<void> {
    const { signal } = this.#stop
    const reader = pipe.getReader()
    // Closes our end, so that a process which still writes there is told by SIGPIPE. A pipe that broke is closed already.
    const cancel = () => reader.cancel().catch(() => undefined)
    signal.addEventListener("abort", cancel)
    const decoder = new TextDecoder()
    let uncollectedBytes = 0
    while (!signal.aborted) {
      const piece = await reader.read().catch((cause: unknown) => {
        const reason = `${stream} broke off: ${String(cause)}`
        this.#break(Cause.fail(new ExecutorError({ runner: "bun", reason })))
      })
      if (piece === undefined) break
      const { done, value } = piece
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      if (text !== "") await this.#hand({ stream, text })
      if (done) break
      uncollectedBytes += value.byteLength
      if (uncollectedBytes < collectEveryBytes) continue
      uncollectedBytes = 0
      Bun.gc(true)
    }
    signal.removeEventListener("abort", cancel)
    await cancel()
  }

  /** Hands a piece over, after those that came before it on either pipe. */
  #hand(chunk: OutputChunk): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#stop.signal.aborted) return
      this.isTaking = true
      if (!(await this.#run(this.handlers.take(chunk)))) return
      this.isTaking = false
      this.pieces += 1
    })
    return this.#turn
  }

  /** Whether a handler did what it should; if not, the pump breaks off. */
  async #run(effect: Effect.Effect<void>): Promise<boolean> {
    // The runtime is that of a place where nothing may be interrupted.
    const exit = await Runtime.runPromiseExit(this.runtime)(Effect.interruptible(effect), {
      signal: this.#stop.signal
    })
    if (Exit.isFailure(exit)) this.#break(exit.cause)
    return Exit.isSuccess(exit)
  }

  #break(cause: Cause.Cause<ExecutorError>): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    if (Cause.isInterruptedOnly(cause)) return
    this.broken = cause
    this.handlers.onBroken(cause)
  }
}
