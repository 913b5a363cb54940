/** What is particular to units of systemd. Run by `SystemdExecutor.test.ts` under a user manager of its own. */
import { describe, expect } from "bun:test"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { OutputChunk, ProcessIdentity, StepInvocation } from "@patchmoi/core/executor/Executor"
import { awaitGone, makeInvocation, printedPids } from "@patchmoi/core/testing/ExecutorContractRun"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { make as makeBun } from "../../../src/executor/BunExecutor.ts"
import { make } from "../../../src/executor/SystemdExecutor.ts"
import { makeStepFolder } from "../stepFolder.ts"

const steps = makeStepFolder()
const runtimeFolder = process.env["XDG_RUNTIME_DIR"] ?? ""
const unitFolder = join(runtimeFolder, "patchmoi")
const base = { PATH: process.env["PATH"], XDG_RUNTIME_DIR: runtimeFolder }

const executorWith = (values: Readonly<Record<string, string | undefined>> = base) =>
  make({ environment: { mode: "inherit", values, secrets: [] }, killGrace: "2 seconds" })

const systemctl = (...words: ReadonlyArray<string>): string =>
  Bun.spawnSync(["systemctl", "--user", ...words]).stdout.toString()

const unitsOfPatchmoi = (): string =>
  systemctl("list-units", "--all", "--no-legend", "--plain", "patchmoi-*").trim()

/** Nothing of an attempt is left: no file, no process, and soon no unit. The manager forgets one that has ended when it comes to it. */
const expectNothingLeft = Effect.gen(function* () {
  expect(existsSync(unitFolder) ? readdirSync(unitFolder) : []).toEqual([])
  expect(
    systemctl("list-units", "--state=active,activating,deactivating", "--no-legend", "patchmoi-*").trim()
  ).toBe("")
  const deadlineMillis = performance.now() + 2_000
  while (unitsOfPatchmoi() !== "" && performance.now() < deadlineMillis) yield* Effect.sleep(10)
  expect(unitsOfPatchmoi()).toBe("")
})

interface Options {
  readonly values?: Readonly<Record<string, string | undefined>>
  readonly change?: (invocation: StepInvocation) => StepInvocation
  readonly name?: string
}

/** Starts a step, and gives what was seen of it when it has printed "ready". */
const start = Effect.fnUntraced(function* (
  text: string,
  { change = (same) => same, ...options }: Options = {}
) {
  const executor = yield* executorWith(options.values)
  const step = yield* Effect.promise(() => steps.write(text, options.name))
  const ready = yield* Deferred.make<void>()
  const chunks: Array<OutputChunk> = []
  const started: Array<ProcessIdentity> = []
  const output = (): string => chunks.map((chunk) => chunk.text).join("")
  const fiber = yield* Effect.fork(
    executor
      .execute(change(makeInvocation(step)), {
        onStarted: (identity) => Effect.sync(() => void started.push(identity)),
        onOutput: (chunk) => {
          chunks.push(chunk)
          return output().includes("ready") ? Deferred.succeed(ready, undefined) : Effect.void
        }
      })
      .pipe(Effect.ensuring(Deferred.succeed(ready, undefined)))
  )
  yield* Deferred.await(ready)
  return { executor, fiber, output, started }
})

/** Runs a step to its end. */
const execute = (text: string, options: Options = {}) =>
  Effect.gen(function* () {
    const { fiber, output, started } = yield* start(text, options)
    return { outcome: yield* Fiber.join(fiber), text: output(), started }
  })

const say = (seen: string): string =>
  `console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", seen: ${seen} }))`

const withLimits =
  (limits: NonNullable<StepInvocation["plan"]["limits"]>) =>
  (invocation: StepInvocation): StepInvocation => ({
    ...invocation,
    plan: { ...invocation.plan, limits }
  })

/** Leaves a process in a session of its own. */
const leaver = 'Bun.spawn(["setsid", "sh", "-c", "echo pid $$; sleep 60"], { stdout: "inherit" })'
const stubbornLeaver =
  'Bun.spawn(["setsid", "sh", "-c", "echo pid $$; trap \'\' TERM; sleep 60"], { stdout: "inherit" })'

describe("the environment", () => {
  it.live("is that of the attempt and nothing of the manager, to the letter", () =>
    Effect.gen(function* () {
      const odd = {
        ...base,
        LINES_OF: "one\ntwo \"quoted\" \\ back $HOME `tick` 'single'\n",
        CONTROLS: "tab\there esc\u001b[0m return\rdone",
        UNICODE: "漢ü 🦊",
        EMPTY: "",
        PERCENT: "%h %% # no comment ; no end",
        SPACES: "  around  "
      }
      const { outcome } = yield* execute(say("process.env"), { values: odd })
      const {
        CODEX_FLOW_ATTEMPT_ID: _attempt,
        CODEX_FLOW_RUN_ID: _run,
        ...seen
      } = Object(outcome.result?.["seen"])
      expect(seen).toEqual({ ...odd, CODEX_FLOW_EVENT_ID: "event-1", CODEX_FLOW_REPLAY: "0" })
      expect(systemctl("show-environment")).toContain("MANAGER_ONLY=")
    })
  )

  it.live("leaves out what no variable of a unit can be called", () =>
    Effect.gen(function* () {
      const { outcome } = yield* execute(say("Object.keys(process.env)"), {
        values: { ...base, "BASH_FUNC_x%%": "() { :; }", "a b": "c" }
      })
      expect(outcome.result?.["seen"]).not.toContain("BASH_FUNC_x%%")
      expect(outcome.result?.["seen"]).toContain("PATH")
    })
  )

  it.live("shows no value on a command line, in the unit, or to other users", () =>
    Effect.gen(function* () {
      const secret = `secret-${crypto.randomUUID()}`
      const { fiber } = yield* start('console.log("ready"); await Bun.sleep(60_000)', {
        values: { ...base, GITHUB_TOKEN: secret }
      })
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
      const commandLines = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")).join("\n")
      expect(commandLines).toContain("systemd-run")
      expect(commandLines).not.toContain(secret)
      const [unit = ""] = readdirSync(unitFolder)
      expect(systemctl("show", unit)).toContain("Description=Attempt ")
      expect(systemctl("show", unit)).not.toContain(secret)
      expect(systemctl("cat", unit)).toContain("ExecStart=")
      expect(systemctl("cat", unit)).not.toContain(secret)
      const file = join(unitFolder, unit, "environment")
      expect(readFileSync(file, "utf8")).toContain(secret)
      const modes = yield* Effect.promise(() =>
        Promise.all(
          [file, join(unitFolder, unit)].map(async (path) => (await Bun.file(path).stat()).mode & 0o777)
        )
      )
      expect(modes).toEqual([0o600, 0o700])
      yield* Fiber.interrupt(fiber)
      yield* expectNothingLeft
    })
  )
})

/** `$HOME ${PATH} %n 'x'.ts` */
const oddName = "$HOME $\u007bPATH} %n 'x'.ts"

describe("the command", () => {
  it.live("is taken as it is: no variable and no specifier is put into it", () =>
    Effect.gen(function* () {
      const cwd = join(steps.folder, "a $HOME %h \"b\" 'c' \\d")
      mkdirSync(cwd)
      const { outcome } = yield* execute(say("[process.cwd(), process.argv[1]]"), {
        name: oddName,
        change: (invocation) => ({ ...invocation, plan: { ...invocation.plan, cwd } })
      })
      const [seenCwd, script] = Array.from(Object(outcome.result?.["seen"]))
      expect(seenCwd).toBe(cwd)
      expect(script).toEndWith(oddName)
    })
  )

  it.live("runs module-style steps with the document", () =>
    Effect.map(
      execute("export default (context) => ({ status: 'changed', seen: context.flow.config.level })"),
      ({ outcome }) =>
        expect(outcome).toEqual({
          exit: { _tag: "ExitCode", code: 0 },
          result: { status: "changed", seen: 3 }
        })
    )
  )

  it.live("is not started in a folder that is not there", () =>
    Effect.map(
      execute("1", {
        change: (invocation) => ({ ...invocation, plan: { ...invocation.plan, cwd: "/nowhere" } })
      }),
      ({ outcome }) => {
        expect(outcome.exit._tag).toBe("NotStarted")
        expect(outcome.error).toContain("the working directory does not exist: /nowhere")
      }
    )
  )
})

describe("the exit", () => {
  for (const code of [1, 200, 203, 255]) {
    it.live(`code ${code} is that of the step`, () =>
      Effect.map(execute(`process.exit(${code})`), ({ outcome }) =>
        expect(outcome.exit).toEqual({ _tag: "ExitCode", code })
      )
    )
  }
  for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"]) {
    it.live(`${signal} that the step gave itself is a signal`, () =>
      Effect.map(execute(`process.kill(process.pid, "${signal}"); await Bun.sleep(60_000)`), ({ outcome }) =>
        expect(outcome.exit).toEqual({ _tag: "Signal", signal })
      )
    )
  }
})

describe("what left the session", () => {
  it.live("ends with the step", () =>
    Effect.gen(function* () {
      const { text } = yield* execute(`${leaver}\nawait Bun.sleep(300)\n${say("1")}\nprocess.exit(0)`)
      yield* awaitGone(printedPids(text))
      yield* expectNothingLeft
    })
  )
  it.live("ends at a cancel", () =>
    Effect.gen(function* () {
      const { fiber, output } = yield* start(
        `${stubbornLeaver}\nawait Bun.sleep(300)\nconsole.log("ready")\nawait Bun.sleep(60_000)`
      )
      yield* Fiber.interrupt(fiber)
      yield* awaitGone(printedPids(output()))
      yield* expectNothingLeft
    })
  )
})

describe("a cancel at any moment of the start", () => {
  it.live("leaves no unit behind", () =>
    Effect.gen(function* () {
      const executor = yield* executorWith()
      const step = yield* Effect.promise(() => steps.write('console.log("ready"); await Bun.sleep(60_000)'))
      for (let millis = 0; millis < 36; millis += 3) {
        const fiber = yield* Effect.fork(
          executor.execute(makeInvocation(step), { onOutput: () => Effect.void })
        )
        yield* Effect.sleep(millis)
        yield* Fiber.interrupt(fiber)
        yield* expectNothingLeft
      }
    })
  )
})

describe("limits", () => {
  it.live("are properties of the unit, and the time-out is one too", () =>
    Effect.gen(function* () {
      const { fiber } = yield* start('console.log("ready"); await Bun.sleep(60_000)', {
        change: withLimits({ memoryBytesMax: 536_870_912, cpuPercent: 150, tasksMax: 64 })
      })
      const [unit = ""] = readdirSync(unitFolder)
      const properties = ["MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "RuntimeMaxUSec", "TimeoutStopUSec"]
      const shown = systemctl("show", unit, ...properties.map((name) => `--property=${name}`))
      expect(shown.trim().split("\n").sort()).toEqual([
        "CPUQuotaPerSecUSec=1.500000s",
        "MemoryMax=536870912",
        "RuntimeMaxUSec=25s",
        "TasksMax=64",
        "TimeoutStopUSec=2s"
      ])
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("an engine that is gone", () => {
  for (const [name, makeNext] of [
    ["systemd-run", make],
    ["bun", makeBun]
  ] as const) {
    it.live(`its unit is ended by the next one, which has the executor ${name}`, () =>
      Effect.gen(function* () {
        const step = yield* Effect.promise(() =>
          steps.write(`${leaver}\nawait Bun.sleep(300)\nconsole.log("ready")\nawait Bun.sleep(60_000)`)
        )
        const engine = Bun.spawn(
          [process.execPath, join(import.meta.dir, "engine.ts"), step.script, step.cwd],
          {
            stdout: "pipe"
          }
        )
        const reader = engine.stdout.getReader()
        let text = ""
        while (!text.includes("ready"))
          text += new TextDecoder().decode((yield* Effect.promise(() => reader.read())).value)
        const identity: ProcessIdentity = JSON.parse(/^process (.*)$/m.exec(text)?.[1] ?? "")
        engine.kill("SIGKILL")
        yield* Effect.promise(() => engine.exited)
        expect(unitsOfPatchmoi()).toContain(identity.unit ?? "no unit")
        const environment = { mode: "inherit", values: base, secrets: [] } as const
        const next = yield* makeNext({ environment, killGrace: "2 seconds" })
        // A name of another form is nobody's of ours.
        yield* next.endOrphan?.({ ...identity, pid: 1, unit: "dbus.service" }) ?? Effect.void
        expect(systemctl("is-active", "dbus.socket").trim()).toBe("active")
        expect(unitsOfPatchmoi()).toContain(identity.unit ?? "no unit")
        yield* next.endOrphan?.(identity) ?? Effect.void
        yield* awaitGone([...printedPids(text), identity.pid])
        yield* expectNothingLeft
        yield* next.endOrphan?.(identity) ?? Effect.void
      })
    )
  }
})

describe("without a manager", () => {
  it.live("the executor is not made, and the error says what to do", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(executorWith({ ...base, XDG_RUNTIME_DIR: "/nowhere" }))
      expect(error._tag).toBe("SystemdUnavailable")
      expect(error.message).toContain("loginctl enable-linger")
      const missing = yield* Effect.flip(executorWith({ ...base, PATH: "/nowhere" }))
      expect(missing.message).toContain("there is no program systemd-run on the PATH")
    })
  )

  it.live("that hands out a folder for the variables, an attempt is lost and says why", () =>
    Effect.gen(function* () {
      const DBUS_SESSION_BUS_ADDRESS = `unix:path=${runtimeFolder}/bus`
      const executor = yield* executorWith({ ...base, XDG_RUNTIME_DIR: "/proc", DBUS_SESSION_BUS_ADDRESS })
      const step = yield* Effect.promise(() => steps.write("1"))
      const error = yield* Effect.flip(
        executor.execute(makeInvocation(step), { onOutput: () => Effect.void })
      )
      expect(error._tag).toBe("ExecutorError")
      expect(error.message).toContain("/proc/patchmoi/")
    })
  )

  it.live("that answers any more, an attempt is lost and says why", () =>
    Effect.gen(function* () {
      // The manager is there when the executor is made; its programs are gone when the step is to start.
      const programs = join(steps.folder, "programs")
      mkdirSync(programs)
      for (const name of ["systemctl", "systemd-run"])
        symlinkSync(Bun.which(name) ?? "", join(programs, name))
      const executor = yield* executorWith({ ...base, PATH: programs })
      rmSync(join(programs, "systemctl"))
      writeFileSync(join(programs, "systemctl"), "#!/bin/sh\necho Connection refused >&2\nexit 1\n", {
        mode: 0o755
      })
      const step = yield* Effect.promise(() => steps.write("1"))
      const error = yield* Effect.flip(
        executor.execute(makeInvocation(step), { onOutput: () => Effect.void })
      )
      expect(error._tag).toBe("ExecutorError")
      expect(error.message).toContain("Connection refused")
    })
  )
})
