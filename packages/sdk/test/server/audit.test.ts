/**
 * Every write says in its fact who asked for it, and nobody can say that it was somebody else. The facts are read from the
 * log, under each way of proving who one is.
 */
import { describe, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { signatureHeader, signRequest } from "../../src/api/signing.ts"
import * as FlowServer from "../../src/server/FlowServer.ts"
import { makeToken, writeTokens } from "../../src/server/Tokens.ts"
import { echoEvent, eventually, gateEvent } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles } from "../client/support.ts"
import { type Answer, openServer, type Place } from "./place.ts"

const secret = "the secret of the audit"

const ask = flowFiles(
  "ask",
  "demo.ask",
  `
const { runtime } = await Bun.stdin.json()
console.log("FLOW_RESULT " + JSON.stringify(runtime.approval === undefined
  ? { status: "blocked", artifacts: { approval: { prompt: "Ship it?" } } }
  : { status: "changed" }))
`
)

type Post = (path: string, body?: object) => Promise<Answer>

/** Each way to prove who one is: the name that facts get, and how a request is sent. */
const callers: ReadonlyArray<{
  readonly by: string
  readonly isClosed: boolean
  readonly postTo: (place: Place, token: string) => Post
}> = [
  { by: "http", isClosed: false, postTo: (place) => (path, body) => place.post(path, body) },
  {
    by: "http:secret",
    isClosed: true,
    postTo:
      (place) =>
      async (target, body = {}) => {
        const signed = { method: "POST", target, timeMillis: Date.now(), body: JSON.stringify(body) }
        return place.post(target, body, { headers: { [signatureHeader]: await signRequest(secret, signed) } })
      }
  },
  {
    by: "http:token:alice",
    isClosed: true,
    postTo: (place, token) => (path, body) =>
      place.post(path, body, { headers: { authorization: `Bearer ${token}` } })
  }
]

const open = async (isClosed: boolean) => {
  const folder = await mkdtemp(join(tmpdir(), "audit-"))
  const { token, entry } = makeToken({
    name: "alice",
    scopes: ["read", "dispatch", "operate"],
    createdAt: "2026-01-01T00:00:00.000Z"
  })
  const tokensFile = join(folder, "tokens.json")
  if (isClosed) Either.getOrThrow(writeTokens(tokensFile, [entry]))
  const place = await openServer({ fixture: ask, ...(isClosed ? { secret, tokensFile } : {}) })
  return {
    place,
    token,
    [Symbol.asyncDispose]: async () => {
      await place[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    }
  }
}

/** The name in the first fact of a kind. */
const namesIn = async (place: Place, type: string): Promise<ReadonlyArray<unknown>> => {
  const found = await Effect.runPromise(
    place.flow.watch().pipe(
      Stream.filter((change) => change.type === type),
      Stream.take(1),
      Stream.runCollect
    )
  )
  return Chunk.toReadonlyArray(found).map(({ data }) =>
    typeof data === "object" && data !== null ? Reflect.get(data, "by") : undefined
  )
}

/** The answers to a verb with an unknown parameter, in this order, on a run that waits for an approval. */
const statusOfParameter: Readonly<Record<string, number>> = {
  replay: 400,
  cancel: 409,
  approve: 200,
  reject: 409
}

const blockedRun = async (post: Post, id: string): Promise<string> => {
  const answer = await post("/events?wait=true", { id, type: "demo.ask" })
  expect(answer.body.runs[0].effectiveStatus).toBe("blocked")
  return answer.body.runIds[0]
}

describe.each([...callers])("what $by asks for", ({ by, isClosed, postTo }) => {
  test("is recorded under this name: dispatch, replay, cancel", async () => {
    await using opened = await open(isClosed)
    const { place, token } = opened
    const post = postTo(place, token)
    // A field of an event is the sender's own; it is not who the sender is.
    const event = { ...echoEvent("1"), by: "http:token:bob", dispatchedBy: "http:token:bob" }
    const { body } = await post("/events?wait=true", event)
    expect(body.event.dispatchedBy).toBe(by)
    expect(await namesIn(place, "EventAccepted")).toEqual([by])
    expect((await post("/events/1/replay", { wait: true })).status).toBe(202)
    expect(await namesIn(place, "EventReplayed")).toEqual([by])
    const gate = await post("/events", gateEvent("g", place.root))
    const [run] = gate.body.runIds
    await eventually("the step runs", () => Bun.file(join(place.root, "g.started")).exists())
    expect((await post(`/runs/${run}/cancel`, { reason: "enough" })).status).toBe(200)
    expect(await namesIn(place, "RunCancelRequested")).toEqual([by])
  })

  test("is recorded under this name: approve and reject", async () => {
    await using opened = await open(isClosed)
    const { place, token } = opened
    const post = postTo(place, token)
    for (const [verb, decision] of [
      ["approve", "approved"],
      ["reject", "rejected"]
    ] as const) {
      const run = await blockedRun(post, verb)
      const { body } = await post(`/runs/${run}/${verb}`, { comment: "read" })
      expect(body.run.approvals).toMatchObject([{ decision, by, comment: "read", at: expect.any(String) }])
    }
  })

  test("cannot be put under the name of another", async () => {
    await using opened = await open(isClosed)
    const { place, token } = opened
    const post = postTo(place, token)
    const run = await blockedRun(post, "1")
    for (const path of [
      "/events/1/replay",
      `/runs/${run}/cancel`,
      `/runs/${run}/approve`,
      `/runs/${run}/reject`
    ]) {
      const named = await post(path, { by: "http:token:bob" })
      expect([path, named.status, named.body.error.code]).toEqual([path, 400, "InvalidRequest"])
      const asked = await post(`${path}?by=http:token:bob`, {})
      // A route without parameters does not look at them; one that has some refuses what it does not know.
      expect([path, asked.status]).toEqual([path, statusOfParameter[path.split("/").at(-1) ?? ""] ?? 0])
    }
    const decided = await Effect.runPromise(place.flow.getRun(run))
    expect(decided.approvals).toMatchObject([{ decision: "approved", by }])
  })
})

test("who has a dispatch tried at once is told to the service, which names them in the fact", async () => {
  await using place = await openServer()
  await place.post("/events?wait=true", { ...echoEvent("patch:s:1:t"), source: "patch" })
  const attemptId = (await place.get("/maintenance-attempts")).body.attempts[0].id
  const told: Array<unknown> = []
  const flow: Place["flow"] = {
    ...place.flow,
    syncMaintenanceAttempt: (id, caller) => {
      told.push([id, caller?.by])
      return place.flow.syncMaintenanceAttempt(id, caller)
    }
  }
  const status = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(FlowServer.make(flow), ({ fetch }) =>
        Effect.promise(async () => {
          const url = `http://127.0.0.1/maintenance-attempts/${encodeURIComponent(attemptId)}/sync`
          return (await fetch(new Request(url, { method: "POST", headers: { host: "127.0.0.1" } }))).status
        })
      )
    )
  )
  expect(status).toBe(200)
  expect(told).toEqual([[attemptId, "http"]])
})
