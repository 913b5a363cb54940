/**
 * One attempt as a transient unit: its name, the arguments of `systemd-run`, and the two files that go with it.
 *
 * 1. Values of variables are in a file that only its owner can read, never on a command line, in the journal or in a
 *    property of the unit. The folder of the unit goes away with the unit.
 * 2. The unit gets the variables of the file and no other: what the manager would add is taken away by name.
 * 3. How the step ended is written by a command that systemd runs when none of its processes is left: the exit code of
 *    `systemd-run` does not tell a signal from code 255, and tells SIGTERM as success.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { ExitCause } from "@patchmoi/core/executor/Executor"
import type { ResourceLimits } from "@patchmoi/core/flow/Flow"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StepEnvironment } from "./StepEnvironment.ts"
import type { StepCommand } from "./StepProcess.ts"
import { findManager, type SystemdManager, SystemdUnavailable } from "./SystemdManager.ts"

/** A unit that was named, and where its files are. */
export interface SystemdUnit {
  /** `patchmoi-<attempt>-<random>.service`: no two attempts of any engine on this machine share one. */
  readonly name: string
  readonly folder: string
  /** Variables of the attempt, in the form of `EnvironmentFile=` in systemd.exec(5). */
  readonly environmentFile: string
  /** Result, code and status of the unit, once it has ended. */
  readonly exitFile: string
}

/** What a unit is held to. Times in milliseconds. */
export interface SystemdLimits {
  /** After which the manager ends the unit by itself, if nobody else did. */
  readonly runtimeMillisMax: number
  /** Between SIGTERM and SIGKILL. */
  readonly stopMillis: number
  readonly resources: ResourceLimits
}

/** Names the unit of an attempt and writes its environment; `removeUnit` takes that away. Fails when the folder of the user cannot be written. */
export const prepareUnit = (
  manager: SystemdManager,
  attemptId: string,
  variables: Readonly<Record<string, string>>
): Effect.Effect<SystemdUnit, SystemdUnavailable> =>
  Effect.suspend(() => {
    const random = crypto.randomUUID().slice(0, 8)
    const name = `patchmoi-${attemptId.replaceAll(/[^A-Za-z0-9:_.-]/g, "_").slice(0, 128)}-${random}.service`
    const unit = unitAt(manager.runtimeFolder, name)
    return Effect.try({
      try: () => {
        mkdirSync(unit.folder, { recursive: true, mode: 0o700 })
        writeFileSync(unit.environmentFile, environmentText(variables), { mode: 0o600, flag: "wx" })
        return unit
      },
      catch: (cause) =>
        new SystemdUnavailable({
          reason: `${unit.folder} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`
        })
    }).pipe(Effect.tapError(() => removeUnit(unit)))
  })

/** Removes the files of a unit. */
export const removeUnit = (unit: SystemdUnit): Effect.Effect<void> =>
  Effect.sync(() => rmSync(unit.folder, { recursive: true, force: true }))

/** The command that runs a step in its unit, and waits for it. */
export const unitCommand = (
  manager: SystemdManager,
  unit: SystemdUnit,
  step: StepCommand,
  options: {
    readonly attemptId: string
    readonly limits: SystemdLimits
    /** The names that the manager would add to the environment. */
    readonly unwanted: ReadonlyArray<string>
  }
): StepCommand => {
  const { limits, unwanted } = options
  const { cpuPercent, memoryBytesMax, tasksMax } = limits.resources
  const unset = new Set([...unwanted, ...namesOfManager].filter((name) => !(name in step.variables)))
  const properties = [
    `EnvironmentFile=${unit.environmentFile}`,
    `UnsetEnvironment=${[...unset].join(" ")}`,
    `ExecStopPost=:/bin/sh -c ${quoted(writeExit)} ${quoted(unit.exitFile)}`,
    `RuntimeMaxSec=${limits.runtimeMillisMax}ms`,
    `TimeoutStopSec=${limits.stopMillis}ms`,
    ...(memoryBytesMax === undefined ? [] : [`MemoryMax=${memoryBytesMax}`]),
    ...(cpuPercent === undefined ? [] : [`CPUQuota=${cpuPercent}%`]),
    ...(tasksMax === undefined ? [] : [`TasksMax=${tasksMax}`])
  ]
  return {
    argv: [
      manager.runProgram,
      ...["--user", "--pipe", "--wait", "--collect", "--quiet", `--unit=${unit.name}`],
      `--description=Attempt ${options.attemptId} of patchmoi`,
      `--working-directory=${step.cwd}`,
      ...properties.map((property) => `--property=${property}`),
      "--",
      // The manager puts variables in the place of $NAME in arguments; $$ is one $.
      ...step.argv.map((word) => word.replaceAll("$", "$$$$"))
    ],
    cwd: "/",
    variables: manager.variables,
    stdin: step.stdin
  }
}

/** How the unit ended; undefined while nobody wrote it. `isOutOfMemory`: the kernel ended it at its limit. */
export const readExit = (
  unit: SystemdUnit,
  timeoutMillis: number
): { readonly exit: ExitCause; readonly isOutOfMemory: boolean } | undefined => {
  if (!existsSync(unit.exitFile)) return undefined
  const [result, code, status] = readFileSync(unit.exitFile, "latin1").trim().split(" ")
  const isOutOfMemory = result === "oom-kill"
  if (result === "timeout") return { exit: { _tag: "Timeout", timeoutMillis }, isOutOfMemory }
  if (code === undefined || status === undefined) return undefined
  return {
    exit:
      code === "exited"
        ? { _tag: "ExitCode", code: Number(status) }
        : { _tag: "Signal", signal: `SIG${status}` },
    isOutOfMemory
  }
}

/** Ends a unit that an engine which is gone left behind, by its name. Names that are not of this form are left alone. */
export const endUnit = Effect.fn("SystemdUnit.endUnit")(
  function* (values: StepEnvironment["values"], name: string, graceMillis: number) {
    if (!/^patchmoi-[A-Za-z0-9:_.-]{1,160}\.service$/.test(name)) return
    const manager = yield* findManager(values)
    yield* manager.stop(name, graceMillis)
    yield* removeUnit(unitAt(manager.runtimeFolder, name))
  },
  (ending, _, name) =>
    Effect.catchAll(ending, (error) => Effect.logWarning(`The unit ${name} was not ended`, error))
)

/** Ends a unit at once and without waiting for more than the manager's answer, for a process that is about to leave. Where there is no manager, nothing is done. */
export const killUnit = (values: StepEnvironment["values"], name: string): void => {
  const manager = Effect.runSync(Effect.option(findManager(values)))
  if (Option.isNone(manager)) return
  // A unit that has not started yet cannot without its files.
  rmSync(unitAt(manager.value.runtimeFolder, name).folder, { recursive: true, force: true })
  manager.value.killNow(name)
}

// --- internal ---

const unitAt = (runtimeFolder: string, name: string): SystemdUnit => {
  const folder = join(runtimeFolder, "patchmoi", name)
  return { name, folder, environmentFile: join(folder, "environment"), exitFile: join(folder, "exit") }
}

/** In one write, after which the file is whole. The variables are those of systemd.exec(5). */
const writeExit = 'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" > "$0"'

/** What the manager adds by itself to the environment of a unit, by systemd.exec(5) up to version 258. */
const namesOfManager = [
  ...["HOME", "LOGNAME", "SHELL", "USER", "TERM", "LANG", "PATH"],
  ...["INVOCATION_ID", "JOURNAL_STREAM", "LOG_NAMESPACE", "MANAGERPID", "MANAGERPIDFDID", "SYSTEMD_EXEC_PID"],
  ...["MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR"]
]

/** A word of a command in a unit's property: see "Quoting" in systemd.syntax(7). */
const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, "\\$&")}"`

/** Names that no variable of a unit can have, such as those of exported shell functions, are left out. */
const environmentText = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\$`]/g, "\\$&")}"\n`)
    .join("")
