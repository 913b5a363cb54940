/**
 * How calls end: by an abort, by a cancel, by closing the client. The steps are real processes, some of which ignore
 * SIGTERM.
 */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { ClientClosed, createFlowClient, FlowClient } from "../../src/index.ts"
import { echoEvent, eventually, rejection } from "../../src/testing/ClientContractPlace.ts"
import type { Workspace } from "../flow/workspace.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"
import {
  endlessScript,
  flowFiles,
  isAlive,
  makeEchoWorkspace,
  readPid,
  rememberingStates,
  stateOf,
  stubbornScript
} from "./support.ts"

const endless = { id: "s", type: "demo.endless" }

describe.each(rememberingStates)("with state %s", (kind) => {
  // The state makes no difference to how a process ends: one of them is enough for the wait of 5 seconds.
  const script = kind === "memory" ? stubbornScript : endlessScript
  const setUp = async (stepScript: string) => {
    const workspace = await makeEchoWorkspace(flowFiles("endless", endless.type, stepScript))
    const pidFile = join(workspace.root, "pid")
    const client = createFlowClient({
      mode: "local",
      cwd: workspace.root,
      state: stateOf(kind, workspace),
      env: { ...process.env, PID_FILE: pidFile }
    })
    const stepPid = () => eventually("the step runs", async () => readPid(pidFile))
    return { workspace, client, stepPid }
  }
  const tearDown = async (client: FlowClient, workspace: Workspace) => {
    await client.close()
    await workspace[Symbol.asyncDispose]()
  }

  test("cancel ends a running step with its process, also one that ignores SIGTERM", async () => {
    const { client, workspace, stepPid } = await setUp(script)
    const [run] = (await client.dispatchEvent(endless, { wait: false })).runs
    const pid = await stepPid()
    const canceled = await client.cancelRun(run?.id ?? "")
    expect(canceled.run).toMatchObject({ processStatus: "canceled", exit: { _tag: "Canceled" } })
    expect(await isAlive(pid)).toBe(false)
    await tearDown(client, workspace)
  }, 20_000)

  test("an abort during a wait leaves the step alone", async () => {
    const { client, workspace, stepPid } = await setUp(endlessScript)
    const reason = new Error("enough")
    const controller = new AbortController()
    const waiting = client.dispatchEvent(endless, { signal: controller.signal })
    const pid = await stepPid()
    controller.abort(reason)
    expect(await rejection(waiting)).toBe(reason)
    expect(await isAlive(pid)).toBe(true)
    const [run] = (await client.listRuns()).runs
    expect((await client.cancelRun(run?.id ?? "")).run.processStatus).toBe("canceled")
    await tearDown(client, workspace)
  }, 20_000)

  test("closing waits for running steps, ends what waits with ClientClosed, and may be called again", async () => {
    await using workspace = await makeEchoWorkspace(
      flowFiles(
        "slow",
        "demo.slow",
        `await Bun.write(process.env.PID_FILE, "started")
         while (!(await Bun.file(process.env.GO_FILE).exists())) await Bun.sleep(5)
         console.log('FLOW_RESULT {"status":"changed"}')`
      )
    )
    const started = join(workspace.root, "started")
    const go = join(workspace.root, "go")
    const client = createFlowClient({
      mode: "local",
      cwd: workspace.root,
      state: stateOf(kind, workspace),
      concurrency: 1,
      env: { ...process.env, PID_FILE: started, GO_FILE: go }
    })
    const running = client.dispatchEvent({ id: "1", type: "demo.slow" })
    await eventually("the step runs", () => Bun.file(started).exists())
    const queued = rejection(client.dispatchEvent(echoEvent("2")))
    const watching = rejection(
      (async () => {
        for await (const _ of client.watch());
      })()
    )
    await eventually("the second is queued", async () => (await client.listRuns()).runs.length === 2)
    const closed = [client.close(), client.close()]
    expect(await rejection(client.listEvents())).toBeInstanceOf(ClientClosed)
    await Bun.write(go, "")
    await Promise.all(closed)
    expect((await running).runs[0]).toMatchObject({ status: "changed", processStatus: "completed" })
    expect(await queued).toBeInstanceOf(ClientClosed)
    expect(await watching).toBeInstanceOf(ClientClosed)
    await client.close()
  })
})

test("a closed client polls nothing; one that was never used has nothing to close, and is closed all the same", async () => {
  await using workspace = await makeEchoWorkspace()
  const client = await FlowClient.open({ mode: "local", cwd: workspace.root })
  await client.close()
  expect(await rejection(client.pollSources({ sourcesFile: "none" }))).toBeInstanceOf(ClientClosed)
  const unused = createFlowClient({ mode: "local", cwd: workspace.root })
  await unused.close()
  expect(await rejection(unused.listEvents())).toBeInstanceOf(ClientClosed)
})

test("await using closes the client: its folder can be opened again, with everything in it", async () => {
  await using workspace = await makeEchoWorkspace()
  const options = { mode: "local", cwd: workspace.root, state: { kind: "file" } } as const
  const before = await (async () => {
    await using client = await FlowClient.open(options)
    await client.dispatchEvent(echoEvent("1", { status: "changed" }))
    return await client.getEvent("1")
  })()
  await using client = await FlowClient.open(options)
  expect(await client.getEvent("1")).toEqual(before)
  expect(await client.dispatchEvent(echoEvent("1"))).toMatchObject({
    status: "duplicate",
    payloadDiffers: true
  })
})

test("steps inherit the caller's variables; secrets of patchmoi never reach them", async () => {
  const script = `const { A, PATCH_ADMIN_TOKEN, DISCORD_WEBHOOK_URL, CODEX_FLOW_BACKEND_SECRET, HOME } = process.env
    const message = JSON.stringify([A, PATCH_ADMIN_TOKEN, DISCORD_WEBHOOK_URL, CODEX_FLOW_BACKEND_SECRET, HOME])
    console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", message }))`
  await using workspace = await makeEchoWorkspace(flowFiles("env", "demo.env", script))
  await using client = createFlowClient({
    mode: "local",
    cwd: workspace.root,
    env: {
      PATH: process.env["PATH"],
      A: "a",
      PATCH_ADMIN_TOKEN: "t",
      DISCORD_WEBHOOK_URL: "d",
      CODEX_FLOW_BACKEND_SECRET: "s"
    }
  })
  const { runs } = await client.dispatchEvent({ id: "1", type: "demo.env" })
  expect(runs[0]?.resultPayload?.message).toBe(JSON.stringify(["a", null, null, null, null]))
})

test("the secrets that a sources file names are kept from the steps of a poll", async () => {
  const script = `console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", message: String(process.env.OURS) }))`
  await using workspace = await makeEchoWorkspace(flowFiles("env", "upstream.release", script))
  await using forge = startFeedServer()
  const sourcesFile = join(workspace.root, "feed-sources.json")
  const target = { mode: "workspace_flow", eventType: "upstream.release", dispatchSecretEnv: "OURS" }
  const source = { ...plainSource, url: `${forge.url}/tool.atom`, primeOnly: false, target }
  await Bun.write(sourcesFile, JSON.stringify({ sources: [source] }))
  forge.atom("tool").publish("v1")
  await using client = createFlowClient({
    mode: "local",
    cwd: workspace.root,
    env: { ...process.env, OURS: "secret" }
  })
  const { runIds } = await client.pollSources({ sourcesFile })
  const run = await client.getRun(runIds[0] ?? "")
  expect(run.resultPayload?.message).toBe("undefined")
})
