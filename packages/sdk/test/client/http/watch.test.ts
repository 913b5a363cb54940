/**
 * A watch over connections that are cut, end, bring garbage, or lead to a server that is away for a while: every change
 * comes once and in order. The server counts what it is asked; the cuts are at seeded places.
 */
import { describe, expect, test } from "bun:test"
import * as errors from "../../../src/client/errors.ts"
import { createHttpFlowClient } from "../../../src/http.ts"
import { rejection } from "../../../src/testing/ClientContractPlace.ts"
import { changeEvent, eventStream, refusal, startServer } from "./support.ts"

const count = 60

const afterOf = (target: string): number => Number(new URL(target, "http://a").searchParams.get("after"))

const textAfter = (position: number): string =>
  Array.from({ length: count - position }, (_, index) => changeEvent(position + index + 1)).join("")

/** Positions that a watch gives until the last change. */
const watchAll = async (baseUrl: string, retries = 4): Promise<ReadonlyArray<number>> => {
  await using client = createHttpFlowClient({ baseUrl, retries })
  const positions: Array<number> = []
  for await (const { position, id } of client.watch()) {
    expect(id).toBe(`é${position}`)
    positions.push(position)
    if (position === count) break
  }
  return positions
}

const everyPosition = Array.from({ length: count }, (_, index) => index + 1)

/**
 * A server below HTTP, so that it can break off anywhere: it answers each request with a stream of these bytes, and then
 * ends it, or drops the connection in the middle of a chunk.
 */
const startRawServer = (
  answer: (after: number) => { readonly bytes: Uint8Array; readonly isCut: boolean }
) => {
  let connections = 0
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => void connections++,
      data: (socket, request) => {
        const target = /^GET (\S+) /.exec(request.toString())?.[1]
        if (target === undefined) return
        const { bytes, isCut } = answer(afterOf(target))
        const head =
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        const announced = isCut ? bytes.length + 100 : bytes.length
        const start = announced === 0 ? head : `${head}${announced.toString(16)}\r\n`
        socket.write(Buffer.concat([Buffer.from(start), bytes]))
        if (!isCut) socket.write(announced === 0 ? "0\r\n\r\n" : "\r\n0\r\n\r\n")
        socket.end()
      }
    }
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    connections: () => connections,
    [Symbol.dispose]: () => server.stop(true)
  }
}

const seeded = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

const seeds = process.env["TEST_LONG"] === "1" ? Array.from({ length: 100 }, (_, seed) => seed) : [1, 2]

// Side by side: they wait for most of their time, as a client does before it asks again.
describe.each(seeds)("with seed %d", (seed) => {
  test.concurrent("cut connections lose and repeat nothing", async () => {
    const random = seeded(seed)
    const asked = { after: -1, times: 0 }
    using server = startRawServer((after) => {
      const bytes = new TextEncoder().encode(textAfter(after))
      // Anywhere, also inside a line or a character.
      const length = Math.floor(random() * Math.min(bytes.length, 2_500))
      asked.times = asked.after === after ? asked.times + 1 : 1
      asked.after = after
      // A client that got nowhere waits ever longer, so that the same place is not cut for ever.
      return asked.times > 5 || (after > count / 2 && random() < 0.2)
        ? { bytes, isCut: false }
        : { bytes: bytes.slice(0, length), isCut: random() < 0.5 }
    })
    expect(await watchAll(server.url)).toEqual(everyPosition)
    expect(server.connections()).toBeGreaterThan(1)
  })

  test.concurrent("garbage between changes is left behind with its connection", async () => {
    const random = seeded(seed)
    const garbage = [
      "id: 7\ndata: {not json}\n\n",
      'id: 8\ndata: {"position": "eight"}\n\n',
      "\u0000\u0001\u0002\n\n",
      "<html>502</html>\n\n",
      `id: 99\n${changeEvent(1).split("\n")[1]}\n\n`
    ]
    await using server = startServer(({ target }, before) => {
      const after = afterOf(target)
      const events = textAfter(after).split("\n\n").filter(Boolean)
      if (before > 0 && random() < 0.2) return refusal(502, "NoCode")
      const good = 1 + Math.floor(random() * 10)
      const bad = garbage[Math.floor(random() * garbage.length)] ?? ""
      const text = `${events.slice(0, good).join("\n\n")}\n\n${bad}${events.slice(good).join("\n\n")}\n\n`
      const bytes = new TextEncoder().encode(text)
      // Bytes that are no UTF-8, in the place of a character.
      if (random() < 0.3) bytes[Math.floor(random() * bytes.length)] = 0xff
      return eventStream(bytes)
    })
    expect(await watchAll(server.url, 10)).toEqual(everyPosition)
  })
})

test("what stands before garbage in one piece is given, so that each connection gets on", async () => {
  await using server = startServer(({ target }) => {
    const events = textAfter(afterOf(target)).split("\n\n").filter(Boolean)
    return eventStream(`${events.slice(0, 50).join("\n\n")}\n\nid: 7\ndata: {not json}\n\n`)
  })
  expect(await watchAll(server.url, 1)).toEqual(everyPosition)
})

test("changes that a server sends again are not given again", async () => {
  await using server = startServer(({ target }, before) =>
    before === 0
      ? eventStream(textAfter(0).slice(0, 1_000))
      : eventStream(textAfter(Math.max(0, afterOf(target) - 3)))
  )
  expect(await watchAll(server.url)).toEqual(everyPosition)
})

test("a server that was away is found again, also on the first try", async () => {
  await using server = startServer(({ target }, before) => {
    if (before === 0) return refusal(503, "NoCode", {}, { "retry-after": "1" })
    if (before === 1) return eventStream(textAfter(0).slice(0, 1_000))
    if (before < 5) return refusal(503, "NoCode")
    return eventStream(textAfter(afterOf(target)))
  })
  // Once it was there, it is waited for however long it takes.
  expect(await watchAll(server.url, 1)).toEqual(everyPosition)
})

test("lost connections count nothing against a server that answers garbage once when it is back", async () => {
  await using server = startServer(({ target }, before) => {
    if (before === 0) return eventStream(textAfter(0).slice(0, 1_000))
    if (before < 4) return refusal(503, "NoCode")
    if (before === 4) return eventStream("id: 1\ndata: nonsense\n\n")
    return eventStream(textAfter(afterOf(target)))
  })
  expect(await watchAll(server.url, 1)).toEqual(everyPosition)
})

test("a server that was never there, refuses, or answers garbage again and again ends the watch", async () => {
  const table: ReadonlyArray<readonly [() => Response, new (...all: never) => unknown, tries: number]> = [
    [() => refusal(429, "RateLimited"), errors.BackendBusy, 3],
    [() => refusal(401, "Unauthorized"), errors.BackendRefused, 1],
    [() => refusal(404, "UnknownRoute"), errors.BackendRefused, 1],
    [() => new Response("hello"), errors.BackendFailed, 3],
    [() => eventStream("id: 1\ndata: nonsense\n\n"), errors.BackendFailed, 3]
  ]
  for (const [answer, kind, tries] of table) {
    await using server = startServer(answer)
    await using client = createHttpFlowClient({ baseUrl: server.url, retries: 2 })
    expect(await rejection(client.watch().next())).toBeInstanceOf(kind)
    expect(server.asked).toHaveLength(tries)
  }
  await using client = createHttpFlowClient({ baseUrl: "http://127.0.0.1:1", retries: 1 })
  expect(await rejection(client.watch().next())).toBeInstanceOf(errors.BackendUnreachable)
})

test("a refusal that never ends is given up in time, as any answer is", async () => {
  const endless = () =>
    new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) })
  await using server = startServer(() => new Response(endless(), { status: 502 }))
  await using client = createHttpFlowClient({ baseUrl: server.url, retries: 1, timeoutMillis: 50 })
  for (const ask of [() => client.watch().next(), () => client.listRuns()]) {
    expect(await rejection(ask())).toMatchObject({ _tag: "BackendUnreachable", attempts: 2 })
  }
})

test("leaving the loop, an abort and closing the client end the connection", async () => {
  let live = 0
  await using server = startServer((_, __, signal) => {
    live += 1
    signal.addEventListener("abort", () => {
      live -= 1
    })
    return eventStream(
      new ReadableStream({
        pull: (controller) => {
          controller.enqueue(new TextEncoder().encode(changeEvent(1)))
          return new Promise<void>(() => {})
        }
      })
    )
  })
  const client = createHttpFlowClient({ baseUrl: server.url })
  for await (const { position } of client.watch()) {
    expect(position).toBe(1)
    break
  }
  while (live > 0) await Bun.sleep(1)
  const controller = new AbortController()
  const reason = new Error("enough")
  const aborted = (async () => {
    for await (const _ of client.watch({ signal: controller.signal })) controller.abort(reason)
  })()
  expect(await rejection(aborted)).toBe(reason)
  while (live > 0) await Bun.sleep(1)
  const closed = (async () => {
    for await (const _ of client.watch()) void client.close()
  })()
  expect(await rejection(closed)).toBeInstanceOf(errors.ClientClosed)
  while (live > 0) await Bun.sleep(1)
})
