/** `patchmoi attempt sync`, as a process of its own beside a backend that was away. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { FlowClient } from "../../src/index.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { makeEchoWorkspace } from "../client/support.ts"
import { backendSecret, dispatchesOf, makeSources, startEarlierBackend, whoRetried } from "./support.ts"

test("hands over what waits, and concludes what has ended there", async () => {
  const placeholder = startEarlierBackend()
  const { port, url } = placeholder
  await placeholder[Symbol.asyncDispose]()
  await using workspace = await makeEchoWorkspace()
  const sources = await makeSources(workspace.root, { workspaceUrl: url, workspaceSecretEnv: "OTHER" })
  const dataDir = join(workspace.root, "data")
  const env = { ...process.env, OTHER: backendSecret }
  const state = { kind: "sqlite", dataDir } as const
  const client = await FlowClient.open({ mode: "local", cwd: workspace.root, state, env })
  sources.publish("v1")
  await client.pollSources({ sourcesFile: sources.sourcesFile })
  await eventually(
    "it cannot be reached",
    async () => (await dispatchesOf(client))[0]?.failedTries !== undefined
  )
  const attemptId = (await client.listMaintenanceAttempts()).attempts[0]?.id ?? ""
  await client.close()
  await sources.forge[Symbol.asyncDispose]()

  await using backend = startEarlierBackend({ port })
  const sync = async () => {
    const child = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "../../src/bin.ts"),
        "attempt",
        "sync",
        attemptId,
        "--data-dir",
        dataDir,
        "--json"
      ],
      { env, cwd: workspace.root, stdout: "pipe", stderr: "pipe" }
    )
    const [said, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
    expect([await child.exited, complaint]).toEqual([0, ""])
    return JSON.parse(said)
  }
  expect(await sync()).toMatchObject({ status: "started", workspaceRunIds: [backend.runs[0]?.id] })
  backend.endRuns({ status: "changed", artifacts: { candidateRef: "refs/heads/candidate/v1" } })
  expect(await sync()).toMatchObject({
    status: "changed",
    candidateRefs: [{ ref: "refs/heads/candidate/v1" }]
  })
  expect(backend.received).toHaveLength(1)
  await using reader = await FlowClient.open({ mode: "local", cwd: workspace.root, state, env })
  expect(await whoRetried(reader)).toBe("command line")
})

/** A record with one dispatch that the backend refused for good, which would be accepted now. */
const givenUp = async () => {
  const backend = startEarlierBackend()
  const workspace = await makeEchoWorkspace()
  const sources = await makeSources(workspace.root, {
    workspaceUrl: backend.url,
    workspaceSecretEnv: "OTHER"
  })
  const state = { kind: "sqlite", dataDir: join(workspace.root, "data") } as const
  const env = { ...process.env, OTHER: backendSecret }
  const open = () => FlowClient.open({ mode: "local", cwd: workspace.root, state, env })
  backend.knobs.answer = () => Response.json({ error: "no" }, { status: 400 })
  const client = await open()
  sources.publish("v1")
  await client.pollSources({ sourcesFile: sources.sourcesFile })
  await eventually("it is given up", async () => (await dispatchesOf(client))[0]?.status === "failed")
  const attemptId = (await client.listMaintenanceAttempts()).attempts[0]?.id ?? ""
  backend.knobs.answer = undefined
  const statusOf = async (reader: FlowClient) =>
    (await reader.listMaintenanceAttempts()).attempts.find(({ id }) => id === attemptId)?.status
  const dispose = async () => {
    await sources.forge[Symbol.asyncDispose]()
    await backend[Symbol.asyncDispose]()
    await workspace[Symbol.asyncDispose]()
  }
  return {
    attemptId,
    backend,
    client,
    env,
    open,
    sources,
    state,
    statusOf,
    workspace,
    [Symbol.asyncDispose]: dispose
  }
}

test("a sync before anything else does not keep the outbox from its work", async () => {
  await using here = await givenUp()
  await here.client.close()
  await using client = await here.open()
  await client.syncMaintenanceAttempt(here.attemptId)
  here.backend.endRuns({ status: "changed" })
  await eventually("its runs are followed", async () => (await here.statusOf(client)) === "changed")
  here.sources.publish("v2")
  await client.pollSources({ sourcesFile: here.sources.sourcesFile })
  await eventually("what comes later is sent", () => here.backend.received.length === 2)
})

test("runs that another process handed over are followed by whoever serves the record", async () => {
  await using here = await givenUp()
  await using client = here.client
  const sync = [join(import.meta.dir, "../../src/bin.ts"), "attempt", "sync", here.attemptId]
  const child = Bun.spawn([process.execPath, ...sync, "--data-dir", here.state.dataDir], {
    env: here.env,
    cwd: here.workspace.root,
    stdout: "ignore"
  })
  expect(await child.exited).toBe(0)
  here.backend.endRuns({ status: "changed" })
  // It looks at the record when nothing wakes it, at the latest as often as at a backend.
  await eventually("they are followed", async () => (await here.statusOf(client)) === "changed")
})
