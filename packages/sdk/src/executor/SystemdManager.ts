/** Talks to the user manager of systemd by its own programs: is there one, what does it give to units, stop this unit. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { StepEnvironment } from "./StepEnvironment.ts"

/** There is no user manager to run steps under, or it does not answer. */
export class SystemdUnavailable extends Schema.TaggedError<SystemdUnavailable>("patchmoi/SystemdUnavailable")(
  "SystemdUnavailable",
  { reason: Schema.String }
) {
  override get message() {
    return `Steps cannot run under systemd: ${this.reason}. The executor systemd-run needs systemd 244 or later and a running user manager. Run "loginctl enable-linger" for the user of this service, set XDG_RUNTIME_DIR to /run/user/<uid> for it, and try "systemctl --user status". Or choose the executor bun.`
  }
}

/** The user manager of whoever runs this process. */
export interface SystemdManager {
  /** The program `systemd-run`, absolute. */
  readonly runProgram: string
  /** What its client needs to find the manager, and nothing else. */
  readonly variables: Readonly<Record<string, string>>
  /** A folder that belongs to this user alone and is gone after a restart of the machine. */
  readonly runtimeFolder: string
  /** The names of the variables that the manager gives to every unit. Asked each time: they may change. */
  readonly environmentNames: Effect.Effect<ReadonlyArray<string>, SystemdUnavailable>
  /** Stops a unit and waits until none of its processes runs; false when there is no such unit. */
  readonly stop: (unit: string, graceMillis: number) => Effect.Effect<boolean, SystemdUnavailable>
  /** Sends SIGKILL to every process of a unit; blocks the program until the manager has answered, {@link killMillisMax} at most. */
  readonly killNow: (unit: string) => void
}

/** How long the manager may take to answer, in milliseconds, beyond what it was asked to wait for. */
export const answerMillisMax = 15_000

/** How long a program that is about to leave waits for the manager, in milliseconds. */
export const killMillisMax = 2_000

/** Finds the manager by the caller's variables. It is not asked yet: see `environmentNames`. */
export const findManager = (
  values: StepEnvironment["values"]
): Effect.Effect<SystemdManager, SystemdUnavailable> =>
  Effect.gen(function* () {
    const path = values["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    const find = (name: string) => {
      const program = Bun.which(name, { PATH: path })
      return program === null
        ? new SystemdUnavailable({ reason: `there is no program ${name} on the PATH` })
        : Effect.succeed(program)
    }
    const runProgram = yield* find("systemd-run")
    const controlProgram = yield* find("systemctl")
    const runtimeFolder = values["XDG_RUNTIME_DIR"] || `/run/user/${process.getuid?.() ?? 0}`
    const bus = values["DBUS_SESSION_BUS_ADDRESS"]
    const variables = {
      LC_ALL: "C",
      SYSTEMD_COLORS: "0",
      XDG_RUNTIME_DIR: runtimeFolder,
      ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus })
    }
    const control = (words: ReadonlyArray<string>, waitMillis: number) =>
      ask([controlProgram, "--user", ...words], variables, waitMillis)
    return {
      runProgram,
      variables,
      runtimeFolder,
      environmentNames: Effect.flatMap(control(["show-environment"], 0), ({ code, stdout, stderr }) =>
        code === 0 ? Effect.succeed(namesIn(stdout)) : unavailable(stderr)
      ),
      stop: (unit, graceMillis) =>
        Effect.flatMap(control(["stop", unit], graceMillis), ({ code, stderr }) =>
          code === 0 || code === notLoadedCode ? Effect.succeed(code === 0) : unavailable(stderr)
        ),
      killNow: (unit) =>
        void Bun.spawnSync([controlProgram, "--user", "kill", "--signal=SIGKILL", unit], {
          env: { ...variables },
          stdin: "ignore",
          stdout: "ignore",
          stderr: "ignore",
          timeout: killMillisMax
        })
    }
  })

// --- internal ---

/** What `systemctl stop` ends with when there is no such unit (systemctl(1), exit status). */
const notLoadedCode = 5

const unavailable = (stderr: string): SystemdUnavailable =>
  new SystemdUnavailable({
    reason: stderr.trim().split("\n").join("; ") || "the user manager did not answer in time"
  })

/** One variable per line: the manager writes a value with a line break as `$'…\n…'`. */
const namesIn = (environment: string): ReadonlyArray<string> =>
  environment.split("\n").flatMap((line) => /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(line)?.[1] ?? [])

const ask = (
  argv: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>>,
  waitMillis: number
): Effect.Effect<
  { readonly code: number; readonly stdout: string; readonly stderr: string },
  SystemdUnavailable
> =>
  Effect.tryPromise({
    try: async () => {
      const child = Bun.spawn([...argv], {
        env: { ...variables },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        timeout: waitMillis + answerMillisMax,
        killSignal: "SIGKILL"
      })
      const [stdout, stderr, code] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited
      ])
      return { code, stdout, stderr }
    },
    // The program is gone, or the machine has no process left to give.
    catch: (cause) =>
      new SystemdUnavailable({ reason: cause instanceof Error ? cause.message : String(cause) })
  })
