/** Git as the benchmarks on real histories run it: one folder, texts out, the machine's configuration left out. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Git, nulFieldsOf, textOf } from "../../packages/git/src/Git.ts"

/** A folder with git in it. */
export interface Place {
  readonly directory: string
  /** Runs git and gives its output without the last line feed. */
  readonly git: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Git>
  /** The same for output whose fields end with NUL. */
  readonly fields: (...args: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, never, Git>
  /** Runs git where a failure is an answer: the exit code, stdout and stderr. */
  readonly attempt: (...args: ReadonlyArray<string>) => Effect.Effect<Attempted, never, Git>
}

export interface Attempted {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The folder's git. What a benchmark does not expect ends it. */
export const placeAt = (directory: string): Place => {
  const run = (args: ReadonlyArray<string>, okExitCodes: ReadonlyArray<number>) =>
    Effect.gen(function* () {
      const git = yield* Git
      return yield* git.run({ args, cwd: directory, okExitCodes })
    }).pipe(Effect.orDie)
  return {
    directory,
    git: (...args) => Effect.map(run(args, [0]), (output) => textOf(output.stdout).replace(/\n$/, "")),
    fields: (...args) => Effect.map(run(args, [0]), (output) => nulFieldsOf(output.stdout)),
    attempt: (...args) =>
      Effect.map(run(args, [0, 1, 128]), (output) => ({
        exitCode: output.exitCode,
        stdout: textOf(output.stdout),
        stderr: output.stderr
      }))
  }
}

/** The value together with the time that it took, in milliseconds. */
export const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeNanos
    const value = yield* work
    return { value, millis: Number((yield* Clock.currentTimeNanos) - start) / 1e6 }
  })
