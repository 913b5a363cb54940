/**
 * Remote dispatch from a real feed to real servers on loopback: to an earlier backend that knows only the published routes,
 * and to a server of ours. Goal: each event arrives once and in order, whatever the backend does, and its attempt ends as
 * the runs there end.
 */
import { describe, expect, test } from "bun:test"
import { FlowClient } from "../../src/index.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { serveWorkspace } from "../client/serving.ts"
import { flowFiles, makeEchoWorkspace } from "../client/support.ts"
import { backendSecret, dispatchesOf, makeSources, startEarlierBackend, whoRetried } from "./support.ts"

const releaseFlow = (result: string) =>
  flowFiles("release", "upstream.release", `console.log('FLOW_RESULT ${result}')`)

/** A client over a feed whose events go to the URL; a flow here would run them too, if it were let. */
const open = async (url: string, variables: Readonly<Record<string, string>> = {}) => {
  const workspace = await makeEchoWorkspace(releaseFlow('{"status":"failed","message":"ran here"}'))
  const sources = await makeSources(workspace.root, { workspaceUrl: url, workspaceSecretEnv: "OTHER" })
  const client = await FlowClient.open({
    mode: "local",
    cwd: workspace.root,
    state: "memory",
    env: { ...process.env, OTHER: backendSecret, ...variables }
  })
  return {
    workspace,
    client,
    publish: sources.publish,
    poll: () => client.pollSources({ sourcesFile: sources.sourcesFile }),
    [Symbol.asyncDispose]: async () => {
      await client.close()
      await sources.forge[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
    }
  }
}

const attemptOf = async (client: FlowClient) => (await client.listMaintenanceAttempts()).attempts[0]

describe("to an earlier backend", () => {
  test("hands an event over, runs no flow here, and concludes the attempt by the runs there", async () => {
    await using backend = startEarlierBackend()
    await using opened = await open(`${backend.url}/events`)
    const { client } = opened
    opened.publish("v1")
    const report = await opened.poll()
    expect(report.runIds).toEqual([])
    const [eventId = ""] = report.eventIds
    const [sent] = await eventually("the event is accepted", async () => {
      const all = await dispatchesOf(client)
      return all[0]?.status === "dispatched" && all
    })
    expect(backend.received).toEqual([eventId])
    expect(sent).toMatchObject({
      eventId,
      operation: "dispatch",
      target: "workspace-backend",
      transport: "workspace-http",
      workspaceBackendUrl: backend.url,
      secretEnv: "OTHER",
      runIds: [backend.runs[0]?.id ?? ""],
      matched: 1
    } as object)
    expect(await attemptOf(client)).toMatchObject({
      status: "started",
      upstreamTag: "v1",
      workspaceBackendUrl: backend.url,
      workspaceRunIds: [backend.runs[0]?.id ?? ""]
    } as object)
    backend.endRuns({
      status: "changed",
      message: "carried over",
      artifacts: { candidateRefs: [{ kind: "branch", ref: "refs/heads/candidate/v1", sha: "a".repeat(40) }] }
    })
    const concluded = await eventually("the attempt is concluded", async () => {
      const attempt = await attemptOf(client)
      return attempt?.status === "changed" && attempt
    })
    expect(concluded).toMatchObject({
      message: "carried over",
      candidateRefs: [{ kind: "branch", ref: "refs/heads/candidate/v1" }]
    })
    expect((await client.listRuns()).runs).toEqual([])
    expect(JSON.stringify(await client.getEvent(eventId))).not.toContain(backendSecret)
  })

  test("keeps the order while the backend fails, asks to wait, and loses answers; nothing arrives twice", async () => {
    await using backend = startEarlierBackend()
    const answers: Array<() => Response | "lose"> = [
      () => Response.json({ error: "broken" }, { status: 500 }),
      () => "lose",
      () => new Response("", { status: 429, headers: { "retry-after": "1" } }),
      () => Response.json({ error: "invalid signature" }, { status: 401 })
    ]
    backend.knobs.answer = (request) => (request.method === "POST" ? answers.shift()?.() : undefined)
    await using opened = await open(backend.url)
    for (const tag of ["v1", "v2", "v3"]) opened.publish(tag)
    const { eventIds } = await opened.poll()
    const failing = await eventually("a failed try is told", async () => {
      const [first] = await dispatchesOf(opened.client)
      return first?.failedTries !== undefined && first
    })
    expect(failing).toMatchObject({ status: "pending", httpStatus: 500, nextTryAt: expect.any(String) })
    expect(failing.error).toContain("broken")
    // One that waits holds back those behind it, and no more.
    const later = (await dispatchesOf(opened.client)).slice(1)
    expect(later.map(({ status }) => status)).toEqual(["pending", "pending"])
    await eventually("everything is accepted", async () =>
      (await dispatchesOf(opened.client)).every(({ status }) => status === "dispatched")
    )
    expect(backend.received).toEqual(eventIds as ReadonlyArray<string> as Array<string>)
    const [first] = await dispatchesOf(opened.client)
    expect(first).toMatchObject({ idempotent: true, failedTries: 4 })
  }, 30_000)

  test("waits for a backend that is down, and sync tries at once", async () => {
    const placeholder = startEarlierBackend()
    const { port, url } = placeholder
    await placeholder[Symbol.asyncDispose]()
    await using opened = await open(url)
    const { client } = opened
    opened.publish("v1")
    await opened.poll()
    await eventually("it cannot be reached", async () => {
      const [first] = await dispatchesOf(client)
      return first?.error?.includes("cannot be reached") === true
    })
    const attemptId = (await attemptOf(client))?.id ?? ""
    await using backend = startEarlierBackend({ port })
    expect(await client.syncMaintenanceAttempt(attemptId)).toMatchObject({
      workspaceRunIds: [expect.any(String)]
    })
    backend.endRuns({ status: "blocked", message: "look here" })
    expect(await client.syncMaintenanceAttempt(attemptId)).toMatchObject({
      status: "blocked",
      error: "look here"
    })
    expect(backend.received).toHaveLength(1)
  })

  test("gives up what the backend will never take, goes on with the next, and takes it up when it is asked to", async () => {
    await using backend = startEarlierBackend()
    backend.knobs.answer = (request) =>
      request.method === "POST" && backend.received.length === 0
        ? Response.json({ error: "no such type" }, { status: 422 })
        : undefined
    await using opened = await open(backend.url)
    const { client } = opened
    opened.publish("v1")
    const { eventIds } = await opened.poll()
    const attempt = await eventually("it is given up", async () => {
      const found = await attemptOf(client)
      return found?.status === "failed" && found
    })
    expect(attempt.error).toContain("no such type")
    expect(await dispatchesOf(client)).toMatchObject([{ status: "failed", httpStatus: 422 }])
    backend.knobs.answer = undefined
    expect(await client.syncMaintenanceAttempt(attempt.id, { by: "alice" })).toMatchObject({
      status: "started"
    })
    expect(await whoRetried(client)).toBe("alice")
    expect(backend.received).toEqual(eventIds as ReadonlyArray<string> as Array<string>)
  })

  test("replays there, once, also when the answer is lost", async () => {
    await using backend = startEarlierBackend()
    await using opened = await open(backend.url)
    const { client } = opened
    opened.publish("v1")
    const { eventIds } = await opened.poll()
    const eventId = eventIds[0] ?? ""
    await eventually("it is accepted", async () => (await dispatchesOf(client))[0]?.status === "dispatched")
    let lost = 0
    backend.knobs.answer = (request) => (request.method === "POST" && lost++ === 0 ? "lose" : undefined)
    expect(await client.replayEvent(eventId)).toMatchObject({ matched: 0, runIds: [] })
    const replayed = await eventually("the replay is accepted", async () => {
      const [, second] = await dispatchesOf(client)
      return second?.status === "dispatched" && second
    })
    expect(replayed).toMatchObject({
      operation: "replay",
      idempotent: true,
      runIds: [backend.runs[1]?.id ?? ""],
      failedTries: 1
    } as object)
    expect(backend.received).toEqual([eventId, `replay ${eventId}`])
    expect((await client.listRuns()).runs).toEqual([])
  })
})

test("to a server of ours: the flow there runs, signed, and the attempt here gets its candidates", async () => {
  await using there = await makeEchoWorkspace(
    releaseFlow('{"status":"changed","artifacts":{"candidateRef":"refs/heads/there"}}')
  )
  await using server = await serveWorkspace(there.root, { secret: backendSecret })
  await using opened = await open(server.url)
  opened.publish("v1")
  await opened.poll()
  const attempt = await eventually("the attempt is concluded", async () => {
    const found = await attemptOf(opened.client)
    return found?.status === "changed" && found
  })
  expect(attempt.candidateRefs).toEqual([{ kind: "ref", ref: "refs/heads/there" }])
  expect((await opened.client.listRuns()).runs).toEqual([])
})

describe("targets that lead nowhere", () => {
  test.each([
    [
      { workspaceUrl: "http://a", workspaceSecretEnv: "NOT_SET" },
      "workspaceSecretEnv",
      "NOT_SET, which is not set"
    ],
    [{ workspaceUrlEnv: "NOT_SET" }, "workspaceUrlEnv", "NOT_SET, which is not set"],
    [{ dispatchUrl: "ws://a" }, "dispatchUrl", "a ws:// URL"],
    [{ workspaceUrl: "http://me:topsecret@a" }, "workspaceUrl", "a user name or a password"],
    [{ workspaceUrlEnv: "BAD_URL" }, "workspaceUrlEnv", "a text that is no URL"]
  ])("%p: the source is refused with the reason, the others are polled", async (target, field, found) => {
    await using workspace = await makeEchoWorkspace()
    const other = { id: "other", target: { mode: "workspace_flow", eventType: "demo.other" } }
    const { forge, sourcesFile } = await makeSources(workspace.root, target)
    const file = await Bun.file(sourcesFile).json()
    await Bun.write(
      sourcesFile,
      JSON.stringify({ sources: [...file.sources, { ...file.sources[0], ...other }] })
    )
    forge.atom("tool").publish("v1")
    await using client = await FlowClient.open({
      mode: "local",
      cwd: workspace.root,
      env: { ...process.env, BAD_URL: "topsecret" }
    })
    const report = await client.pollSources({ sourcesFile })
    expect(report.broken.map(({ message }) => message).join()).toContain(field)
    expect(report.broken.map(({ message }) => message).join()).toContain(found)
    expect(Bun.inspect(report.broken)).not.toContain("topsecret")
    expect(report.polls.map(({ sourceId }) => sourceId)).toEqual(["other"])
    expect(await dispatchesOf(client)).toMatchObject([{ target: "local" }])
    await forge[Symbol.asyncDispose]()
  })
})
