/** Who is let in, to what, and how often. */
import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { routes } from "../../src/api/routes.ts"
import { signatureHeader, signRequest } from "../../src/api/signing.ts"
import { Nonces } from "../../src/server/Nonces.ts"
import { RateLimit } from "../../src/server/RateLimit.ts"
import { isLoopback, serve } from "../../src/server/serve.ts"
import { makeToken, type TokenEntry, writeTokens } from "../../src/server/Tokens.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { openServer, type Place } from "./place.ts"

const secret = "a shared secret"
const bodySignature = (body: string, key = secret): string =>
  `sha256=${createHmac("sha256", key).update(body).digest("hex")}`

const signed = async (
  place: Place,
  method: "GET" | "POST",
  target: string,
  body?: string,
  change: { readonly timeMillis?: number; readonly secret?: string } = {}
) => {
  const signature = await signRequest(change.secret ?? secret, {
    method,
    target,
    timeMillis: change.timeMillis ?? Date.now(),
    ...(body === undefined ? {} : { body })
  })
  const send = (path = target, sent = body, header = signature) =>
    place.get(path, {
      method,
      ...(sent === undefined ? {} : { body: sent }),
      headers: { [signatureHeader]: header, "content-type": "application/json" }
    })
  return { signature, send }
}

describe("with a secret", () => {
  test("every route but healthz and readyz needs proof", async () => {
    await using place = await openServer({ secret })
    for (const { method, path, scope } of routes) {
      const { status } = await place.get(path.replace("{id}", "x"), {
        method,
        ...(method === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {})
      })
      expect([path, status]).toEqual([path, scope === "open" ? 200 : 401])
    }
  })

  test("a signed request is served once, as it was signed, within five minutes", async () => {
    await using place = await openServer({ secret })
    const body = JSON.stringify(echoEvent("1"))
    const dispatched = await signed(place, "POST", "/events?wait=true", body)
    expect((await dispatched.send()).status).toBe(202)
    const again = await dispatched.send()
    expect([again.status, again.body.error.message]).toEqual([401, "This signature was used before"])
    const read = await signed(place, "GET", "/runs?limit=5")
    expect((await read.send("/runs?limit=6")).status).toBe(401)
    expect((await read.send()).status).toBe(200)
    const replay = await signed(place, "POST", "/events/1/replay", "{}")
    expect((await replay.send("/events/1/replay", '{"wait":true}')).status).toBe(401)
    expect((await replay.send("/events/2/replay")).status).toBe(401)
    expect((await replay.send()).status).toBe(202)
    for (const minutes of [-6, 6]) {
      const late = await signed(place, "GET", "/runs", undefined, {
        timeMillis: Date.now() + minutes * 60_000
      })
      expect((await late.send()).status).toBe(401)
    }
    for (const minutes of [-4, 4]) {
      const timely = await signed(place, "GET", "/runs", undefined, {
        timeMillis: Date.now() + minutes * 60_000
      })
      expect((await timely.send()).status).toBe(200)
    }
    const other = await signed(place, "GET", "/runs", undefined, { secret: "another" })
    expect((await other.send()).status).toBe(401)
    for (const header of ["", "t=1", "v1=00", `${read.signature}0`, read.signature.toUpperCase()]) {
      expect((await read.send("/runs", undefined, header)).status).toBe(401)
    }
  })

  test("the body signatures of earlier clients take events in, and do nothing else", async () => {
    await using place = await openServer({ secret })
    const body = JSON.stringify(echoEvent("1"))
    const send = (path: string, headers: Record<string, string>, sent = body) =>
      place.get(path, {
        method: "POST",
        body: sent,
        headers: { "content-type": "application/json", ...headers }
      })
    for (const path of ["/events", "/flow-events", "/flow-dispatches"]) {
      for (const name of ["x-flow-signature-256", "x-patch-flow-signature-256"]) {
        expect((await send(path, { [name]: bodySignature(body) })).status).toBe(202)
        expect((await send(path, { [name]: bodySignature(body, "another") })).status).toBe(401)
        expect((await send(path, { [name]: bodySignature(body).toUpperCase() })).status).toBe(401)
        expect((await send(path, { [name]: bodySignature(body) }, `${body} `)).status).toBe(401)
      }
    }
    // The second header counts where the first is absent only.
    const both = { "x-flow-signature-256": "sha256=00", "x-patch-flow-signature-256": bodySignature(body) }
    expect((await send("/events", both)).status).toBe(401)
    for (const path of ["/events/1/replay", "/events/explain", "/runs/x/cancel"]) {
      expect((await send(path, { "x-flow-signature-256": bodySignature("{}") }, "{}")).status).toBe(401)
    }
    expect(
      (await place.get("/runs", { headers: { "x-flow-signature-256": bodySignature("") } })).status
    ).toBe(401)
  })
})

describe("tokens", () => {
  const withTokens = async (place: Place, entries: ReadonlyArray<TokenEntry>) =>
    Either.getOrThrow(writeTokens(join(place.root, "tokens.json"), entries))
  const createdAt = "2026-01-01T00:00:00.000Z"

  test("do what their scopes allow, under their name, until they are revoked", async () => {
    const reader = makeToken({ name: "reader", scopes: ["read"], createdAt })
    const sender = makeToken({ name: "sender", scopes: ["dispatch"], createdAt })
    const operator = makeToken({ name: "operator", scopes: ["read", "operate"], createdAt })
    const gone = makeToken({ name: "gone", scopes: ["read"], createdAt })
    const root = await mkdtemp(join(tmpdir(), "tokens-"))
    await using place = await openServer({ tokensFile: join(root, "tokens.json"), secret })
    await withTokens({ ...place, root }, [
      reader.entry,
      sender.entry,
      operator.entry,
      { ...gone.entry, revokedAt: createdAt }
    ])
    const ask = (token: string, method: "GET" | "POST", path: string, body?: object) =>
      place.get(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }
      })
    const event = echoEvent("1")
    const table = [
      [reader, 200, 403, 403],
      [sender, 403, 202, 403],
      [operator, 200, 403, 202],
      [gone, 401, 401, 401]
    ] as const
    expect((await ask(sender.token, "POST", "/events?wait=true", event)).status).toBe(202)
    for (const [{ token }, read, dispatch, operate] of table) {
      expect((await ask(token, "GET", "/runs")).status).toBe(read)
      expect((await ask(token, "POST", "/events", event)).status).toBe(dispatch)
      expect((await ask(token, "POST", "/events/1/replay", {})).status).toBe(operate)
    }
    for (const wrong of [
      "x",
      `${reader.token}x`,
      reader.token.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      ""
    ]) {
      expect((await ask(wrong, "GET", "/runs")).status).toBe(401)
    }
    const { body } = await ask(reader.token, "GET", "/events/1")
    expect(body.event.dispatchedBy).toBe("http:token:sender")
    await rm(root, { recursive: true })
  })

  test("a rate that is used up is 429, for this caller alone, and comes back", async () => {
    await using place = await openServer({ secret, rate: { burst: 3, perSecond: 0.01 } })
    const ask = async () => (await signed(place, "GET", "/runs")).send()
    for (let count = 0; count < 3; count += 1) expect((await ask()).status).toBe(200)
    const refused = await ask()
    expect([refused.status, refused.body.error.code]).toEqual([429, "RateLimited"])
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(1)
    const limit = new RateLimit({ burst: 2, perSecond: 10 })
    expect([limit.take("a", 0), limit.take("a", 0), limit.take("a", 0), limit.take("b", 0)]).toEqual([
      0, 0, 100, 0
    ])
    expect([limit.take("a", 100), limit.take("a", 150)]).toEqual([0, 50])
    expect((await place.get("/healthz")).status).toBe(200)
  })

  test("a queue that is full is 429 with Retry-After, for new events alone", async () => {
    await using place = await openServer({ engine: { runs: false, queueMax: 2 } })
    for (const id of ["1", "2"]) expect((await place.post("/events", echoEvent(id))).status).toBe(202)
    for (const path of ["/events", "/events/1/replay"]) {
      const refused = await place.post(path, path === "/events" ? echoEvent("3") : {})
      expect([refused.status, refused.body.error.code]).toEqual([429, "QueueFull"])
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
    }
    expect((await place.post("/events", echoEvent("1"))).body).toMatchObject({ status: "duplicate" })
    expect((await place.get("/events/3")).status).toBe(404)
  })

  test("nonces are remembered as long as their signature is good, and in bounded memory", () => {
    const nonces = new Nonces(2)
    expect([nonces.take("a", 0, 0), nonces.take("a", 0, 300_000), nonces.take("b", 0, 0)]).toEqual([
      "new",
      "seen",
      "new"
    ])
    expect(nonces.take("c", 0, 0)).toBe("full")
    expect(nonces.take("c", 300_001, 300_001)).toBe("new")
    expect(nonces.take("c", 600_002, 600_002)).toBe("new")
  })

  test("a memory of nonces that is full is searched once a second, not with every request", () => {
    const nonces = new Nonces(2)
    for (const [nonce, signedAt] of [
      ["a", 0],
      ["b", 100]
    ] as const) {
      nonces.take(nonce, signedAt, 100)
    }
    expect(nonces.take("c", 300_000, 300_000)).toBe("full")
    expect(nonces.take("c", 300_001, 300_001)).toBe("full")
    expect(nonces.take("c", 301_000, 301_000)).toBe("new")
    expect(nonces.take("d", 301_001, 301_001)).toBe("new")
    expect(nonces.take("e", 301_002, 301_002)).toBe("full")
  })
})

describe("pages of other origins", () => {
  test("are refused on every route that does or shows something, and get no CORS header", async () => {
    await using place = await openServer()
    const { host } = new URL(place.url)
    for (const { method, path, scope } of routes) {
      if (scope === "open") continue
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { origin: `http://${host.replace("127.0.0.1", "localhost")}0` },
        { "sec-fetch-site": "cross-site" }
      ]) {
        const answer = await place.get(path.replace("{id}", "x"), {
          method,
          headers: headers as Record<string, string>
        })
        expect([path, headers, answer.status]).toEqual([path, headers, 403])
        expect(answer.headers.get("access-control-allow-origin")).toBeNull()
      }
    }
    expect((await place.get("/runs", { headers: { origin: place.url } })).status).toBe(200)
    expect((await place.get("/runs", { headers: { "sec-fetch-site": "same-origin" } })).status).toBe(200)
  })

  test("a name that is made to lead here is refused", async () => {
    await using place = await openServer()
    for (const host of ["evil.example", "evil.example:7345", "127.0.0.1.evil.example", "localhost.evil"]) {
      const answer = await place.get("/runs", { headers: { host } })
      expect([host, answer.status, answer.body.error.field]).toEqual([host, 403, "host"])
    }
    const { port } = new URL(place.url)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, "LOCALHOST", `[::1]:${port}`]) {
      expect([host, (await place.get("/runs", { headers: { host } })).status]).toEqual([host, 200])
    }
  })
})

test("an address that others reach is refused without a secret, and taken with one", async () => {
  await using place = await openServer()
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
    const exit = await Effect.runPromiseExit(Effect.scoped(serve(place.flow, { host, port: 0 })))
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("needs a secret")
  }
  const empty = await Effect.runPromiseExit(
    Effect.scoped(serve(place.flow, { host: "0.0.0.0", port: 0, secret: "" }))
  )
  expect(Exit.isFailure(empty)).toBe(true)
  await using open = await openServer({ host: "0.0.0.0", secret })
  const { port } = new URL(open.url)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${port}/runs`)).status).toBe(401)
  expect(["127.0.0.1", "127.9.9.9", "localhost", "::1"].every(isLoopback)).toBe(true)
  expect(["127.0.0.1.example.com", "0.0.0.0", "::", "10.0.0.1", ""].some(isLoopback)).toBe(false)
})
