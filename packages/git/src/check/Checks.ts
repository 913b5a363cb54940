/**
 * The checks of a maintained project: commands in a work tree, one after the other, with bounded time and output.
 *
 * Each command is a line for `/bin/sh` and the leader of its own process group. When it is over its time the whole group
 * gets SIGTERM, a grace, and SIGKILL; when it ends by itself, what it left running is killed as well. A grandchild that
 * holds the output open does not hold the check.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { textOf } from "../Git.ts"
import { basicNames, inheritEnvironment } from "../internal/environment.ts"
import {
  drainMillisMax,
  killGroup,
  pump,
  spawnGroup,
  terminateGraceMillisDefault
} from "../internal/processGroup.ts"

/** Bytes of output that are kept of each command unless the caller says otherwise: the last 64 KiB. */
export const checkOutputBytesMaxDefault = 64 * 1024

/** How one command went. */
export const CheckResult = Schema.Struct({
  command: Schema.String,
  outcome: Schema.Literal("passed", "failed", "timeout"),
  /** `null` after a timeout. A command that was ended by a signal has 128 + the signal's number. */
  exitCode: Schema.NullOr(Schema.Int),
  /** The end of stdout and stderr, as they came. */
  output: Schema.String,
  /** Bytes that were printed before the part in `output`. */
  outputBytesOmitted: Schema.Int,
  durationMillis: Schema.Number
})
export type CheckResult = typeof CheckResult.Type

/** The command could not be started at all, for instance because the folder does not exist. */
export class CheckNotStarted extends Schema.TaggedError<CheckNotStarted>("git/CheckNotStarted")(
  "CheckNotStarted",
  {
    command: Schema.String,
    directory: Schema.String,
    detail: Schema.String
  }
) {
  override get message(): string {
    return `The check "${this.command}" could not be started in ${this.directory}: ${this.detail}`
  }
}

/** Which commands run, where, and for how long. All have the one folder: a later one finds what those before it left. */
export interface RunChecksOptions {
  /** The folder that they run in. `CheckNotStarted` when it does not exist. */
  readonly directory: string
  /** Lines for `/bin/sh`, in their order. */
  readonly commands: ReadonlyArray<string>
  /** Time of each command, in milliseconds, at least 1. */
  readonly timeoutMillis: number
  /** Bytes of output that are kept of each command: the last ones. (Default: 64 KiB.) */
  readonly outputBytesMax?: number
  /** Time between SIGTERM and SIGKILL, in milliseconds. (Default: 2 seconds.) */
  readonly graceMillis?: number
  /** Variables on top of PATH, HOME and the like. Nothing else is inherited. (Default: none.) */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the commands in order and stops after the first one that does not pass, whose result is the last in the list. */
export const runChecks = Effect.fn("Checks.run")(function* (options: RunChecksOptions) {
  const env = { ...(yield* inheritEnvironment(basicNames)), ...options.env }
  const results: Array<CheckResult> = []
  for (const command of options.commands) {
    const result = yield* Effect.scoped(runCheck(options, env, command))
    results.push(result)
    if (result.outcome !== "passed") break
  }
  return results
})

// --- internal ---

const runCheck = (options: RunChecksOptions, env: Readonly<Record<string, string>>, command: string) =>
  Effect.gen(function* () {
    const startMillis = yield* Clock.currentTimeMillis
    const tail = makeTail(options.outputBytesMax ?? checkOutputBytesMaxDefault)
    const group = yield* spawnGroup({
      command: ["/bin/sh", "-c", command],
      cwd: options.directory,
      env,
      stdin: new Uint8Array()
    }).pipe(
      Effect.mapError(
        (cause) => new CheckNotStarted({ command, directory: options.directory, detail: cause.reason })
      )
    )
    const keep = (chunk: Uint8Array) => {
      tail.add(chunk)
      return true
    }
    const pumping = yield* Effect.fork(
      Effect.all([pump(group.stdout, keep), pump(group.stderr, keep)], { concurrency: 2, discard: true })
    )
    const exit = yield* group.exited.pipe(Effect.timeoutOption(options.timeoutMillis))
    if (Option.isNone(exit)) yield* group.terminate(options.graceMillis ?? terminateGraceMillisDefault)
    // The leader is gone; what it left behind would go on writing into a folder that is about to be removed.
    yield* Effect.sync(() => killGroup(group.pid, "SIGKILL"))
    yield* Fiber.join(pumping).pipe(Effect.timeoutOption(drainMillisMax))
    yield* Fiber.interruptFork(pumping)
    const exitCode = Option.match(exit, { onNone: () => null, onSome: (ended) => ended.exitCode })
    const result: CheckResult = {
      command,
      outcome: exitCode === null ? "timeout" : exitCode === 0 ? "passed" : "failed",
      exitCode,
      output: textOf(tail.bytes()),
      outputBytesOmitted: tail.omitted(),
      durationMillis: (yield* Clock.currentTimeMillis) - startMillis
    }
    return result
  })

/** The last bytes of what is added. Twice the limit is held before it is cut, so that cutting stays rare. */
const makeTail = (bytesMax: number) => {
  let chunks: Array<Uint8Array> = []
  let held = 0
  let total = 0
  const last = () => {
    const all = Buffer.concat(chunks)
    return all.subarray(Math.max(0, all.length - bytesMax))
  }
  return {
    bytes: last,
    omitted: () => Math.max(0, total - bytesMax),
    add: (chunk: Uint8Array) => {
      chunks.push(chunk)
      held += chunk.byteLength
      total += chunk.byteLength
      if (held <= bytesMax * 2) return
      chunks = [Buffer.from(last())]
      held = chunks[0]?.byteLength ?? 0
    }
  }
}
