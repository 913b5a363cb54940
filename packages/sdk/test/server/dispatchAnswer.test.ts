/** What the answers to dispatches and replays tell: of what is gone, how much, and to whom. */
import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import * as Effect from "effect/Effect"
import { createHttpFlowClient } from "../../src/http.ts"
import { echoEvent, eventually } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles } from "../client/support.ts"
import { bearer, openClosed, secret } from "./closed.ts"
import { openServer, type Place } from "./place.ts"

test("an event whose history was compacted is a duplicate as before", async () => {
  await using place = await openServer()
  const first = (await place.post("/events?wait=true", echoEvent("1"))).body
  const { updatedAt } = first.runs[0]
  await eventually("time went on", () => Date.parse(updatedAt) < Date.now())
  await place.compact()
  for (const query of ["", "?wait=true", "?include=runs", "?wait=true&include=runs"]) {
    const { status, body } = await place.post(`/events${query}`, echoEvent("1"))
    expect([query, status]).toEqual([query, 202])
    expect(body).toMatchObject({ status: "duplicate", idempotent: true, matched: 1, runIds: first.runIds })
    expect(body.timedOut).toBeUndefined()
    expect(body.runs).toEqual(query === "" ? undefined : [])
  }
})

/** What the step of the flow `loud` prints, in bytes: as much as is kept of an attempt. */
const loudBytes = 1_048_576
const loud = flowFiles(
  "loud",
  "demo.loud",
  `
for (let line = 0; line < ${loudBytes / 1_024}; line += 1) console.log("x".repeat(1_023))
console.log('FLOW_RESULT {"status":"completed"}')
`
)

test("an answer does not grow with what runs printed; a client reads the output run by run", async () => {
  await using place = await openServer({ fixture: loud })
  const event = { id: "1", type: "demo.loud" }
  await place.post("/events?wait=true", event)
  for (let generation = 1; generation < 4; generation += 1) {
    const { text, body } = await place.post("/events/1/replay?wait=true&include=runs", {})
    expect(body.runs).toMatchObject([{ generation, processStatus: "completed", output: [] }])
    expect(text.length).toBeLessThan(8_192)
  }
  const { text, body } = await place.post("/events?wait=true&include=runs", event)
  expect(body.runs).toHaveLength(4)
  expect(text.length).toBeLessThan(16_384)
  await using client = createHttpFlowClient({ baseUrl: place.url })
  const { runs } = await client.dispatchEvent(event)
  for (const { output } of runs) {
    expect(output.reduce((length, piece) => length + piece.text.length, 0)).toBeGreaterThan(loudBytes / 2)
  }
})

test("who waits for runs in the same process may do without their output", async () => {
  await using place = await openServer({ fixture: loud })
  const { body } = await place.post("/events?wait=true", { id: "1", type: "demo.loud" })
  const [whole] = await Effect.runPromise(place.flow.awaitRuns(body.runIds))
  const [brief] = await Effect.runPromise(place.flow.awaitRuns(body.runIds, { output: false }))
  expect(whole?.output.length).toBeGreaterThan(0)
  expect(brief).toMatchObject({ id: whole?.id, effectiveStatus: "completed", output: [] })
  expect(brief?.latestOutput).toBeUndefined()
})

const queries = ["", "?wait=true", "?include=runs", "?wait=true&include=runs"]
const outcomeFields = ["eventId", "matched", "runIds", "status"]

const fieldsOf = (body: object): ReadonlyArray<string> =>
  Object.keys(body)
    .filter((name) => name !== "idempotent")
    .toSorted()

describe("who may not read is told status and ids, and nothing of what others sent", () => {
  const ask = (place: Place, path: string, token: string | undefined) =>
    place.post(path, path.startsWith("/events/") ? {} : echoEvent("1", { status: "skipped" }), bearer(token))

  test("by the scopes of the token, and by what is asked", async () => {
    await using closed = await openClosed([
      ["dispatch"],
      ["operate"],
      ["dispatch", "read"],
      ["operate", "read"]
    ])
    const { place, tokens } = closed
    const [dispatches, operates, dispatchesAndReads, operatesAndReads] = tokens
    await place.post("/events?wait=true", echoEvent("1", { kept: "for readers" }), bearer(dispatches))
    for (const query of queries) {
      const full = query === "" ? outcomeFields : [...outcomeFields, "event", "runs"].toSorted()
      for (const [path, token, fields] of [
        [`/events${query}`, dispatches, [...outcomeFields, "payloadDiffers"].toSorted()],
        [`/events${query}`, dispatchesAndReads, [...full, "payloadDiffers"].toSorted()],
        [`/events/1/replay${query}`, operates, outcomeFields],
        [`/events/1/replay${query}`, operatesAndReads, full]
      ] as const) {
        const { status, body, text } = await ask(place, path, token)
        expect([path, status, fieldsOf(body)]).toEqual([path, 202, [...fields]])
        expect(text.includes("for readers")).toBe(fields.includes("event"))
      }
    }
  })

  test("and whoever signed a body alone, whose signature fits any query", async () => {
    await using closed = await openClosed([])
    const { place } = closed
    const body = JSON.stringify(echoEvent("1"))
    const headers = {
      "x-flow-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`
    }
    for (const query of queries) {
      const answer = await place.post(`/events${query}`, body, { headers })
      expect([query, answer.status, fieldsOf(answer.body)]).toEqual([query, 202, outcomeFields])
    }
  })

  test("a wait waits all the same", async () => {
    await using closed = await openClosed([["dispatch"], ["read"]])
    const { place, tokens } = closed
    const { body } = await place.post("/events?wait=true", echoEvent("1"), bearer(tokens[0]))
    const { run } = (await place.get(`/runs/${body.runIds[0]}`, bearer(tokens[1]))).body
    expect(run.processStatus).toBe("completed")
  })

  test("a client whose token may not read does not fail: it has the outcome, and no event", async () => {
    await using closed = await openClosed([["dispatch"], ["operate"]])
    const [dispatches = "", operates = ""] = closed.tokens
    const baseUrl = closed.place.url
    await using sender = createHttpFlowClient({ baseUrl, bearerToken: dispatches })
    await using operator = createHttpFlowClient({ baseUrl, bearerToken: operates })
    for (const [index, wait] of [true, false].entries()) {
      const sent = await sender.dispatchEvent(echoEvent(`${index}`), { wait })
      const id = expect.stringContaining("run_")
      expect(sent).toEqual({
        ...{ status: "accepted", eventId: `${index}` as never, runIds: [id], matched: 1, runs: [] }
      })
      const replayed = await operator.replayEvent(`${index}`, { wait })
      expect(replayed).toEqual({
        ...{ status: "accepted", eventId: `${index}` as never, runIds: [id], matched: 1, runs: [] }
      })
    }
  })
})
