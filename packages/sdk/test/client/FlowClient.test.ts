import { describe, expect, test } from "bun:test"
import { mkdir, rename, symlink } from "node:fs/promises"
import { join } from "node:path"
import { type Change, FlowClient } from "../../src/index.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, makeEchoWorkspace, rememberingStates, stateOf } from "./support.ts"

describe.each(rememberingStates)("a client with state %s", (kind) => {
  const open = async (files: Readonly<Record<string, string>> = {}) => {
    const workspace = await makeEchoWorkspace(files)
    const client = await FlowClient.open({
      mode: "local",
      cwd: workspace.root,
      state: stateOf(kind, workspace)
    })
    return {
      workspace,
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close()
        await workspace[Symbol.asyncDispose]()
      }
    }
  }

  test("waits for the runs of a dispatch and gives them with their output", async () => {
    await using opened = await open()
    const result = await opened.client.dispatchEvent(
      echoEvent("1", { status: "changed", message: "moved", artifacts: { n: 1 } })
    )
    expect(result).toMatchObject({ status: "accepted", eventId: "1", matched: 1 })
    expect(result).not.toHaveProperty("idempotent")
    const [run] = result.runs
    expect(run).toMatchObject({
      eventId: "1",
      flowName: "echo",
      flowVersion: 1,
      stepName: "go",
      runner: "bun",
      backend: kind,
      generation: 0,
      processStatus: "completed",
      resultStatus: "changed",
      status: "changed",
      effectiveStatus: "changed",
      needsAttention: false,
      attemptCount: 1,
      resultPayload: { status: "changed", message: "moved", artifacts: { n: 1 } },
      exit: { _tag: "ExitCode", code: 0 }
    })
    expect(run?.output.map(({ kind: stream, text }) => [stream, text]).join()).toContain("working on 1")
    expect(run?.attempts[0]).toMatchObject({ attemptNumber: 1, status: "completed" })
    expect(JSON.stringify(run)).not.toContain("leaseToken")
    expect(result.event).toMatchObject({ id: "1", type: "demo.echo", runIds: result.runIds, generation: 0 })
  })

  test("does not wait with wait: false, and the run ends all the same", async () => {
    await using opened = await open()
    const { runs } = await opened.client.dispatchEvent(echoEvent("1"), { wait: false })
    // With a free slot the run begins in the commit that accepts its event.
    expect(runs).toMatchObject([{ processStatus: "running", attempts: [{ status: "running" }] }])
    for await (const change of opened.client.watch()) if (change.type === "RunEnded") break
    expect(await opened.client.getRun(runs[0]?.id ?? "")).toMatchObject({ processStatus: "completed" })
  })

  test("answers a known id with the runs that it has, and tells when the payload differs", async () => {
    await using opened = await open()
    const first = await opened.client.dispatchEvent(echoEvent("1"))
    const again = await opened.client.dispatchEvent({ ...echoEvent("1"), occurredAt: "2026-01-01" })
    expect(again).toMatchObject({ status: "duplicate", idempotent: true, runIds: first.runIds, matched: 1 })
    expect(again).not.toHaveProperty("payloadDiffers")
    expect(again.runs[0]?.attemptCount).toBe(1)
    const other = await opened.client.dispatchEvent(echoEvent("1", { status: "failed" }))
    expect(other).toMatchObject({ status: "duplicate", payloadDiffers: true })
    const event = await opened.client.getEvent("1")
    expect(event.payload).toEqual({ status: "completed" })
    expect(event.differingDuplicates).toEqual([{ at: expect.any(String), type: "demo.echo" }])
  })

  test("executes one id once, however many dispatch it at the same time", async () => {
    await using opened = await open({
      ...flowFiles(
        "count",
        "demo.count",
        `import { appendFileSync } from "node:fs"
         appendFileSync(process.env.COUNT_FILE ?? "", "x")
         console.log('FLOW_RESULT {"status":"completed"}')`
      )
    })
    const file = join(opened.workspace.root, "count")
    await using client = await FlowClient.open({
      mode: "local",
      cwd: opened.workspace.root,
      env: { ...process.env, COUNT_FILE: file },
      state: kind === "memory" ? "memory" : { kind: "file" }
    })
    const results = await Promise.all(
      Array.from({ length: 12 }, () => client.dispatchEvent({ id: "1", type: "demo.count" }))
    )
    expect(results.filter(({ status }) => status === "accepted")).toHaveLength(1)
    expect(new Set(results.flatMap(({ runIds }) => runIds)).size).toBe(1)
    expect(results.every(({ runs }) => runs[0]?.processStatus === "completed")).toBe(true)
    expect(await Bun.file(file).text()).toBe("x")
  })

  test("replays an event as another generation and keeps the first", async () => {
    await using opened = await open()
    const first = await opened.client.dispatchEvent(echoEvent("1"))
    const second = await opened.client.replayEvent("1")
    expect(second).toMatchObject({ status: "accepted", matched: 1 })
    expect(second.runs[0]).toMatchObject({ generation: 1, processStatus: "completed" })
    const event = await opened.client.getEvent("1")
    expect(event.runIds).toEqual([...first.runIds, ...second.runIds])
    expect(event.runs.map(({ generation }) => generation)).toEqual([0, 1])
  })

  test("pages lists newest first, each item once, and filters them", async () => {
    await using opened = await open(
      flowFiles("other", "demo.other", `console.log('FLOW_RESULT {"status":"blocked"}')`)
    )
    const { client } = opened
    for (const id of ["1", "2", "3", "4", "5"]) await client.dispatchEvent(echoEvent(id))
    await client.dispatchEvent({ id: "6", type: "demo.other" })
    const ids: Array<string> = []
    let cursor: string | undefined
    do {
      const page = await client.listEvents({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      expect(page.events.length).toBeLessThanOrEqual(2)
      ids.push(...page.events.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(ids).toEqual(["6", "5", "4", "3", "2", "1"])
    const flowsOf = async (filter: Parameters<typeof client.listRuns>[0]) =>
      (await client.listRuns(filter)).runs.map(({ eventId }) => eventId)
    expect(await flowsOf({})).toEqual(["6", "5", "4", "3", "2", "1"] as Array<never>)
    expect(await flowsOf({ eventId: "3" })).toEqual(["3"] as Array<never>)
    expect(await client.listRuns({ eventId: "none" })).toEqual({ runs: [], eventId: "none" })
    expect(await client.listRuns({ flowName: "none" })).toEqual({ runs: [] })
    expect(await flowsOf({ flowName: "other" })).toEqual(["6"] as Array<never>)
    expect(await flowsOf({ flowName: "other", eventId: "3" })).toEqual([])
    expect(await flowsOf({ status: "blocked" })).toEqual(["6"] as Array<never>)
    expect(await flowsOf({ status: "completed", limit: 2 })).toHaveLength(2)
    expect(await flowsOf({ needsAttention: true })).toEqual(["6"] as Array<never>)
    expect(await flowsOf({ needsAttention: false })).toHaveLength(5)
    expect((await client.listRuns({})).runs.every(({ output }) => output.length === 0)).toBe(true)
    expect((await client.listEvents({ type: "demo.other" })).events.map(({ id }) => id)).toEqual(["6"])
    expect((await client.listEvents({ limit: 0 })).events).toHaveLength(6)
    // A filter that finds its last item at the end of a page does not lose what is behind it.
    const first = await client.listRuns({ status: "completed", limit: 3 })
    const rest = await client.listRuns({
      status: "completed",
      limit: 3,
      ...(first.cursor ? { cursor: first.cursor } : {})
    })
    const both = [...first.runs, ...rest.runs].map(({ eventId }) => String(eventId))
    // The process of 6 completed, whatever its result says.
    expect(both).toEqual(["6", "5", "4", "3", "2", "1"])
  })

  test("explains why a step does not match, and lists flows with the broken ones", async () => {
    await using opened = await open({
      "flows/bad/flow.toml": 'name = "bad"\n[[steps]]\nname = 3\n',
      ...flowFiles("strict", "demo.strict", ""),
      "flows/strict/flow.toml":
        'name = "strict"\nversion = 1\n[[steps]]\nname = "go"\nrunner = "bun"\nscript = "go.ts"\n[steps.trigger]\ntype = "demo.strict"\nschema = "s.json"\n',
      "flows/strict/s.json": '{"type":"object","required":["tag"]}'
    })
    const explained = await opened.client.explainEvent({ id: "1", type: "demo.strict", payload: {} })
    expect(explained.steps.map(({ flowName, matched }) => [flowName, matched])).toEqual([
      ["echo", false],
      ["strict", false]
    ])
    expect(explained.steps[1]?.reason).toContain("tag")
    expect(explained.broken.map(({ root }) => root)).toEqual([join(opened.workspace.root, "flows/bad")])
    const flows = await opened.client.listFlows()
    expect(flows.flows.map(({ name }) => name)).toEqual(["echo", "strict"])
    expect(flows.broken).toHaveLength(1)
    // The good flow beside the broken one runs.
    expect((await opened.client.dispatchEvent(echoEvent("2"))).runs[0]?.status).toBe("completed")
    expect((await opened.client.listEvents()).events.map(({ id }) => id)).toEqual(["2"])
  })

  test("watches past changes, then live ones, and goes on from a position", async () => {
    await using opened = await open()
    const { client } = opened
    await client.dispatchEvent(echoEvent("1"))
    const seen: Array<Change> = []
    for await (const change of client.watch()) {
      seen.push(change)
      // Dispatched while watching: what follows is live.
      if (change.type === "RunEnded" && change.id && seen.length < 8) {
        await client.dispatchEvent(echoEvent("2"), { wait: false })
      } else if (change.type === "RunEnded") break
    }
    expect(seen.map(({ position }) => position)).toEqual(seen.map((_, index) => index + 1))
    expect(seen.filter(({ type }) => type === "EventAccepted").map(({ id }) => id)).toEqual(["1", "2"])
    expect(new Set(seen.map(({ subject }) => subject))).toEqual(new Set(["event", "run"]))
    expect(JSON.stringify(seen)).not.toContain("leaseToken")
    const rest: Array<Change> = []
    for await (const change of client.watch({ after: 3 })) {
      rest.push(change)
      if (change.position === seen.length) break
    }
    expect(rest).toEqual(seen.slice(3))
  })

  test("keeps the record of upstream movements: attempts and dispatches, by event and by status", async () => {
    await using opened = await open()
    const { client } = opened
    const signal = (id: string, status: string) => ({
      ...echoEvent(id, { status, tag: "v1", repo: "a/b", artifacts: { candidateRef: `refs/heads/${id}` } }),
      source: "patch"
    })
    await client.dispatchEvent(signal("1", "changed"))
    await client.dispatchEvent(signal("2", "needs_intervention"))
    await client.dispatchEvent({ id: "3", type: "demo.nobody", source: "patch" })
    const { attempts } = await client.listMaintenanceAttempts()
    expect(attempts.map(({ eventId, status }) => [String(eventId), status])).toEqual([
      ["3", "skipped"],
      ["2", "needs_intervention"],
      ["1", "changed"]
    ])
    expect(attempts[0]?.message).toContain("demo.nobody")
    expect(attempts[2]).toMatchObject({
      upstreamTag: "v1",
      upstreamRepo: "a/b",
      candidateRefs: [{ kind: "ref", ref: "refs/heads/1" }]
    })
    const [changed] = (await client.listMaintenanceAttempts({ status: "changed" })).attempts
    expect(changed?.eventId).toBe("1" as never)
    expect(await client.getMaintenanceAttempt(changed?.id ?? "")).toEqual(changed as never)
    expect((await client.listMaintenanceAttempts({ eventId: "2" })).attempts).toHaveLength(1)
    expect((await client.listMaintenanceAttempts({ eventId: "2", status: "changed" })).attempts).toEqual([])
    const page = await client.listMaintenanceAttempts({ limit: 2 })
    expect(
      (await client.listMaintenanceAttempts({ limit: 2, cursor: page.cursor ?? "" })).attempts
    ).toHaveLength(1)
    await client.replayEvent("2")
    const dispatches = (await client.listDispatches({ eventId: "2" })).dispatches
    expect(dispatches.map(({ operation }) => operation)).toEqual(["replay", "dispatch"])
    expect((await client.listDispatches({ status: "failed" })).dispatches).toEqual([])
    expect((await client.listDispatches({ limit: 2 })).cursor).toBeDefined()
  })

  test("takes what the wire may bring: receivedAt null, array payloads, extra fields; lists stay readable", async () => {
    await using opened = await open()
    const { client } = opened
    await client.dispatchEvent({ id: "1", type: "t", receivedAt: null, payload: [1, "two"], labels: ["x"] })
    await client.dispatchEvent({ id: "2", type: "t", payload: null })
    await client.dispatchEvent({ id: "3", type: "t", payload: "text" })
    const { events } = await client.listEvents()
    expect(events.map(({ payload }) => payload)).toEqual(["text", null, [1, "two"]])
    expect(events[2]).toMatchObject({ labels: ["x"] })
    expect(Date.parse(events[2]?.receivedAt ?? "")).toBeGreaterThan(0)
    expect((await client.replayEvent("1")).status).toBe("accepted")
  })

  test.each([
    ["skipped", false],
    ["completed", false],
    ["changed", false],
    ["needs_intervention", true],
    ["blocked", true],
    ["failed", true]
  ] as const)("shows the result %s, and that it needs attention: %p", async (status, attention) => {
    await using opened = await open()
    const { runs } = await opened.client.dispatchEvent(echoEvent("1", { status }))
    expect(runs[0]).toMatchObject({
      processStatus: "completed",
      resultStatus: status,
      status,
      needsAttention: attention
    })
    const { attempts } = await opened.client.listMaintenanceAttempts()
    expect(attempts).toEqual([])
  })

  test("keeps a result that was printed before a bad exit", async () => {
    await using opened = await open(
      flowFiles(
        "late",
        "demo.late",
        `console.log('FLOW_RESULT {"status":"changed","message":"done"}'); process.exit(1)`
      )
    )
    const { runs } = await opened.client.dispatchEvent({ id: "1", type: "demo.late" })
    expect(runs[0]).toMatchObject({
      processStatus: "failed",
      effectiveStatus: "failed",
      resultStatus: "changed",
      resultPayload: { status: "changed", message: "done" },
      exit: { _tag: "ExitCode", code: 1 },
      needsAttention: true
    })
    expect(runs[0]?.error).toBeDefined()
  })

  test("dispatches what a result asks for next, through real steps", async () => {
    await using opened = await open()
    const third = { type: "demo.echo", payload: { status: "completed" } }
    const second = { type: "demo.echo", id: "second", payload: { status: "changed", next: [third] } }
    await opened.client.dispatchEvent(echoEvent("first", { status: "changed", next: [second] }))
    const ends: Array<string> = []
    for await (const change of opened.client.watch()) {
      if (change.type === "RunEnded") ends.push(change.id)
      if (ends.length === 3) break
    }
    const { events } = await opened.client.listEvents()
    expect(events.map(({ depth }) => depth)).toEqual([2, 1, 0])
    expect(events[1]).toMatchObject({ id: "second", causedBy: { eventId: "first" } })
    expect(events[0]?.causedBy?.eventId).toBe("second")
  })

  test("finds a flow behind a symbolic link", async () => {
    await using opened = await open()
    await mkdir(join(opened.workspace.root, "elsewhere"))
    await rename(join(opened.workspace.root, "flows/echo"), join(opened.workspace.root, "elsewhere/echo"))
    await symlink(join(opened.workspace.root, "elsewhere/echo"), join(opened.workspace.root, "flows/linked"))
    expect((await opened.client.dispatchEvent(echoEvent("1"))).runs[0]?.status).toBe("completed")
  })

  test("ends a step that takes longer than its timeout, and says so", async () => {
    await using opened = await open(
      flowFiles("slow", "demo.slow", "setInterval(() => {}, 1000)", "timeout_ms = 300")
    )
    const { runs } = await opened.client.dispatchEvent({ id: "1", type: "demo.slow" })
    expect(runs[0]).toMatchObject({
      processStatus: "failed",
      exit: { _tag: "Timeout", timeoutMillis: 300 },
      needsAttention: true
    })
  })
})
