/** The watching service as one: from a forge on loopback to the files in its folder, over real steps. */
import { expect } from "bun:test"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { layerLocal } from "../../src/compose.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import { Flow } from "../../src/Flow.ts"
import { createFlowClient } from "../../src/index.ts"
import type { PollReport } from "../../src/intake/Poller.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, isAlive, makeEchoWorkspace, readPid } from "../client/support.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"

const script = `
import { existsSync } from "node:fs"
const here = process.cwd()
await Bun.write(here + "/names", Object.keys(process.env).join("\\n"))
await Bun.write(here + "/pid", String(process.pid))
if (existsSync(here + "/wait")) await new Promise(() => setInterval(() => {}, 1000))
console.log('FLOW_RESULT {"status":"changed"}')
`

const setUpWith = Effect.fnUntraced(function* (shutdownGraceMillis: number) {
  const workspace = yield* Effect.acquireRelease(
    Effect.promise(() =>
      makeEchoWorkspace(flowFiles("maintain", "upstream.release", script, 'env = ["NAMED"]'))
    ),
    (made) => Effect.promise(async () => made[Symbol.asyncDispose]())
  )
  const forge = yield* Effect.acquireRelease(Effect.sync(startFeedServer), (server) =>
    Effect.promise(async () => server[Symbol.asyncDispose]())
  )
  const file = (name: string) => join(workspace.root, name)
  const source = { ...plainSource, id: "tool", url: `${forge.url}/tool.atom`, primeOnly: false }
  yield* Effect.promise(() => workspace.write({ "feed-sources.json": JSON.stringify({ sources: [source] }) }))
  const reports: Array<PollReport> = []
  const service = Daemon.run({
    workspaceRoot: workspace.root,
    dataDir: file("data"),
    sourcesFile: file("feed-sources.json"),
    env: { PATH: process.env["PATH"], NAMED: "n", OTHER: "o", CODEX_FLOW_PUSH: "1", PATCH_ADMIN_TOKEN: "t" },
    engine: { shutdownGraceMillis },
    onPoll: (report) => Effect.sync(() => void reports.push(report))
  })
  /** Looks at the folder as a client that opens it. */
  const look = Effect.promise(async () => {
    await using client = createFlowClient({
      mode: "local",
      cwd: workspace.root,
      state: { kind: "file", dataDir: file("data") }
    })
    const { attempts } = await client.listMaintenanceAttempts()
    return { attempts, runs: (await client.listRuns()).runs }
  })
  const wait = (what: string, condition: () => Promise<unknown> | unknown) =>
    Effect.promise(() => eventually(what, async () => Boolean(await condition())))
  return { workspace, forge, file, reports, service, look, wait }
})

/** With a short grace, for steps that never end. */
const setUp = setUpWith(200)

const lines = async (path: string): Promise<ReadonlyArray<Record<string, unknown>>> =>
  (
    await Bun.file(path)
      .text()
      .catch(() => "")
  )
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))

it.live(
  "takes a release from the feed to a concluded attempt, and does not take it again after a restart",
  () =>
    Effect.gen(function* () {
      const { forge, file, reports, service, look, wait } = yield* setUp
      forge.atom("tool").publish("v1")
      const first = yield* Effect.fork(service)
      // The files follow the log while the service runs.
      const concluded = async (count: number) =>
        (await lines(file("data/maintenance-attempts.jsonl"))).filter(({ status }) => status === "changed")
          .length >= count
      yield* wait("the attempt is concluded in the file", () => concluded(1))
      yield* Fiber.interrupt(first)
      expect(reports.map(({ outcome, signals }) => [outcome, signals.length])).toEqual([["polled", 1]])
      forge.atom("tool").publish("v2")
      const second = yield* Effect.fork(service)
      // A stop that comes before the run is claimed would leave it to the next engine.
      yield* wait("the second attempt is concluded as well", () => concluded(2))
      yield* Fiber.interrupt(second)
      expect(reports).toHaveLength(2)
      expect(reports[1]?.signals.map(({ title }) => title)).toEqual(["v2"])
      const { attempts, runs } = yield* look
      expect(attempts.map(({ upstreamTag }) => upstreamTag)).toEqual(["v2", "v1"])
      expect(runs).toHaveLength(2)
      // A step of a service has the short list and what its manifest names, and no secret.
      const names = (yield* Effect.promise(() => Bun.file(file("flows/maintain/names")).text())).split("\n")
      expect(names).toContain("NAMED")
      expect(names).toContain("CODEX_FLOW_PUSH")
      expect(names).not.toContain("OTHER")
      expect(names).not.toContain("PATCH_ADMIN_TOKEN")
    })
)

it.live("an interruption ends what runs after its grace as lost; the next start runs it again", () =>
  Effect.gen(function* () {
    const { forge, file, service, look, wait } = yield* setUp
    yield* Effect.promise(() => Bun.write(file("flows/maintain/wait"), ""))
    forge.atom("tool").publish("v1")
    const fiber = yield* Effect.fork(service)
    yield* wait("the step runs", () => readPid(file("flows/maintain/pid")))
    const pid = (yield* Effect.promise(() => readPid(file("flows/maintain/pid")))) ?? 0
    yield* Fiber.interrupt(fiber)
    expect(yield* Effect.promise(() => isAlive(pid))).toBe(false)
    yield* Effect.promise(() => Bun.file(file("flows/maintain/wait")).delete())
    const again = yield* Effect.fork(service)
    yield* wait("the attempt is concluded", async () =>
      (await lines(file("data/maintenance-attempts.jsonl"))).some(({ status }) => status === "changed")
    )
    yield* Fiber.interrupt(again)
    const { runs } = yield* look
    expect(runs).toHaveLength(1)
    expect(runs[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
  })
)

/** Keeps what is logged: the message, and what it is annotated with. */
const keepLogs = () => {
  const logs: Array<{ readonly message: string; readonly facts: Record<string, unknown> }> = []
  const keep = Logger.make(({ message, annotations }) => {
    logs.push({
      message: [message].flat().join(" "),
      facts: Object.fromEntries(HashMap.toEntries(annotations))
    })
  })
  const said = (start: string) => logs.filter(({ message }) => message.startsWith(start))
  return { said, layer: Logger.replace(Logger.defaultLogger, keep) }
}

it.live("tells the end of each run, and at a stop whom it waits for and what is cut off", () =>
  Effect.gen(function* () {
    const { forge, file, service, look, wait } = yield* setUp
    const { said, layer } = keepLogs()
    const logged = Effect.provide(service, layer)
    yield* Effect.promise(() => Bun.write(file("flows/maintain/wait"), ""))
    forge.atom("tool").publish("v1")
    const first = yield* Effect.fork(logged)
    yield* wait("the step runs", () => readPid(file("flows/maintain/pid")))
    yield* Fiber.interrupt(first)
    expect(said("stopping").map(({ message }) => message)).toEqual([
      "stopping: waiting up to 0.2 s for 1 run"
    ])
    const run = (yield* look).runs[0]
    expect(said("run.")).toMatchObject([
      {
        message: "run.cut_off: maintain/go will run again at the next start",
        facts: { run: run?.id, event: run?.eventId, error: expect.any(String) }
      }
    ])
    yield* Effect.promise(() => Bun.file(file("flows/maintain/wait")).delete())
    const second = yield* Effect.fork(logged)
    yield* wait("the end is told", () => said("run.ended").length > 0)
    yield* Fiber.interrupt(second)
    expect(said("run.ended")).toEqual([
      {
        message: "run.ended: maintain/go changed",
        facts: { run: run?.id, event: run?.eventId, status: "changed", durationMillis: expect.any(Number) }
      }
    ])
    expect(said("stopping").at(-1)?.message).toBe("stopping: no run is under way")
  })
)

it.live("tells the end of a run that the stop has waited for", () =>
  Effect.gen(function* () {
    const { forge, file, service, wait, workspace } = yield* setUpWith(10_000)
    const { said, layer } = keepLogs()
    // The step ends by itself soon after it is asked to; the stop waits for it.
    const slow = `const here = process.cwd()
await Bun.write(here + "/pid", String(process.pid))
while (!(await Bun.file(here + "/end").exists())) await Bun.sleep(5)
console.log('FLOW_RESULT {"status":"failed","message":"no luck"}')`
    yield* Effect.promise(() => workspace.write({ "flows/maintain/go.ts": slow }))
    forge.atom("tool").publish("v1")
    const fiber = yield* Effect.fork(Effect.provide(service, layer))
    yield* wait("the step runs", () => readPid(file("flows/maintain/pid")))
    yield* Effect.promise(() => Bun.write(file("flows/maintain/end"), ""))
    yield* Fiber.interrupt(fiber)
    expect(said("run.")).toMatchObject([
      { message: "run.ended: maintain/go failed: no luck", facts: { status: "failed" } }
    ])
  })
)

it.live("fails at its start where there is nothing to watch, and gives its folder back", () =>
  Effect.gen(function* () {
    const { file, service, look } = yield* setUp
    yield* Effect.promise(() => Bun.file(file("feed-sources.json")).delete())
    const exit = yield* Effect.exit(service)
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    expect(error).toMatchObject({ _tag: "SourcesFileError", file: file("feed-sources.json") })
    expect((yield* look).runs).toEqual([])
  })
)

it.live("warns of a file without sources, and watches on", () =>
  Effect.gen(function* () {
    const { file, service, wait, workspace } = yield* setUp
    const { said, layer } = keepLogs()
    yield* Effect.promise(() => workspace.write({ "feed-sources.json": '{"sources":[]}' }))
    const fiber = yield* Effect.fork(Effect.provide(service, layer))
    yield* wait("it watches", () => said("Watching").length > 0)
    expect(said("no sources in").map(({ message }) => message)).toEqual([
      `no sources in ${file("feed-sources.json")}; the file is read again now and then`
    ])
    yield* Fiber.interrupt(fiber)
  })
)

it.live("refuses to start beside another service on its folder", () =>
  Effect.gen(function* () {
    const { forge, reports, service, wait } = yield* setUp
    forge.atom("tool")
    const fiber = yield* Effect.fork(service)
    yield* wait("the first runs", () => reports.length === 1)
    expect(yield* Effect.flip(service)).toMatchObject({ _tag: "StoreLocked", owner: { pid: process.pid } })
    yield* Fiber.interrupt(fiber)
  })
)

for (const origin of ["a new release", "a run that was queued before the start"]) {
  it.live(`a step that asks for a secret of the sources file is not started, and says so (${origin})`, () =>
    Effect.gen(function* () {
      const { forge, file, service, look, wait, workspace } = yield* setUp
      const target = { mode: "workspace_flow", eventType: "upstream.release", workspaceSecretEnv: "NAMED" }
      const source = { ...plainSource, id: "tool", url: `${forge.url}/tool.atom`, primeOnly: false, target }
      yield* Effect.promise(() =>
        workspace.write({ "feed-sources.json": JSON.stringify({ sources: [source] }) })
      )
      if (origin === "a new release") forge.atom("tool").publish("v1")
      else {
        const event = { id: "before", type: "upstream.release", source: "patch" }
        yield* Effect.flatMap(Flow, (flow) => flow.dispatchEvent(event, { wait: false })).pipe(
          Effect.provide(
            layerLocal({
              workspaceRoot: workspace.root,
              state: { kind: "file", dataDir: file("data"), access: "write" },
              environment: { mode: "service", values: {}, secrets: [] },
              engine: { runs: false }
            })
          )
        )
      }
      const fiber = yield* Effect.fork(service)
      yield* wait("the attempt is concluded", async () =>
        (await lines(file("data/maintenance-attempts.jsonl"))).some(({ status }) => status === "failed")
      )
      yield* Fiber.interrupt(fiber)
      const { runs } = yield* look
      expect(runs[0]).toMatchObject({ exit: { _tag: "NotStarted" }, error: expect.stringContaining("NAMED") })
    })
  )
}
