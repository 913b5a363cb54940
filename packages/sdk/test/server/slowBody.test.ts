/**
 * Bodies that drip in, over sockets that are driven by hand: none holds a connection for longer than its bound, whatever
 * length it announces and however steadily it comes.
 */
import { expect, test } from "bun:test"
import { connect } from "node:net"
import { deadlineLookMillis } from "../../src/server/BodyDeadlines.ts"
import { echoEvent, eventually } from "../../src/testing/ClientContractPlace.ts"
import { openServer } from "./place.ts"

const bodyMillisMax = 300
/** How often a byte drips, in milliseconds: far more often than any time-out between two bytes. */
const dripMillis = 20

/** Sends a head, and then one byte after the other until the server ends the connection. */
const drip = async (url: string, headers: ReadonlyArray<string>, byte: string) => {
  const { port } = new URL(url)
  const socket = connect(Number(port), "127.0.0.1")
  const started = performance.now()
  let answer = ""
  let closedMillis: number | undefined
  let answeredMillis: number | undefined
  socket.on("data", (piece) => {
    answer += piece.toString()
    answeredMillis ??= performance.now() - started
  })
  // A server that closes while bytes are under way resets the connection; what counts is that it is gone.
  socket.on("error", () => undefined)
  socket.on("close", () => {
    closedMillis = performance.now() - started
  })
  const head = [
    "POST /events HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    ...headers
  ]
  socket.write(`${head.join("\r\n")}\r\n\r\n`)
  const dripping = setInterval(() => socket.write(byte), dripMillis)
  await eventually("the connection is closed", () => closedMillis !== undefined)
  clearInterval(dripping)
  return { answer, answeredMillis: answeredMillis ?? 0, closedMillis: closedMillis ?? 0 }
}

test.each([
  ["a small body of a known length", ["content-length: 2000"], "x"],
  ["a body of 64 KiB", ["content-length: 65536"], "x"],
  ["a large body of a known length", ["content-length: 500000"], "x"],
  ["a body in chunks", ["transfer-encoding: chunked"], "1\r\nx\r\n"],
  ["the rest of a chunk", ["transfer-encoding: chunked"], "1000\r\nx"]
])(
  "%s that drips is refused in time, and its connection is closed",
  async (_, headers, byte) => {
    await using place = await openServer({ bodyMillisMax })
    const { answer, answeredMillis, closedMillis } = await drip(place.url, headers, byte)
    expect(answer).toStartWith("HTTP/1.1 408 ")
    expect(answer).toContain('"code":"RequestTimeout"')
    expect(answer.toLowerCase()).toContain("connection: close")
    expect(answeredMillis).toBeGreaterThanOrEqual(bodyMillisMax - dripMillis)
    // Twice the bound and more, as the machine may be busy; without a bound it would never end.
    expect(closedMillis).toBeLessThan(bodyMillisMax + deadlineLookMillis + 4_000)
    expect((await place.get("/healthz")).status).toBe(200)
  },
  30_000
)

test("many that drip hold up nobody, and all of them are gone in the end", async () => {
  await using place = await openServer({ bodyMillisMax })
  const dripping = Array.from({ length: 50 }, () => drip(place.url, ["content-length: 60000"], "x"))
  for (let count = 0; count < 20; count += 1) {
    expect((await place.post("/events", echoEvent(`e${count}`))).status).toBe(202)
  }
  const answers = await Promise.all(dripping)
  expect(answers.every(({ answer }) => answer.startsWith("HTTP/1.1 408 "))).toBe(true)
  expect((await place.post("/events?wait=true", echoEvent("last"))).status).toBe(202)
})

test("a body that comes in pieces, in time, is taken", async () => {
  await using place = await openServer({ bodyMillisMax: 20_000 })
  const { port } = new URL(place.url)
  const body = JSON.stringify(echoEvent("slow"))
  const socket = connect(Number(port), "127.0.0.1")
  let answer = ""
  socket.on("data", (piece) => {
    answer += piece.toString()
  })
  socket.write(
    `POST /events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  )
  const pieces = body.match(/.{1,8}/gs) ?? []
  const dripping = setInterval(() => {
    const piece = pieces.shift()
    if (piece !== undefined) socket.write(piece)
  }, 5)
  await eventually("it is answered", () => answer.includes("accepted"))
  clearInterval(dripping)
  socket.destroy()
  expect(answer).toStartWith("HTTP/1.1 202 ")
})
