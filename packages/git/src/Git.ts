/**
 * The port to the git program.
 *
 * Guarantees of every implementation:
 * 1. Arguments are an array; no shell ever sees them.
 * 2. Git runs with a clean environment: nothing of the caller's `GIT_DIR`, `GIT_INDEX_FILE` and the like, no prompts,
 *    no optional locks, messages in English.
 * 3. Output and time are bounded, and a command that is over time or is interrupted leaves no process behind.
 *
 * Names that come from outside must have gone through `GitName` before they are put into `args`.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** Longest output of one command unless it asks for less or more, in bytes: 64 MiB. */
export const outputBytesMaxDefault = 64 * 1024 * 1024

/** Longest time of one command unless it asks for less or more, in milliseconds: 5 minutes. */
export const timeoutMillisDefault = 300_000

/** The oldest git that this package works with: `merge-tree --write-tree` came with 2.38. */
export const gitVersionMin: GitVersion = { major: 2, minor: 38 }

/** A version of git, as far as features depend on it. */
export interface GitVersion {
  readonly major: number
  readonly minor: number
}

/** One run of git. */
export interface GitCommand {
  /** Arguments after the program's name. */
  readonly args: ReadonlyArray<string>
  /** Folder in which git runs. */
  readonly cwd: string
  /** Variables on top of the clean environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Everything that git reads. (Default: an empty input.) */
  readonly stdin?: Uint8Array | string
  /** Bytes of stdout after which the command is ended with reason `output-limit`. (Default: 64 MiB.) */
  readonly outputBytesMax?: number
  /** Time after which the process group is ended with reason `timeout`. (Default: 5 minutes.) */
  readonly timeout?: Duration.DurationInput
  /** Exit codes that are an answer and not an error. (Default: `[0]`.) */
  readonly okExitCodes?: ReadonlyArray<number>
}

/** What a finished command left. */
export interface GitOutput {
  readonly exitCode: number
  readonly stdout: Uint8Array
  /** The last 64 KiB of stderr, without credentials. */
  readonly stderr: string
}

/** A git process that stays open and is asked again and again. Closing its scope ends it. */
export interface GitProcess {
  /** Sends bytes and flushes them. */
  readonly write: (bytes: Uint8Array | string) => Effect.Effect<void, GitError>
  /** The next bytes that git printed, at least one; an empty array at the end of output. */
  readonly read: Effect.Effect<Uint8Array, GitError>
}

/** A run of git that did not end as asked. `args` and `stderr` carry no credentials of URLs. */
export class GitError extends Schema.TaggedError<GitError>("git/GitError")("GitError", {
  args: Schema.Array(Schema.String),
  cwd: Schema.String,
  reason: Schema.Literal("exit", "timeout", "output-limit", "spawn", "protocol"),
  exitCode: Schema.NullOr(Schema.Int),
  stderr: Schema.String
}) {
  override get message(): string {
    const how = this.reason === "exit" ? `ended with code ${this.exitCode}` : `failed (${this.reason})`
    return `git ${this.args.join(" ").slice(0, 300)} ${how} in ${this.cwd}: ${this.stderr.trim().slice(0, 2_000)}`
  }
}

/** The installed git is missing or too old. */
export class GitUnusable extends Schema.TaggedError<GitUnusable>("git/GitUnusable")("GitUnusable", {
  program: Schema.String,
  found: Schema.String
}) {
  override get message(): string {
    const needed = `${gitVersionMin.major}.${gitVersionMin.minor}`
    return `git ${needed} or newer is needed; "${this.program} --version" gave: ${this.found.trim().slice(0, 200)}`
  }
}

/** The git program, probed once. */
export class Git extends Context.Tag("@patchmoi/git/Git")<
  Git,
  {
    readonly version: GitVersion
    /** Runs git to its end. `GitError` for an exit code that was not asked for, a timeout, or too much output. */
    readonly run: (command: GitCommand) => Effect.Effect<GitOutput, GitError>
    /** Starts git and keeps it open for questions. `stdin`, `outputBytesMax`, `timeout` do not apply. */
    readonly open: (
      command: Pick<GitCommand, "args" | "cwd" | "env">
    ) => Effect.Effect<GitProcess, GitError, Scope.Scope>
  }
>() {}

/** Tells whether the version is at least the other one. */
export const versionAtLeast = (version: GitVersion, least: GitVersion): boolean =>
  version.major > least.major || (version.major === least.major && version.minor >= least.minor)

/** Takes user names, passwords and tokens out of every URL in a text. */
export const redactUrls = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/]+@/gi, "$1***@")

/** The bytes of a command's output as text; malformed UTF-8 becomes replacement characters. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** The fields of NUL-separated output, the last empty one left out. */
export const nulFieldsOf = (bytes: Uint8Array): ReadonlyArray<string> => {
  const fields = textOf(bytes).split("\0")
  if (fields.at(-1) === "") fields.pop()
  return fields
}

/** The lines of output, the last empty one left out. */
export const linesOf = (bytes: Uint8Array): ReadonlyArray<string> => {
  const lines = textOf(bytes).split("\n")
  if (lines.at(-1) === "") lines.pop()
  return lines
}
