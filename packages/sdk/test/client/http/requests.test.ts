/** What the HTTP client sends, when it sends it again, and what it makes of answers. The servers are real, and badly behaved. */
import { describe, expect, test } from "bun:test"
import { parseSignature, signedText } from "../../../src/api/signing.ts"
import * as errors from "../../../src/client/errors.ts"
import { createHttpFlowClient, type HttpFlowClientOptions } from "../../../src/http.ts"
import { rejection } from "../../../src/testing/ClientContractPlace.ts"
import { dispatched, refusal, startServer } from "./support.ts"

const event = { id: "1", type: "t" }
const secret = "a secret that is long enough"

const hmac = (text: string) => new Bun.CryptoHasher("sha256", secret).update(text).digest("hex")
const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex")

const open = (baseUrl: string, options: Partial<HttpFlowClientOptions> = {}) =>
  createHttpFlowClient({ baseUrl, ...options })

describe("what is sent", () => {
  test("signs method, path with query, time and body, each request with a nonce of its own", async () => {
    await using server = startServer(({ method }) =>
      Response.json(method === "POST" ? dispatched("1") : { events: [] })
    )
    await using client = open(server.url, { hmacSecret: secret })
    await client.dispatchEvent(event)
    await client.listEvents({ type: "a&b c/é", limit: 3 })
    expect(server.asked.map(({ target }) => target)).toEqual([
      "/events?wait=true&include=runs&timeoutMillis=25000",
      "/events?type=a%26b+c%2F%C3%A9&limit=3"
    ])
    const nonces = server.asked.map(({ method, target, headers, body }) => {
      const signature = parseSignature(headers.get("x-patchmoi-signature") ?? "")
      if (signature === undefined) throw new Error("not signed")
      const { timeMillis, nonce } = signature
      expect(Math.abs(Date.now() - timeMillis)).toBeLessThan(60_000)
      const text = signedText({ method, target, timeMillis, nonce, bodyDigest: sha256(body) })
      expect(signature.hmac).toBe(hmac(text))
      expect([...headers.values()].join()).not.toContain(secret)
      return nonce
    })
    expect(new Set(nonces).size).toBe(2)
  })

  test("a header that is named as ours in other letters is sent once, as ours", async () => {
    await using server = startServer(() =>
      Response.json({ status: "accepted", eventId: "1", runIds: [], matched: 0 })
    )
    const headers = {
      "Content-Type": "text/plain",
      ACCEPT: "text/html",
      Authorization: "Basic x",
      "X-Mine": "kept"
    }
    await using client = open(server.url, { bearerToken: "tok", headers })
    await client.dispatchEvent({ id: "1", type: "t" }, { wait: false }).catch(() => undefined)
    const [asked] = server.asked
    expect(
      ["content-type", "accept", "authorization", "x-mine"].map((name) => asked?.headers.get(name))
    ).toEqual(["application/json", "application/json", "Bearer tok", "kept"])
  })

  test("sends tokens and headers, fixed or asked for before each request", async () => {
    await using server = startServer(() => Response.json({ events: [] }))
    let count = 0
    await using fixed = open(`${server.url}/`, { bearerToken: "tok", headers: { "x-one": "1" } })
    await using asked = open(server.url, { headers: async () => ({ "x-count": String(++count) }) })
    await fixed.listEvents()
    await asked.listEvents()
    await asked.listEvents()
    expect(server.asked.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer tok",
      null,
      null
    ])
    expect(server.asked.map(({ headers }) => headers.get("x-one") ?? headers.get("x-count"))).toEqual([
      "1",
      "1",
      "2"
    ])
    expect(server.asked[0]?.target).toBe("/events")
  })

  test("keeps the path of the base URL, and encodes ids", async () => {
    await using server = startServer(() => refusal(404, "UnknownEvent"))
    await using client = open(`${server.url}/flows/v1/`)
    expect(await rejection(client.getEvent("a/b?c#d%"))).toMatchObject({ eventId: "a/b?c#d%" })
    expect(server.asked[0]?.target).toBe("/flows/v1/events/a%2Fb%3Fc%23d%25")
  })

  test("uses the fetch that it is given", async () => {
    const urls: Array<string> = []
    await using client = open("http://nowhere.invalid", {
      fetch: async (url) => {
        urls.push(url)
        return Response.json({ events: [] })
      }
    })
    expect(await client.listEvents()).toEqual({ events: [] })
    expect(urls).toEqual(["http://nowhere.invalid/events"])
  })
})

describe("sending again", () => {
  test.each([408, 429, 500, 502, 503, 504])(
    "a dispatch that is answered %d is sent again, the same",
    async (status) => {
      await using server = startServer((_, before) =>
        before < 2 ? refusal(status, "Whatever") : Response.json(dispatched("1"), { status: 202 })
      )
      await using client = open(server.url)
      expect((await client.dispatchEvent(event)).status).toBe("accepted")
      expect(new Set(server.asked.map(({ body }) => body))).toEqual(
        new Set(['{"id":"1","type":"t","payload":{}}'])
      )
      expect(server.asked).toHaveLength(3)
    }
  )

  test("waits as long as Retry-After says, in seconds or until a date", async () => {
    const inTwoSeconds = () => new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000).toUTCString()
    await using server = startServer((_, before) =>
      before === 0
        ? refusal(429, "QueueFull", {}, { "retry-after": "1" })
        : before === 1
          ? refusal(503, "VersionConflict", {}, { "retry-after": inTwoSeconds() })
          : Response.json({ events: [] })
    )
    await using client = open(server.url)
    await client.listEvents()
    const [first = 0, second = 0, third = 0] = server.asked.map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(990)
    expect(third - second).toBeGreaterThanOrEqual(900)
    expect(third - first).toBeLessThan(10_000)
  })

  test("does not wait for a Retry-After that is too long, and says how long it is", async () => {
    await using server = startServer(() => refusal(429, "RateLimited", {}, { "retry-after": "3600" }))
    await using client = open(server.url)
    const error = await rejection(client.listEvents())
    expect(error).toBeInstanceOf(errors.BackendBusy)
    expect(error).toMatchObject({ status: 429, code: "RateLimited", retryAfterMillis: 3_600_000 })
    expect(server.asked).toHaveLength(1)
  })

  test("a replay is sent again only when the server says that it did nothing", async () => {
    for (const [status, code, tries] of [
      [500, "InternalError", 1],
      [502, "NoCode", 1],
      [503, "StoreError", 1],
      [429, "QueueFull", 3],
      [503, "VersionConflict", 3]
    ] as const) {
      await using server = startServer(() => refusal(status, code))
      await using client = open(server.url, { retries: 2 })
      expect(await rejection(client.replayEvent("1"))).toBeInstanceOf(errors.FlowError)
      expect([status, code, server.asked.length]).toEqual([status, code, tries])
    }
  })

  test("a replay whose connection breaks off is not sent again", async () => {
    let connections = 0
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void connections++,
        data: (socket) => void socket.end()
      }
    })
    await using client = open(`http://127.0.0.1:${server.port}`, { retries: 3 })
    expect(await rejection(client.replayEvent("1"))).toBeInstanceOf(errors.BackendUnreachable)
    expect(connections).toBe(1)
    expect(await rejection(client.dispatchEvent(event))).toMatchObject({ attempts: 4 })
    expect(connections).toBe(5)
    server.stop(true)
  })

  test("gives up after its retries, with the last error; every try was the same", async () => {
    await using server = startServer(() =>
      refusal(503, "StoreError", { operation: "commit", reason: "disk full" })
    )
    await using client = open(server.url, { retries: 2 })
    const error = await rejection(client.dispatchEvent(event))
    expect(error).toBeInstanceOf(errors.StoreError)
    expect(error).toMatchObject({ operation: "commit", reason: "disk full" })
    expect(server.asked).toHaveLength(3)
  })

  test("an abort ends the wait before the next try", async () => {
    await using server = startServer(() => refusal(503, "VersionConflict", {}, { "retry-after": "30" }))
    await using client = open(server.url)
    const reason = new Error("enough")
    const controller = new AbortController()
    const calling = client.listEvents({ signal: controller.signal })
    while (server.asked.length === 0) await Bun.sleep(1)
    controller.abort(reason)
    expect(await rejection(calling)).toBe(reason)
  })

  test("an abort ends a request that the server does not answer, and the server sees it", async () => {
    let gone = false
    await using server = startServer((_, __, signal) => {
      signal.addEventListener("abort", () => {
        gone = true
      })
      return new Promise<Response>(() => {})
    })
    await using client = open(server.url)
    const controller = new AbortController()
    const calling = client.listEvents({ signal: controller.signal })
    while (server.asked.length === 0) await Bun.sleep(1)
    controller.abort(new Error("enough"))
    expect(await rejection(calling)).toMatchObject({ message: "enough" })
    while (!gone) await Bun.sleep(1)
  })
})

describe("errors", () => {
  test("a server that is not there, or does not answer in time", async () => {
    await using client = open("http://127.0.0.1:1", { retries: 1 })
    const error = await rejection(client.listEvents())
    expect(error).toBeInstanceOf(errors.BackendUnreachable)
    expect(error).toMatchObject({ baseUrl: "http://127.0.0.1:1", attempts: 2 })
    await using server = startServer(() => new Promise<Response>(() => {}))
    await using slow = open(server.url, { retries: 1, timeoutMillis: 50 })
    expect(await rejection(slow.listEvents())).toMatchObject({
      _tag: "BackendUnreachable",
      attempts: 2,
      reason: "no answer within 0.05 s"
    })
  })

  test.each([
    [401, "Unauthorized", errors.BackendRefused],
    [403, "Forbidden", errors.BackendRefused],
    [404, "UnknownRoute", errors.BackendRefused],
    [413, "BodyTooLarge", errors.BackendRefused],
    [429, "RateLimited", errors.BackendBusy],
    [500, "InternalError", errors.BackendFailed],
    [409, "StateDisabled", errors.StateDisabled],
    [503, "VersionConflict", errors.VersionConflict],
    [418, "SomethingNew", errors.BackendRefused]
  ] as const)("%d %s is told as its class", async (status, code, kind) => {
    await using server = startServer(() => refusal(status, code, { operation: "x" }))
    await using client = open(server.url, { retries: 0, hmacSecret: secret, bearerToken: "token-of-ours" })
    const error = await rejection(client.listEvents())
    expect(error).toBeInstanceOf(kind)
    if (status !== 409 && code !== "VersionConflict") expect(error).toMatchObject({ status, code })
    expect(Bun.inspect(error)).not.toMatch(/a secret|token-of-ours/)
  })

  test("a queue that stays full is told as it is on this machine", async () => {
    await using server = startServer(() =>
      refusal(429, "QueueFull", { queued: 9, queueMax: 9 }, { "retry-after": "0" })
    )
    await using client = open(server.url, { retries: 1 })
    for (const call of [() => client.dispatchEvent(event), () => client.replayEvent("1")]) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(errors.QueueFull)
      expect(error).toMatchObject({ queued: 9, queueMax: 9, retryAfterMillis: 0 })
    }
  })

  test("a replay of what was compacted is told as it is on this machine", async () => {
    const compactedAt = "2026-01-31T00:00:00.000Z"
    const error = { code: "EventForgotten", message: "gone", details: { eventId: "1", compactedAt } }
    await using server = startServer(() => Response.json({ error }, { status: 410 }))
    await using client = open(server.url)
    const refused = await rejection(client.replayEvent("1"))
    expect(refused).toBeInstanceOf(errors.EventForgotten)
    expect(refused).toMatchObject({ eventId: "1", compactedAt })
    expect(String(refused)).toContain(compactedAt)
    expect(server.asked).toHaveLength(1)
  })

  test("an answer that is not ours is told as it begins, without its tags", async () => {
    const answers = [
      new Response("<html><body><h1>502</h1> Bad gateway</body>", { status: 502 }),
      Response.json({ error: "event not found" }, { status: 404 }),
      new Response("", { status: 500 })
    ]
    await using server = startServer((_, before) => answers[before] ?? new Response("{}"))
    await using client = open(server.url, { retries: 0 })
    expect(await rejection(client.listEvents())).toMatchObject({ reason: "502 Bad gateway" })
    expect(await rejection(client.listEvents())).toMatchObject({ reason: "event not found", status: 404 })
    expect(await rejection(client.listEvents())).toMatchObject({ reason: "status 500 without a word" })
    // What is answered well, and is not what the route answers.
    const odd = await rejection(client.listEvents())
    expect(odd).toMatchObject({ _tag: "BackendFailed", code: "UnexpectedAnswer" })
    expect(String(odd)).toContain("GET /events")
  })

  test("a redirect is not followed: the signature is for this server alone", async () => {
    await using elsewhere = startServer(() => Response.json({ events: [] }))
    await using server = startServer(() => Response.redirect(`${elsewhere.url}/events`, 302))
    await using client = open(server.url, { hmacSecret: secret, retries: 0 })
    expect(await rejection(client.listEvents())).toBeInstanceOf(errors.FlowError)
    expect(elsewhere.asked).toEqual([])
  })

  test("options are checked, and no message shows a secret", async () => {
    const wrong: ReadonlyArray<readonly [object, string]> = [
      [{}, "baseUrl"],
      [{ baseUrl: "nowhere" }, "baseUrl"],
      [{ baseUrl: "ftp://a" }, "baseUrl"],
      [{ baseUrl: "http://me:topsecret@a" }, "baseUrl"],
      [{ baseUrl: "http://a?x=topsecret" }, "baseUrl"],
      [{ baseUrl: "http://a", hmacSecret: "" }, "hmacSecret"],
      [{ baseUrl: "http://a", bearerToken: "topsecret\n" }, "bearerToken"],
      [{ baseUrl: "http://a", headers: { a: 1 } }, "headers"],
      [{ baseUrl: "http://a", fetch: {} }, "fetch"],
      [{ baseUrl: "http://a", timeoutMillis: 0 }, "timeoutMillis"],
      [{ baseUrl: "http://a", retries: -1 }, "retries"],
      [{ baseUrl: "http://a", hmacSecrets: "topsecret" }, "hmacSecrets"]
    ]
    for (const [options, field] of wrong) {
      const client = createHttpFlowClient(options as HttpFlowClientOptions)
      const error = await rejection(client.listEvents())
      expect(error).toBeInstanceOf(errors.InvalidOptions)
      expect(error).toMatchObject({ field })
      expect(Bun.inspect(error)).not.toContain("topsecret")
    }
  })
})
