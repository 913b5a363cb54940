/** Git as the benchmarks on real histories run it: in one folder, texts out. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Git, type GitCommand, nulFieldsOf, textOf } from "../../packages/git/src/Git.ts"

/** A folder with git in it. What a benchmark does not expect of git ends it. */
export interface Place {
  readonly directory: string
  /** Runs git and gives its output without the last line feed. */
  readonly git: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Git>
  /** The same for output whose fields end with NUL. */
  readonly fields: (...args: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, never, Git>
  /** Runs git where exit codes 1 and 128 are answers too. */
  readonly attempt: (command: Omit<GitCommand, "cwd">) => Effect.Effect<Attempted, never, Git>
}

export interface Attempted {
  readonly exitCode: number
  /** Without the last line feed. */
  readonly stdout: string
  readonly stderr: string
}

/** The git of a folder. */
export const placeAt = (directory: string): Place => {
  const run = (command: Omit<GitCommand, "cwd">) =>
    Effect.flatMap(Git, (git) => git.run({ ...command, cwd: directory })).pipe(Effect.orDie)
  const lineOf = (stdout: Uint8Array): string => textOf(stdout).replace(/\n$/, "")
  return {
    directory,
    git: (...args) => Effect.map(run({ args }), ({ stdout }) => lineOf(stdout)),
    fields: (...args) => Effect.map(run({ args }), ({ stdout }) => nulFieldsOf(stdout)),
    attempt: (command) =>
      Effect.map(run({ okExitCodes: [0, 1, 128], ...command }), ({ exitCode, stderr, stdout }) => ({
        exitCode,
        stdout: lineOf(stdout),
        stderr
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
