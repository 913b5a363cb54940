/**
 * Whatever is sent is right or refused. Every route gets what a careless or hostile caller may send, over real sockets; each
 * answer has its status and a JSON error of the promised form, nothing shows code or files, and at the end the server still
 * works and every list can be read.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { statusOf } from "../../src/api/errorBody.ts"
import { routes } from "../../src/api/routes.ts"
import { deadlineLookMillis } from "../../src/server/BodyDeadlines.ts"
import { idleSecondsMax, idleSecondsOf } from "../../src/server/serve.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { cases, json } from "./badInputCases.ts"
import { openServer, type Place } from "./place.ts"

let place: Place
beforeAll(async () => {
  place = await openServer()
  await place.post("/events?wait=true", echoEvent("good"))
})
afterAll(() => place[Symbol.asyncDispose]())

/** Sends bytes as they are; gives all that is answered before the server closes the connection. */
const sendBytes = async (bytes: string, { url }: Pick<Place, "url"> = place): Promise<string> => {
  const { port } = new URL(url)
  const { promise, resolve } = Promise.withResolvers<string>()
  let answer = ""
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      data: (_, piece) => {
        answer += piece.toString()
      },
      close: () => resolve(answer)
    }
  })
  socket.write(bytes)
  socket.flush()
  return promise
}

/** Nothing of the code, of its files, or of the runtime's own pages. */
const tellsTooMuch = /\.ts:|node_modules|\bat \S+ \(|\/packages\/|<html|<!doctype/i

test("every case is right or refused, with an error that says what is wrong and nothing else", async () => {
  const all = cases()
  expect(all.length).toBeGreaterThanOrEqual(150)
  for (const { what, method, path, body, headers, status, code, field } of all) {
    const answer = await place.get(path, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers })
    })
    const told = {
      what,
      path: path.slice(0, 80),
      method,
      status: answer.status,
      text: answer.text.slice(0, 300)
    }
    expect(told).toMatchObject({ what, path: path.slice(0, 80), method, status })
    expect(answer.text).not.toMatch(tellsTooMuch)
    expect(answer.text.length).toBeLessThan(4_000)
    if (status < 400) continue
    const { error } = answer.body
    expect({ what, path, code: statusOf(error.code) }).toEqual({ what, path, code: status as never })
    expect(typeof error.message === "string" && error.message.length > 0 && error.message.length < 700).toBe(
      true
    )
    if (code !== undefined) expect({ ...told, code: error.code }).toEqual({ ...told, code })
    if (field !== undefined) expect({ ...told, field: error.field }).toEqual({ ...told, field })
  }
}, 60_000)

test("a body without a length is bounded as well, and a refused one does not end the server", async () => {
  const piece = new TextEncoder().encode("x".repeat(65_536))
  const endless = () =>
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await Bun.sleep(0)
        controller.enqueue(piece)
      }
    })
  const answer = await place
    .get("/events", { method: "POST", body: endless(), headers: json })
    .catch(() => undefined)
  // The connection may be cut before the answer is read; it is never taken in.
  if (answer !== undefined) expect([answer.status, answer.body.error.code]).toEqual([413, "BodyTooLarge"])
  const chunked = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"id":"chunked",'))
      controller.enqueue(new TextEncoder().encode('"type":"t"}'))
      controller.close()
    }
  })
  expect((await place.get("/events", { method: "POST", body: chunked, headers: json })).status).toBe(202)
})

test("bytes that are no HTTP, and requests that break off, leave the server as it was", async () => {
  const { port } = new URL(place.url)
  for (const bytes of [
    "GARBAGE\r\n\r\n",
    "POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "GET /events HTTP/1.1\r\n",
    `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
  ]) {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(port),
      socket: { data: () => undefined }
    })
    socket.write(bytes)
    socket.flush()
    await Bun.sleep(5)
    socket.terminate()
  }
  expect((await place.get("/healthz")).status).toBe(200)
})

test("a request of HTTP/1.0 without a host is told so", async () => {
  for (const host of ["Host: \r\n", ""]) {
    const answer = await sendBytes(`GET /runs HTTP/1.0\r\n${host}\r\n`)
    expect(answer).toStartWith("HTTP/1.1 400 ")
    expect(answer).toContain('"field":"host"')
    expect(answer).not.toMatch(tellsTooMuch)
  }
})

test("a body that stops half-way is answered with 408", async () => {
  await using slow = await openServer({ bodyMillisMax: 200 })
  for (const length of ["100", "100000"]) {
    const head = `POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`
    const answer = await sendBytes(`${head}{"id":`, slow)
    expect(answer).toStartWith("HTTP/1.1 408 ")
    expect(answer).toContain('"code":"RequestTimeout"')
  }
})

test("a connection may be silent for longer than a body may take, up to what the runtime knows", () => {
  for (const bodyMillisMax of [1_000, 30_000, 60_000, 240_000]) {
    const idleMillis = idleSecondsOf({ bodyMillisMax }) * 1_000
    expect(idleMillis).toBeGreaterThan(bodyMillisMax + deadlineLookMillis)
  }
  expect(idleSecondsOf({ bodyMillisMax: 1 })).toBe(idleSecondsMax)
  expect(idleSecondsOf({ bodyMillisMax: 3_600_000 })).toBe(255)
})

test("after all of it the server is well: every list can be read, and events run", async () => {
  for (const { method, path, served } of routes) {
    if (method === "GET" && served === "typed" && !path.includes("{id}")) {
      expect([path, (await place.get(path)).status]).toEqual([path, 200])
    }
  }
  const { body } = await place.get("/events?limit=500")
  for (const event of body.events) {
    expect((await place.get(`/events/${encodeURIComponent(event.id)}`)).status).toBe(200)
    expect(typeof event.receivedAt).toBe("string")
  }
  expect((await place.get("/readyz")).status).toBe(200)
  expect((await place.post("/events?wait=true", echoEvent("last"))).body.runs[0].status).toBe("completed")
})
