/**
 * `Git` by the installed git program, through `Bun.spawn`.
 *
 * The environment is built from an allow-list, so that a caller that itself runs under git (a hook, an alias) does not
 * lead git into another repository. Each command is the leader of its own process group; see `internal/processGroup`.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import {
  Git,
  type GitCommand,
  GitError,
  type GitOutput,
  GitUnusable,
  gitVersionMin,
  outputBytesMaxDefault,
  redactUrls,
  textOf,
  timeoutMillisDefault,
  versionAtLeast
} from "./Git.ts"
import { basicNames, gitNames, inheritEnvironment } from "./internal/environment.ts"
import { drainMillisMax, type ProcessGroup, pump, spawnGroup } from "./internal/processGroup.ts"

/** Bytes of stderr that are kept: the last 64 KiB. */
const stderrBytesMax = 64 * 1024

const configVariables = (settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
  const entries = Object.entries(settings)
  const pairs = entries.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value]
  ])
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(pairs) }
}

/** What every command gets, whatever the caller's environment says. */
const fixedEnvironment = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  // No file at all: for an empty one git prints that grafts are deprecated.
  GIT_GRAFT_FILE: "/dev/null/none",
  GIT_PAGER: "cat",
  GIT_EDITOR: "false",
  LC_ALL: "C",
  // The settings of the machine must not change what commands print. Those of single commands (`-c`) come after these.
  ...configVariables({ "i18n.logOutputEncoding": "UTF-8", "log.showSignature": "false", "color.ui": "false" })
}

/**
 * Which git runs, and which variables it gets. `env` cannot change what keeps commands unattended and their output the
 * same everywhere (`GIT_TERMINAL_PROMPT`, `LC_ALL` and the like): those are set last.
 */
export interface GitCliOptions {
  /** The program. (Default: `git`, found on the PATH.) */
  readonly program?: string
  /** Variables on top of those that are inherited; they win. (Default: none.) */
  readonly env?: Readonly<Record<string, string>>
}

/** Probes the program once and gives the service. `GitUnusable` when it is missing or older than 2.38. */
export const makeGitCli = (options: GitCliOptions = {}) =>
  Effect.gen(function* () {
    const program = options.program ?? "git"
    const env = {
      ...(yield* inheritEnvironment([...basicNames, ...gitNames])),
      ...options.env,
      ...fixedEnvironment
    }
    const run = makeRun(program, env)
    const probed = yield* run({ args: ["--version"], cwd: "/" }).pipe(
      Effect.mapError((error) => new GitUnusable({ program, found: error.stderr }))
    )
    const found = textOf(probed.stdout)
    const match = /git version (\d+)\.(\d+)/.exec(found)
    const version = { major: Number(match?.[1] ?? 0), minor: Number(match?.[2] ?? 0) }
    if (!versionAtLeast(version, gitVersionMin)) return yield* new GitUnusable({ program, found })
    return Git.of({ version, run, open: makeOpen(program, env) })
  })

/** The layer over `makeGitCli`. */
export const layerGitCli = (options: GitCliOptions = {}): Layer.Layer<Git, GitUnusable> =>
  Layer.effect(Git, makeGitCli(options))

// --- internal ---

type Environment = Readonly<Record<string, string>>

type FailureOf = (reason: GitError["reason"], stderr: string, exitCode?: number) => GitError

const failureOf =
  (command: Pick<GitCommand, "args" | "cwd">): FailureOf =>
  (reason, stderr, exitCode) =>
    new GitError({
      args: command.args.map(redactUrls),
      cwd: command.cwd,
      reason,
      exitCode: exitCode ?? null,
      stderr: redactUrls(stderr)
    })

const spawn = (program: string, env: Environment, command: GitCommand, stdin: Uint8Array | "pipe") =>
  spawnGroup({
    command: [program, ...command.args],
    cwd: command.cwd,
    env: { ...env, ...command.env },
    stdin
  }).pipe(Effect.mapError((cause) => failureOf(command)("spawn", cause.reason)))

const makeRun = (program: string, env: Environment) => (command: GitCommand) => {
  const failure = failureOf(command)
  const stdin = typeof command.stdin === "string" ? new TextEncoder().encode(command.stdin) : command.stdin
  const finished = Effect.scoped(
    Effect.flatMap(spawn(program, env, command, stdin ?? new Uint8Array()), (group) =>
      collect(group, command, failure)
    )
  )
  // Finalizers run git as well, and there the waits inside must stay interruptible for the limits to hold.
  return Effect.interruptible(finished).pipe(
    Effect.timeoutFail({
      duration: command.timeout ?? timeoutMillisDefault,
      onTimeout: () => failure("timeout", "the command was over its time and was ended")
    })
  )
}

const collect = (group: ProcessGroup, command: GitCommand, failure: FailureOf) =>
  Effect.gen(function* () {
    const outputBytesMax = command.outputBytesMax ?? outputBytesMaxDefault
    const stdout = makeBuffer()
    const stderr = makeBuffer()
    let overflowed = false
    const output = pump(group.stdout, (chunk) => {
      stdout.add(chunk)
      overflowed = stdout.size() > outputBytesMax
      return !overflowed
    }).pipe(Effect.zipRight(Effect.suspend(() => (overflowed ? failTooLong : Effect.void))))
    const failTooLong = Effect.fail(failure("output-limit", `more than ${outputBytesMax} bytes of output`))
    const errors = pump(group.stderr, (chunk) => {
      stderr.add(chunk)
      stderr.keepLast(stderrBytesMax)
      return true
    })
    const pumping = yield* Effect.fork(Effect.all([output, errors], { concurrency: 2, discard: true }))
    const exit = yield* Effect.raceFirst(group.exited, Effect.zipRight(Fiber.join(pumping), Effect.never))
    // The rest of the output is in the pipe already; only a grandchild could make this wait last.
    yield* Fiber.join(pumping).pipe(Effect.timeoutOption(drainMillisMax))
    yield* Fiber.interruptFork(pumping)
    const result: GitOutput = {
      exitCode: exit.exitCode,
      stdout: stdout.bytes(),
      stderr: redactUrls(textOf(stderr.bytes()))
    }
    return (command.okExitCodes ?? [0]).includes(exit.exitCode)
      ? result
      : yield* failure("exit", result.stderr, exit.exitCode)
  })

const makeOpen = (program: string, env: Environment) => (command: Pick<GitCommand, "args" | "cwd" | "env">) =>
  Effect.gen(function* () {
    const failure = failureOf(command)
    const group = yield* spawn(program, env, command, "pipe")
    const stderr = makeBuffer()
    yield* Effect.forkScoped(
      pump(group.stderr, (chunk) => {
        stderr.add(chunk)
        stderr.keepLast(stderrBytesMax)
        return true
      })
    )
    const reader = group.stdout.getReader()
    const broken = () => failure("protocol", textOf(stderr.bytes()))
    return {
      write: (bytes: Uint8Array | string) =>
        Effect.tryPromise({ try: () => group.write(bytes), catch: broken }),
      read: Effect.tryPromise({ try: () => reader.read(), catch: broken }).pipe(
        Effect.map(({ value }) => value ?? new Uint8Array())
      )
    }
  })

const makeBuffer = () => {
  let chunks: Array<Uint8Array> = []
  let size = 0
  const bytes = () => (chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
  return {
    size: () => size,
    bytes,
    add: (chunk: Uint8Array) => {
      chunks.push(chunk)
      size += chunk.byteLength
    },
    keepLast: (bytesMax: number) => {
      if (size <= bytesMax * 2) return
      chunks = [Buffer.from(bytes().subarray(size - bytesMax))]
      size = bytesMax
    }
  }
}
