/** What goes on: changes that resume without gap or repeat, and output while it comes. */
import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as FlowServer from "../../src/server/FlowServer.ts"
import { echoEvent, eventually, gateEvent } from "../../src/testing/ClientContractPlace.ts"
import { openServer, type Place } from "./place.ts"

interface Message {
  readonly id: number
  readonly type: string
  readonly data: { readonly position: number; readonly type: string }
}

/** Reads server-sent events until there are `count`, then leaves. */
const readChanges = async (
  place: Place,
  count: number,
  options: { readonly query?: string; readonly lastEventId?: string } = {}
): Promise<ReadonlyArray<Message>> => {
  const leave = new AbortController()
  const answer = await place.fetch(`/changes${options.query ?? ""}`, {
    signal: leave.signal,
    headers: options.lastEventId === undefined ? {} : { "last-event-id": options.lastEventId }
  })
  expect(answer.headers.get("content-type")).toStartWith("text/event-stream")
  const messages: Array<Message> = []
  let text = ""
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    const blocks = text.split("\n\n")
    text = blocks.pop() ?? ""
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
      )
      if (!fields.has("data")) continue
      messages.push({
        id: Number(fields.get("id")),
        type: fields.get("event") ?? "",
        data: JSON.parse(fields.get("data") ?? "")
      })
    }
    if (messages.length >= count) break
  }
  leave.abort()
  return messages
}

test("changes come in order, past and live, and resume after the last id without gap or repeat", async () => {
  await using place = await openServer()
  for (const id of ["1", "2", "3"]) await place.post("/events?wait=true", echoEvent(id))
  const total = (await Effect.runPromise(place.flow.stats)).position
  const all = await readChanges(place, total)
  expect(all.map(({ id }) => id)).toEqual(Array.from({ length: total }, (_, index) => index + 1))
  expect(all.every(({ id, type, data }) => type === "change" && data.position === id)).toBe(true)
  for (const at of [1, 4, total - 1]) {
    const resumed = await readChanges(place, total - at, { lastEventId: String(at) })
    expect(resumed).toEqual(all.slice(at))
    expect(await readChanges(place, total - at, { query: `?after=${at}` })).toEqual(resumed)
    // What was seen last beats the address, which a browser sends again.
    expect(await readChanges(place, total - at, { query: "?after=0", lastEventId: String(at) })).toEqual(
      resumed
    )
  }
  const live = readChanges(place, 1, { lastEventId: String(total) })
  await place.post("/events", echoEvent("4"))
  expect((await live)[0]).toMatchObject({ id: total + 1, data: { type: "EventAccepted" } })
  expect(JSON.stringify(all)).not.toContain("leaseToken")
})

test("changes to come, and those of one type, are told from a position that the answer names", async () => {
  await using place = await openServer()
  await place.post("/events?wait=true", echoEvent("1"))
  const total = await Effect.runPromise(place.flow.head)
  const leave = new AbortController()
  const answer = await place.fetch("/changes?after=latest&type=RunEnded", { signal: leave.signal })
  expect(answer.headers.get("x-patchmoi-position")).toBe(String(total))
  // From the answer on nothing is missed, though nothing was read of it yet.
  const { runIds } = (await place.post("/events?wait=true", echoEvent("2"))).body
  let text = ""
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    if (text.includes("RunEnded")) break
  }
  leave.abort()
  const told = text.split("\n").filter((line) => line.startsWith("data: "))
  expect(told.map((line) => JSON.parse(line.slice(6)))).toMatchObject([{ type: "RunEnded", id: runIds[0] }])
  // What was seen last still beats the parameter.
  const [resumed] = await readChanges(place, 1, { query: "?after=latest", lastEventId: "0" })
  expect(resumed?.id).toBe(1)
  const past = await place.fetch("/changes?after=3", { signal: AbortSignal.timeout(5_000) })
  expect(past.headers.get("x-patchmoi-position")).toBe("3")
  await past.body?.cancel()
})

test("a reader that is cut off again and again sees every change once", async () => {
  await using place = await openServer()
  const sending = (async () => {
    for (let event = 0; event < 40; event += 1)
      await place.post("/events", { id: `e${event}`, type: "nobody" })
  })()
  const seen: Array<number> = []
  while (seen.length < 40) {
    const messages = await readChanges(place, 1, { lastEventId: String(seen.at(-1) ?? 0) })
    seen.push(...messages.map(({ id }) => id))
  }
  await sending
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1))
})

test("streams are counted, bounded, and end when the server stops", async () => {
  await using place = await openServer({ streamsMax: 2 })
  const leave = new AbortController()
  const open = await Promise.all([1, 2].map(() => place.fetch("/changes", { signal: leave.signal })))
  await eventually("both are counted", async () =>
    (await place.get("/metrics")).text.includes("patchmoi_http_streams 2")
  )
  const third = await place.get("/changes")
  expect([third.status, third.headers.get("retry-after")]).toEqual([429, "5"])
  leave.abort()
  await eventually("both are gone", async () =>
    (await place.get("/metrics")).text.includes("patchmoi_http_streams 0")
  )
  expect(open.map(({ status }) => status)).toEqual([200, 200])
  const last = await place.fetch("/changes")
  const ended = last.text()
  await place.close()
  expect(await ended).toContain("retry: 1000")
})

test("output is given as pages, as text, in ranges, and while it comes", async () => {
  await using place = await openServer()
  const { body } = await place.post("/events", gateEvent("g", place.root))
  const path = `/runs/${body.runIds[0]}/output`
  await eventually("it prints", async () => (await place.get(path)).body.output.length > 0)
  const page = (await place.get(path)).body
  expect(page).toMatchObject({
    runId: body.runIds[0],
    complete: false,
    output: [{ sequence: 0, offset: 0, kind: "stdout" }]
  })
  const followed = place.fetch(`${path}?follow=true`).then((answer) => answer.text())
  const text = place.get(`${path}?follow=true`, { headers: { accept: "text/plain" } })
  await writeFile(join(place.root, "g.gate"), "")
  const lines = (await followed)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines.map(({ text: piece }: { text: string }) => piece).join("")).toBe((await text).text)
  expect((await text).text).toBe('waiting\nFLOW_RESULT {"status":"changed"}\n')
  const whole = await place.get(path, { headers: { accept: "text/plain" } })
  expect(whole.text).toBe((await text).text)
  expect(whole.headers.get("accept-ranges")).toBe("bytes")
  const range = (value: string) => place.get(path, { headers: { accept: "text/plain", range: value } })
  const first = await range("bytes=0-6")
  expect([first.status, first.text, first.headers.get("content-range")]).toEqual([
    206,
    "waiting",
    `bytes 0-6/${whole.text.length}`
  ])
  expect((await range("bytes=8-")).text).toBe('FLOW_RESULT {"status":"changed"}\n')
  expect((await range("bytes=-3")).text).toBe('"}\n')
  for (const wrong of ["bytes=5-2", "bytes=9999-", "bytes=-0", "lines=1-2", "bytes=0-1,3-4"]) {
    expect([wrong, (await range(wrong)).status]).toEqual([wrong, 416])
  }
  const rest = (await place.get(`${path}?from=1`)).body
  expect(rest.complete).toBe(true)
  expect(rest.next).toBe(lines.length)
})

test("an attempt that may come has no output yet; one that a run has ended without is unknown", async () => {
  await using place = await openServer()
  const { body } = await place.post("/events", gateEvent("g", place.root))
  const path = `/runs/${body.runIds[0]}/output?attempt=9`
  expect((await place.get(path)).body).toMatchObject({ output: [], complete: false })
  const followed = place.fetch(`${path}&follow=true`).then((answer) => answer.text())
  await writeFile(join(place.root, "g.gate"), "")
  expect(JSON.parse(await followed).error.code).toBe("UnknownRunAttempt")
  for (const query of ["", "&follow=true", "&from=3"]) {
    for (const accept of ["application/json", "text/plain"]) {
      const answer = await place.get(path + query, { headers: { accept } })
      expect([query, accept, answer.status]).toEqual([query, accept, 404])
      expect(answer.body.error).toMatchObject({
        code: "UnknownRunAttempt",
        field: "attempt",
        details: { attempt: 9, attemptCount: 1 }
      })
    }
  }
})

test("a stream that has much to send lets others be answered meanwhile", async () => {
  await using place = await openServer()
  const change = { position: 1, at: "", subject: "run", id: "r", type: "RunEnded", data: {} }
  const endless = Stream.repeatEffectChunk(Effect.succeed(Chunk.of(change)))
  const pieces = 200
  let turns = 0
  await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(FlowServer.make({ ...place.flow, watch: () => endless }), ({ fetch }) =>
        Effect.promise(async () => {
          const answer = await fetch(new Request(`${place.url}/changes`, { headers: { host: "127.0.0.1" } }))
          const reader = answer.body?.getReader()
          const turning = setInterval(() => (turns += 1), 0)
          for (let piece = 0; piece < pieces; piece++) await reader?.read()
          clearInterval(turning)
          await reader?.cancel()
        })
      )
    )
  )
  expect(turns).toBeGreaterThan(pieces / 4)
})
