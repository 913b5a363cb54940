/** What is particular to Bun steps: the document, the environment, the folder, both styles. */
import { describe, expect } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { StepInvocation } from "@patchmoi/core/executor/Executor"
import { makeInvocation } from "@patchmoi/core/testing/ExecutorContractRun"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { type BunExecutorOptions, make } from "../../src/executor/BunExecutor.ts"
import { makeStepFolder } from "./stepFolder.ts"

const steps = makeStepFolder()

const environment = {
  mode: "inherit",
  values: { PATH: process.env["PATH"], EDITOR: "ed", PATCH_ADMIN_TOKEN: "secret-1", MY_KEY: "secret-2" },
  secrets: ["MY_KEY"]
} as const

const execute = Effect.fnUntraced(function* (
  text: string,
  options: {
    readonly name?: string
    readonly change?: (invocation: StepInvocation) => StepInvocation
    readonly executor?: Partial<BunExecutorOptions>
  } = {}
) {
  const executor = yield* make({ environment, outputGrace: "200 millis", ...options.executor })
  const step = yield* Effect.promise(() => steps.write(text, options.name))
  let output = ""
  const outcome = yield* executor.execute((options.change ?? ((same) => same))(makeInvocation(step)), {
    onOutput: (chunk) =>
      Effect.sync(() => {
        output += chunk.text
      })
  })
  return { outcome, output, script: step.script }
})

const echo = 'console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", seen: SEEN }))'

describe("what a step gets", () => {
  it.live("the whole document, as text and as JSON", () =>
    Effect.gen(function* () {
      const { outcome } = yield* execute(
        `const text = await Bun.stdin.text()\n${echo.replace("SEEN", "text")}`,
        {
          change: (invocation) => ({
            ...invocation,
            event: { ...invocation.event, source: "test", extra: { deliveredBy: "hook", type: "forged" } },
            eventPosition: 7,
            replay: true,
            launchedBy: "tests",
            workspaceBackendUrl: "ws://127.0.0.1:1",
            approval: { decision: "approved", choice: "now", by: "ada", at: "2026-01-01T00:00:00.000Z" }
          })
        }
      )
      const text = String(outcome.result?.["seen"])
      const { runId, attemptId } = makeInvocation({ script: "", cwd: "" })
      const document = {
        flow: {
          name: "contract",
          version: 1,
          root: steps.folder,
          step: "step",
          config: { level: 3 },
          event: {
            id: "event-1",
            type: "contract.event",
            receivedAt: "2026-01-01T00:00:00.000Z",
            payload: {},
            source: "test",
            deliveredBy: "hook"
          }
        },
        runtime: {
          eventId: "event-1",
          runId,
          attemptId,
          replay: true,
          eventPosition: 7,
          workspaceBackendUrl: "ws://127.0.0.1:1",
          launchedBy: "tests",
          approval: { decision: "approved", choice: "now", by: "ada", at: "2026-01-01T00:00:00.000Z" }
        }
      }
      expect(JSON.parse(text)).toEqual(document)
      expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`)
    })
  )
  it.live("what is not known is left out", () =>
    Effect.gen(function* () {
      const { outcome } = yield* execute(
        `const context = await Bun.stdin.json()\n${echo.replace("SEEN", "[Object.keys(context.flow), Object.keys(context.runtime)]")}`,
        {
          change: ({ flow: { config: _, ...flow }, ...invocation }) => ({ ...invocation, flow })
        }
      )
      expect(outcome.result?.["seen"]).toEqual([
        ["name", "version", "root", "step", "event"],
        ["eventId", "runId", "attemptId", "replay"]
      ])
    })
  )
  it.live("its environment without secrets, and nothing of this process", () =>
    Effect.gen(function* () {
      const { outcome, output } = yield* execute(echo.replace("SEEN", "process.env"))
      expect(outcome.result?.["seen"]).toMatchObject({ EDITOR: "ed", CODEX_FLOW_REPLAY: "0" })
      expect(output).not.toContain("secret-")
      expect(output).not.toContain("MY_KEY")
      expect(Object.keys(Object(outcome.result?.["seen"])).sort()).toEqual([
        "CODEX_FLOW_ATTEMPT_ID",
        "CODEX_FLOW_EVENT_ID",
        "CODEX_FLOW_REPLAY",
        "CODEX_FLOW_RUN_ID",
        "EDITOR",
        "PATH"
      ])
    })
  )
  it.live("no process at all when its manifest asks for a secret", () =>
    Effect.gen(function* () {
      const { outcome } = yield* execute(echo.replace("SEEN", "1"), {
        change: (invocation) => ({ ...invocation, plan: { ...invocation.plan, env: ["MY_KEY"] } })
      })
      expect(outcome.exit._tag).toBe("NotStarted")
      expect(outcome.error).toStartWith(
        "Step contract/step could not be started: the step asks for MY_KEY in its env"
      )
    })
  )
  it.live("its working directory; a missing one is named", () =>
    Effect.gen(function* () {
      const cwd = join(steps.folder, "inner")
      yield* Effect.promise(() => mkdir(cwd))
      const change = (folder: string) => (invocation: StepInvocation) => ({
        ...invocation,
        plan: { ...invocation.plan, cwd: folder }
      })
      const { outcome } = yield* execute(echo.replace("SEEN", "process.cwd()"), { change: change(cwd) })
      expect(outcome.result?.["seen"]).toBe(cwd)
      const missing = yield* execute("1", { change: change(`${cwd}/none`) })
      expect(missing.outcome.error).toContain(`the working directory does not exist: ${cwd}/none`)
    })
  )
  it.live("the Bun that the options name; a missing one is named", () =>
    Effect.gen(function* () {
      const { outcome } = yield* execute("1", { executor: { bunPath: "/nowhere/bun" } })
      expect(outcome.exit._tag).toBe("NotStarted")
      expect(outcome.error).toContain("/nowhere/bun")
    })
  )
})

describe("limits of the manifest", () => {
  it.live("do not hold, and the output says so", () =>
    Effect.gen(function* () {
      const { outcome, output } = yield* execute(echo.replace("SEEN", "1"), {
        change: (invocation) => ({
          ...invocation,
          plan: { ...invocation.plan, limits: { memoryBytesMax: 1_048_576, tasksMax: 1 } }
        })
      })
      expect(outcome.result?.status).toBe("completed")
      expect(output).toStartWith(
        "The executor bun does not hold this step to the [steps.limits] of its flow.toml (memory_max, tasks_max)"
      )
    })
  )
})

describe("module-style steps", () => {
  const completed = { exit: { _tag: "ExitCode", code: 0 }, result: { status: "completed", seen: 3 } } as const
  for (const name of ["step.ts", "step.js", "step.mjs"]) {
    it.live(`the default export is called with the context: ${name}`, () =>
      Effect.map(
        execute(
          'export default async (context) => ({ status: "completed", seen: context.flow.config.level })',
          {
            name
          }
        ),
        ({ outcome }) => expect(outcome).toEqual(completed)
      )
    )
  }
  it.live("types, a relative import, and the arguments of a raw step", () =>
    Effect.gen(function* () {
      yield* Effect.promise(() => Bun.write(join(steps.folder, "three.ts"), "export const three: number = 3"))
      const { outcome, script } = yield* execute(`import { three } from "./three.ts"
const run = (context: { flow: { step: string } }) => ({ status: "completed", seen: three, argv: process.argv.slice(1) })
export { run as default }`)
      expect(outcome.result).toEqual({ status: "completed", seen: 3, argv: [script] })
    })
  )
  it.live("half a line before does not spoil the result", () =>
    Effect.map(
      execute(`export default () => { process.stdout.write("half a line"); return { status: "completed" } }`),
      ({ outcome }) => expect(outcome.result).toEqual({ status: "completed" })
    )
  )
  it.live("a step that replaces console and leaves a timer open ends with its result", () =>
    Effect.gen(function* () {
      const started = performance.now()
      const { outcome } = yield* execute(`export default () => {
  console.log = () => {}
  setInterval(() => {}, 1000)
  return { status: "completed" }
}`)
      expect(outcome.result).toEqual({ status: "completed" })
      expect(performance.now() - started).toBeLessThan(5_000)
    })
  )
  const failures = [
    ["a throw", 'export default () => { throw new Error("no luck") }', "no luck"],
    ["a rejection", "export default async () => { throw 'just text' }", "just text"],
    ["an export that is no function", "export default { status: 'completed' }", "must be a function"],
    ["nothing returned", "export default () => {}", "it returned undefined"],
    ["an array returned", "export default () => []", "it returned an array"],
    ["an unknown status", "export default () => ({ status: 'done' })", 'it returned "done"'],
    ["what JSON cannot hold", "export default () => ({ status: 'changed', n: 1n })", "BigInt"],
    ["a missing import", 'import "./not-there.ts"\nexport default () => 1', "not-there.ts"]
  ] as const
  for (const [what, text, message] of failures) {
    it.live(`the result is failed, with the message and the stack: ${what}`, () =>
      Effect.gen(function* () {
        const { outcome, output, script } = yield* execute(text)
        expect(outcome.exit).toEqual({ _tag: "ExitCode", code: 0 })
        expect(outcome.error).toBeUndefined()
        expect(outcome.result?.status).toBe("failed")
        expect(outcome.result?.message).toContain(message)
        if (what === "a throw") expect(output).toContain(script)
      })
    )
  }
})
