/**
 * How the outbox learns that a run of another backend ended: from its stream of changes, and by looking where there is no
 * stream. Where the stream must tell, the waits between two looks are longer than the test may take.
 */
import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Dispatcher from "@patchmoi/core/engine/Dispatcher"
import { normalizeEvent } from "@patchmoi/core/event/normalizeEvent"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import * as Store from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Fetch } from "../../src/client/http/HttpClientOptions.ts"
import { createHttpFlowClient } from "../../src/http.ts"
import * as Outbox from "../../src/outbox/Outbox.ts"
import type { OutboxPolicy } from "../../src/outbox/OutboxPolicy.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { serveWorkspace } from "../client/serving.ts"
import { flowFiles, makeEchoWorkspace } from "../client/support.ts"
import { backendSecret, startEarlierBackend } from "./support.ts"

/** No look comes by itself while a test runs. */
const rarely: Partial<OutboxPolicy> = {
  firstLookMillis: 120_000,
  lookMillisMax: 120_000,
  liveLookMillis: 120_000,
  firstWaitMillis: 20
}

/** Ends once the file `gate` is in the workspace. */
const gateFlow = flowFiles(
  "release",
  "upstream.release",
  `
const gate = (await Bun.stdin.json()).flow.event.payload.gate
while (!(await Bun.file(gate).exists())) await Bun.sleep(5)
console.log('FLOW_RESULT {"status":"changed","message":"ran there"}')
`
)

/** A backend of ours whose runs wait for a gate. */
const openBackend = async () => {
  const workspace = await makeEchoWorkspace(gateFlow)
  const server = await serveWorkspace(workspace.root, { secret: backendSecret })
  const gate = join(workspace.root, "gate")
  return {
    url: server.url,
    gate,
    openGate: () => writeFile(gate, ""),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
    }
  }
}

/** An outbox over a record with one event for the backend; `asked` are the paths of what was asked there. */
const openOutbox = async (options: {
  readonly url: string
  readonly gate?: string
  readonly policy: Partial<OutboxPolicy>
  /** Stands before the platform's `fetch`. */
  readonly before?: (path: string, go: () => Promise<Response>) => Promise<Response>
}) => {
  const { url, gate, policy, before = (_, go) => go() } = options
  const asked: Array<string> = []
  const fetchNoting: Fetch = (address, init) => {
    const { pathname, search } = new URL(address)
    asked.push(pathname + search)
    return before(pathname, () => fetch(address, init))
  }
  const scope = Effect.runSync(Scope.make())
  const opening = Effect.gen(function* () {
    const store = yield* Store.Store
    const event = yield* normalizeEvent(
      { id: "e1", type: "upstream.release", source: "patch", payload: { gate } },
      0
    )
    const backend = { url, secretEnv: "OTHER" }
    yield* store.commit((unit) =>
      Dispatcher.make().accept(unit, { flows: [], broken: [] }, event, { backend })
    )
    yield* Outbox.make({ variables: { OTHER: backendSecret }, policy, fetch: fetchNoting })
    return store
  }).pipe(Effect.provide(Store.layerMemory))
  const store = await Effect.runPromise(Scope.extend(opening, scope))
  const attempt = async () => (await Effect.runPromise(store.list(MaintenanceAttempts))).items[0]
  return {
    attempt,
    concluded: () =>
      eventually("the attempt is concluded", async () => {
        const found = await attempt()
        return found !== undefined && found.status !== "started" && found
      }),
    count: (path: string) => asked.filter((each) => each.startsWith(path)).length,
    asked,
    [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

test("a backend of ours tells by itself that a run ended", async () => {
  await using backend = await openBackend()
  await using outbox = await openOutbox({ ...backend, policy: rarely })
  // One look when the event was taken, one when the stream stood; none before the run ends.
  await eventually("the stream stands", () => outbox.count("/changes") === 1 && outbox.count("/runs") >= 2)
  const looks = outbox.count("/runs")
  await backend.openGate()
  expect(await outbox.concluded()).toMatchObject({ status: "changed", message: "ran there" })
  expect(outbox.count("/runs") - looks).toBeLessThanOrEqual(2)
  expect(outbox.asked).toContain("/changes?after=latest&type=RunEnded")
})

test("a run that ended while the stream was opened is found", async () => {
  await using backend = await openBackend()
  await using outbox = await openOutbox({
    ...backend,
    policy: rarely,
    before: async (path, go) => {
      if (path !== "/changes") return go()
      await backend.openGate()
      await using client = createHttpFlowClient({ baseUrl: backend.url, hmacSecret: backendSecret })
      const run = async () => (await client.listRuns()).runs[0]?.processStatus === "completed"
      await eventually("the run there ends", run)
      expect((await outbox.attempt())?.status).toBe("started")
      return go()
    }
  })
  expect(await outbox.concluded()).toMatchObject({ status: "changed" })
  expect(outbox.count("/changes")).toBe(1)
})

test("a stream that breaks off is opened again", async () => {
  await using backend = await openBackend()
  let connections = 0
  await using outbox = await openOutbox({
    ...backend,
    policy: rarely,
    before: async (path, go) => {
      if (path !== "/changes" || ++connections > 3) return go()
      const { headers } = await go()
      if (connections === 1) return new Response("retry: 1000\n\n", { headers })
      if (connections === 2) throw new Error("the connection was refused")
      return new Response("event: change\ndata: garbage", { headers })
    }
  })
  await eventually("the stream stands again", () => connections === 4 && outbox.count("/runs") >= 5)
  await backend.openGate()
  expect(await outbox.concluded()).toMatchObject({ status: "changed" })
})

test("a backend without the route is asked for it once, and looked at", async () => {
  await using backend = startEarlierBackend()
  const policy = { ...rarely, firstLookMillis: 20, lookMillisMax: 50 }
  await using outbox = await openOutbox({ url: backend.url, policy })
  await eventually("it is looked at", () => outbox.count("/runs") >= 5)
  backend.endRuns({ status: "changed" })
  expect(await outbox.concluded()).toMatchObject({ status: "changed" })
  expect(outbox.count("/changes")).toBe(1)
})

test("a server that answers the route with something else is looked at", async () => {
  await using backend = startEarlierBackend()
  backend.knobs.answer = (request) =>
    new URL(request.url).pathname === "/changes"
      ? new Response("data: {}\n\n", { headers: { "content-type": "text/event-stream" } })
      : undefined
  const policy = { ...rarely, firstLookMillis: 20, lookMillisMax: 50 }
  await using outbox = await openOutbox({ url: backend.url, policy })
  await eventually("it is looked at", () => outbox.count("/runs") >= 5)
  backend.endRuns({ status: "changed" })
  expect(await outbox.concluded()).toMatchObject({ status: "changed" })
  expect(outbox.count("/changes")).toBe(1)
})
