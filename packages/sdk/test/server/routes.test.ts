/** Every route as its callers see it, over a real server. */
import { describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as OpenApi from "@effect/platform/OpenApi"
import { FlowApi } from "../../src/api/FlowApi.ts"
import { routes } from "../../src/api/routes.ts"
import { echoEvent, eventually, gateEvent } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles } from "../client/support.ts"
import { openServer } from "./place.ts"

describe("taking events in", () => {
  test("a dispatch is 202 with what became of it, on every alias; a duplicate says so and counts its runs", async () => {
    await using place = await openServer()
    for (const [index, path] of ["/events", "/flow-events", "/flow-dispatches"].entries()) {
      const id = `e${index}`
      const accepted = await place.post(path, echoEvent(id))
      expect(accepted.status).toBe(202)
      expect(accepted.body).toEqual({
        status: "accepted",
        eventId: id,
        runIds: [expect.stringMatching(/^run_[0-9a-f]{32}$/)],
        matched: 1
      })
      const again = await place.post(path, echoEvent(id))
      expect(again.status).toBe(202)
      expect(again.body).toEqual({ ...accepted.body, status: "duplicate", idempotent: true })
    }
    const other = await place.post("/events", echoEvent("e0", { status: "changed" }))
    expect(other.body).toMatchObject({ status: "duplicate", idempotent: true, payloadDiffers: true })
    const unmatched = await place.post("/events", { id: "lonely", type: "nobody.wants" })
    expect(unmatched.body).toEqual({ status: "accepted", eventId: "lonely", runIds: [], matched: 0 })
  })

  test("wait=true answers when the runs have ended, with event and runs; a time-out answers with them as they are", async () => {
    await using place = await openServer()
    const waited = await place.post("/events?wait=true", echoEvent("w", { status: "needs_intervention" }))
    expect(waited.status).toBe(202)
    expect(waited.body).toMatchObject({
      status: "accepted",
      event: { id: "w", runIds: waited.body.runIds },
      runs: [{ status: "completed", effectiveStatus: "needs_intervention", needsAttention: true }]
    })
    expect(waited.body.runs[0].output).toEqual([])
    const late = await place.post("/events?wait=true&timeoutMillis=50", gateEvent("g", place.root))
    expect(late.status).toBe(202)
    expect(late.body).toMatchObject({ status: "accepted", timedOut: true })
    expect(["queued", "running"]).toContain(late.body.runs[0].status)
    await writeFile(join(place.root, "g.gate"), "")
    const included = await place.post("/events?wait=1", gateEvent("g", place.root))
    expect(included.body).toMatchObject({ status: "duplicate", runs: [{ status: "completed" }] })
    expect(included.body.timedOut).toBeUndefined()
  })

  test("a replay takes wait in its body or its query, and gives a further generation", async () => {
    await using place = await openServer()
    const first = await place.post("/events?wait=true", echoEvent("r"))
    const replayed = await place.post("/events/r/replay", { wait: true })
    expect(replayed.status).toBe(202)
    expect(replayed.body).toMatchObject({
      status: "accepted",
      matched: 1,
      event: { generation: 1 },
      runs: [{ generation: 1, status: "completed" }]
    })
    expect(replayed.body.runIds).not.toEqual(first.body.runIds)
    expect((await place.post("/events/r/replay?wait=true")).body).toMatchObject({ runs: [{ generation: 2 }] })
    const short = await place.post("/events/r/replay", {})
    expect(Object.keys(short.body).toSorted()).toEqual(["eventId", "matched", "runIds", "status"])
    expect((await place.post("/events/none/replay", {})).body.error.code).toBe("UnknownEvent")
  })

  test("explain says for every step why, and records nothing", async () => {
    await using place = await openServer()
    const { body } = await place.post("/events/explain", echoEvent("x"))
    expect(body.steps.find((step: { flowName: string }) => step.flowName === "echo").matched).toBe(true)
    expect(body.steps.find((step: { flowName: string }) => step.flowName === "gate").reason).toContain(
      "demo.echo"
    )
    expect((await place.get("/events")).body).toEqual({ events: [] })
  })
})

describe("the record", () => {
  test("events and runs are listed with filters and cursors, and shown one by one", async () => {
    await using place = await openServer()
    for (const id of ["a", "b", "c"]) {
      await place.post("/events?wait=true", {
        ...echoEvent(id),
        source: id === "c" ? "elsewhere" : "here",
        extra: 1
      })
    }
    await place.post("/events?wait=true", echoEvent("bad", { status: "failed" }))
    const { body: event } = await place.get("/events/a")
    expect(Object.keys(event)).toEqual(["event", "runs"])
    expect(event.event).toMatchObject({ id: "a", type: "demo.echo", source: "here", extra: 1 })
    expect(event.runs).toMatchObject([{ eventId: "a", output: [] }])
    expect((await place.get("/flow-events/a")).body).toEqual(event)
    const run = event.runs[0].id
    const { body: shown } = await place.get(`/runs/${run}`)
    expect(shown.run.output.length).toBeGreaterThan(0)

    const ids = async (path: string): Promise<ReadonlyArray<string>> => {
      const { body } = await place.get(path)
      return (body.events ?? body.runs).map(
        (item: { id: string; eventId?: string }) => item.eventId ?? item.id
      )
    }
    expect(await ids("/events")).toEqual(["bad", "c", "b", "a"])
    expect(await ids("/flow-events?source=here")).toEqual(["b", "a"])
    expect(await ids("/events?type=other")).toEqual([])
    expect(await ids("/runs?eventId=b")).toEqual(["b"])
    expect((await place.get("/runs?eventId=b")).body.eventId).toBe("b")
    expect(await ids("/runs?status=failed")).toEqual(["bad"])
    expect(await ids("/runs?status=completed&limit=1")).toEqual(["bad"])
    expect(await ids("/runs?flow=gate")).toEqual([])
    expect(await ids("/runs?needsAttention=true")).toEqual(["bad"])
    expect(await ids("/runs?needsAttention=false&type=demo.echo")).toEqual(["c", "b", "a"])
    const { createdAt } = (await place.get("/events/b")).body.event
    expect(await ids(`/events?until=${createdAt}`)).not.toContain("c")
    expect(await ids(`/events?since=${Date.parse(createdAt)}`)).toContain("b")
    const first = await place.get("/events?limit=3")
    expect(first.body.events).toHaveLength(3)
    expect(await ids(`/events?limit=3&cursor=${encodeURIComponent(first.body.cursor)}`)).toEqual(["a"])
    for (const limit of ["0", "NaN", "-5", "9999"])
      expect((await ids(`/events?limit=${limit}`)).length).toBe(4)
  })

  test("what only the record says of an event is not the sender's to say, and spoils no list", async () => {
    await using place = await openServer()
    const fields = { causedBy: { eventId: "e", runId: "r" }, dispatchedBy: "root", compactedAt: "long ago" }
    await place.post("/events", { ...echoEvent("claims"), ...fields, trace: "t" })
    await place.post("/events", { ...echoEvent("spoils"), causedBy: "x" })
    const { status, body } = await place.get("/events")
    expect(status).toBe(200)
    for (const event of [...body.events, (await place.get("/events/claims")).body.event]) {
      expect(event.dispatchedBy).toBe("http")
      expect(Object.keys(event)).not.toContainAnyValues(["causedBy", "compactedAt"])
    }
    expect(body.events[1].trace).toBe("t")
  })

  test("an id of 512 characters and of any script is found", async () => {
    await using place = await openServer()
    for (const id of ["x".repeat(512), "patch:src/1:tag:release", "日本語 ? # % ø"]) {
      expect((await place.post("/events", echoEvent(id))).status).toBe(202)
      expect((await place.get(`/events/${encodeURIComponent(id)}`)).body.event.id).toBe(id)
      expect((await place.post(`/events/${encodeURIComponent(id)}/replay`, {})).status).toBe(202)
    }
  })

  test("maintenance attempts, dispatches and flows", async () => {
    await using place = await openServer()
    await place.post("/events?wait=true", { ...echoEvent("patch:s:1:t"), source: "patch" })
    const { body } = await place.get("/maintenance-attempts?status=completed")
    expect(body.attempts).toMatchObject([{ eventId: "patch:s:1:t", status: "completed" }])
    const id = encodeURIComponent(body.attempts[0].id)
    expect((await place.get(`/maintenance-attempts/${id}`)).body.attempt).toEqual(body.attempts[0])
    expect((await place.post(`/maintenance-attempts/${id}/sync`)).body.attempt).toEqual(body.attempts[0])
    for (const path of ["/workspace-dispatches", "/flow-dispatches"]) {
      expect((await place.get(path)).body.dispatches).toMatchObject([
        { eventId: "patch:s:1:t", target: "local" }
      ])
    }
    const flows = (await place.get("/flows")).body
    expect(flows.flows.map(({ name }: { name: string }) => name)).toEqual(["echo", "gate"])
    expect(flows.broken).toEqual([])
  })

  test("a run is canceled, once, under the name of its caller", async () => {
    await using place = await openServer()
    const { body } = await place.post("/events", gateEvent("c", place.root))
    const [run] = body.runIds
    await eventually(
      "the step runs",
      async () => (await place.get(`/runs/${run}`)).body.run.status === "running"
    )
    const canceled = await place.post(`/runs/${run}/cancel`, { reason: "not now" })
    expect(canceled.body.run).toMatchObject({ id: run, status: "canceled", effectiveStatus: "canceled" })
    expect((await place.post(`/runs/${run}/cancel`)).status).toBe(200)
    const done = (await place.post("/events?wait=true", echoEvent("done"))).body.runIds[0]
    const refused = await place.post(`/runs/${done}/cancel`, {})
    expect([refused.status, refused.body.error.code]).toEqual([409, "RunAlreadyEnded"])
    expect(refused.body.error.details.processStatus).toBe("completed")
  })

  test("a blocked run is approved; what it was told is in its record, and a second decision is refused", async () => {
    await using place = await openServer({
      fixture: flowFiles(
        "ask",
        "demo.ask",
        `
const context = await Bun.stdin.json()
const decided = JSON.stringify(context).includes('"approved"')
console.log("FLOW_RESULT " + JSON.stringify(decided ? { status: "changed" } : {
  status: "blocked", artifacts: { approval: { prompt: "Ship it?", choices: ["now", "later"] } } }))
`
      )
    })
    const asked = await place.post("/events?wait=true", { id: "q", type: "demo.ask" })
    const [run] = asked.body.runs
    expect(run).toMatchObject({
      effectiveStatus: "blocked",
      waitingOn: { _tag: "Approval", prompt: "Ship it?" }
    })
    expect((await place.get("/runs/stuck?all=true")).body).toMatchObject({
      counts: { Approval: 1, Stuck: 0 }
    })
    const wrong = await place.post(`/runs/${run.id}/approve`, { choice: "never" })
    expect([wrong.status, wrong.body.error.code, wrong.body.error.field]).toEqual([
      422,
      "InvalidDecision",
      "/choice"
    ])
    expect((await place.post(`/runs/${run.id}/approve`, { choice: "now", comment: "go" })).status).toBe(200)
    await eventually(
      "it ended",
      async () => (await place.get(`/runs/${run.id}`)).body.run.effectiveStatus === "changed"
    )
    const again = await place.post(`/runs/${run.id}/reject`, {})
    expect([again.status, again.body.error.code]).toEqual([409, "RunNotAwaitingApproval"])
  })
})

describe("the server itself", () => {
  test("healthz, readyz, metrics and the document of the API", async () => {
    await using place = await openServer()
    expect((await place.get("/healthz")).body).toEqual({ ok: true })
    expect((await place.get("/readyz")).body).toEqual({ ok: true })
    expect((await place.fetch("/healthz", { method: "HEAD" })).status).toBe(200)
    await place.post("/events?wait=true", echoEvent("1"))
    await place.post("/events", echoEvent("1"))
    const { text, headers } = await place.get("/metrics")
    expect(headers.get("content-type")).toStartWith("application/openmetrics-text")
    expect(text).toContain('patchmoi_events_total{status="accepted"} 1\n')
    expect(text).toContain('patchmoi_events_total{status="duplicate"} 1\n')
    expect(text).toContain('patchmoi_runs{status="completed"} 1\n')
    expect(text).toContain('patchmoi_http_requests_total{route="/events",method="POST",status="202"} 2\n')
    expect(text).toEndWith("# EOF\n")
    const { body } = await place.get("/openapi.json")
    expect(Object.keys(body.paths)).toHaveLength(new Set(routes.map(({ path }) => path)).size)
  })

  test("no answer is kept by a cache, or taken for another type than it has", async () => {
    await using place = await openServer()
    await place.post("/events?wait=true", echoEvent("1"))
    for (const path of [
      "/healthz",
      "/metrics",
      "/openapi.json",
      "/runs",
      "/events/1",
      "/events/none",
      "/flows"
    ]) {
      const { headers } = await place.get(path)
      const guards = [headers.get("cache-control"), headers.get("x-content-type-options")]
      expect([path, ...guards]).toEqual([path, "no-store", "nosniff"])
    }
  })

  test("the document says who may ask for what", async () => {
    await using place = await openServer()
    const { body } = await place.get("/openapi.json")
    expect(body.components.securitySchemes).toMatchObject({
      bearer: { type: "http", scheme: "bearer" },
      signature: { type: "apiKey", in: "header", name: "x-patchmoi-signature" },
      bodySignature1: { name: "x-flow-signature-256" }
    })
    const schemes = new Set(Object.keys(body.components.securitySchemes))
    for (const { method, path, scope, name } of routes) {
      const { security } = body.paths[path][method.toLowerCase()]
      const named = security.flatMap((each: object) => Object.keys(each))
      expect(named.every((scheme: string) => schemes.has(scheme))).toBe(true)
      expect(named).toHaveLength(scope === "open" ? 0 : name === "dispatch" ? 4 : 2)
      if (scope !== "open") expect(security[0]).toEqual({ bearer: [scope] })
    }
    expect(Object.keys(body.components)).toContain("schemas")
  })

  test("the table of routes and the API value are the same", () => {
    const { paths } = OpenApi.fromApi(FlowApi)
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)
    )
    expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(described.toSorted())
  })
})
