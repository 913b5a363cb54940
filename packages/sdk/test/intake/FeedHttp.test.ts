import { describe, expect } from "bun:test"
import { createServer, type Server } from "node:net"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import {
  FeedHttp,
  type FeedRequest,
  type Fetch,
  layer,
  make,
  redirectsMax
} from "../../src/intake/FeedHttp.ts"

const lastModified = "Sun, 01 Mar 2026 10:00:00 GMT"

/** A stream that gives chunks for as long as it is read, and says when nobody reads any more. */
const endless = (onCancel: () => void) =>
  new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    cancel: onCancel
  })

interface Forge {
  readonly url: (path: string) => string
  readonly requests: Array<{ readonly path: string; readonly headers: Headers }>
  readonly canceled: () => boolean
}

const routes = (
  request: Request,
  other: () => string,
  onCancel: () => void
): Response | Promise<Response> => {
  const { pathname } = new URL(request.url)
  const redirect = (location: string) => new Response(null, { status: 302, headers: { location } })
  switch (pathname) {
    case "/feed":
      return request.headers.get("if-none-match") === '"one"'
        ? new Response(null, { status: 304, headers: { etag: '"one"' } })
        : new Response("<feed/>", { headers: { etag: '"one"', "last-modified": lastModified } })
    case "/gzip":
      return new Response(Bun.gzipSync(Buffer.from("<feed/>".repeat(1000))), {
        headers: { "content-encoding": "gzip" }
      })
    case "/busy":
      return new Response("wait", { status: 429, headers: { "retry-after": "120" } })
    case "/later":
      return new Response("wait", {
        status: 503,
        headers: { "retry-after": "Thu, 01 Jan 2099 00:00:00 GMT" }
      })
    case "/huge":
      return new Response(endless(onCancel))
    case "/declared":
      return new Response(new Uint8Array(100_000))
    case "/silent":
      return new Promise<Response>(() => undefined)
    case "/stalls":
      return new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
      )
    case "/moved":
      return redirect("feed")
    case "/loop":
      return redirect("/loop")
    case "/file":
      return redirect("file:///etc/hostname")
    case "/away":
      return redirect(`${other()}/feed`)
    default:
      return new Response("no", { status: 404 })
  }
}

/** A forge on loopback, with a second one for redirects that leave it. */
const makeForge = Effect.gen(function* () {
  const requests: Array<{ readonly path: string; readonly headers: Headers }> = []
  let canceled = false
  const serve = (other: () => string) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Bun.serve({
          port: 0,
          hostname: "127.0.0.1",
          idleTimeout: 0,
          fetch: (request) => {
            requests.push({ path: new URL(request.url).pathname, headers: request.headers })
            return routes(request, other, () => {
              canceled = true
            })
          }
        })
      ),
      (server) => Effect.promise(() => server.stop(true))
    )
  const second = yield* serve(() => "")
  const first = yield* serve(() => `http://127.0.0.1:${second.port}`)
  const forge: Forge = {
    url: (path) => `http://127.0.0.1:${first.port}${path}`,
    requests,
    canceled: () => canceled
  }
  return forge
})

const get = (request: Partial<FeedRequest> & { readonly url: string }) =>
  Effect.gen(function* () {
    const http = yield* FeedHttp
    return yield* http.get({ accept: "application/atom+xml", ...request })
  }).pipe(Effect.provide(layer()))

/** Says what it is told on a bare connection, then closes it. */
const rawServer = (answer: string) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<Server>((resolve) => {
          const server = createServer((socket) => {
            socket.on("error", () => socket.destroy())
            socket.once("data", () => socket.end(answer))
          })
          server.listen(0, "127.0.0.1", () => resolve(server))
        })
    ),
    (server) => Effect.sync(() => server.close())
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("no port")
      return `http://127.0.0.1:${address.port}/cut?token=hunter2`
    })
  )

describe("reading a feed", () => {
  it.live("gives the bytes, where they were, and the validators; then that nothing changed", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      const first = yield* get({ url: forge.url("/feed") })
      if (first._tag !== "Fetched") throw new Error(first._tag)
      expect(new TextDecoder().decode(first.bytes)).toBe("<feed/>")
      expect(first.url).toBe(forge.url("/feed"))
      expect(first.validators).toEqual({ etag: '"one"', lastModified })
      const second = yield* get({ url: forge.url("/feed"), validators: first.validators })
      expect(second).toEqual({ _tag: "NotModified", validators: first.validators })
      const sent = forge.requests[1]?.headers
      expect(sent?.get("if-none-match")).toBe('"one"')
      expect(sent?.get("if-modified-since")).toBe(lastModified)
      expect(sent?.get("accept")).toBe("application/atom+xml")
      expect(sent?.get("user-agent")).toBe("patchmoi")
    })
  )

  it.live("decompresses, and counts what comes out", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      const whole = yield* get({ url: forge.url("/gzip") })
      expect(whole._tag === "Fetched" && whole.bytes.length).toBe(7000)
      const refused = yield* Effect.flip(get({ url: forge.url("/gzip"), bytesMax: 6999 }))
      expect(refused._tag).toBe("FeedTooLarge")
    })
  )

  it.live("stops at the byte limit, declared or streamed, and lets go of the connection", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      for (const path of ["/declared", "/huge"]) {
        const refused = yield* Effect.flip(get({ url: forge.url(path), bytesMax: 99_999 }))
        expect(refused.message).toBe(`${forge.url(path)} is larger than 99999 bytes, the most that is read`)
      }
      yield* Effect.suspend(() => (forge.canceled() ? Effect.void : Effect.fail("still streaming"))).pipe(
        Effect.retry({ times: 500, schedule: Schedule.spaced("10 millis") }),
        Effect.orDie
      )
      const exact = yield* get({ url: forge.url("/declared"), bytesMax: 100_000 })
      expect(exact._tag).toBe("Fetched")
    })
  )

  it.live("names the status and the wait that the server asks for", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      const missing = yield* Effect.flip(get({ url: forge.url("/none?token=hunter2") }))
      expect(missing.message).toBe(`${forge.url("/none")}?*** answered 404`)
      const busy = yield* Effect.flip(get({ url: forge.url("/busy") }))
      expect(busy).toMatchObject({ _tag: "FeedStatusError", status: 429, retryAfterMillis: 120_000 })
      expect(busy.message).toContain("it asks to wait 120 s")
      const later = yield* Effect.flip(get({ url: forge.url("/later") }))
      expect(later).toMatchObject({ status: 503, retryAfterMillis: 86_400_000 })
    })
  )

  it.live("gives up after its time, before the answer and in the middle of the body", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      for (const path of ["/silent", "/stalls"]) {
        const late = yield* Effect.flip(get({ url: forge.url(path), timeout: "100 millis" }))
        expect(late.message).toBe(`${forge.url(path)} was not read within 100 ms`)
      }
    })
  )

  it.live("follows redirects up to its limit, and none that leaves the web", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      const moved = yield* get({ url: forge.url("/moved") })
      expect(moved._tag === "Fetched" && moved.url).toBe(forge.url("/feed"))
      const loop = yield* Effect.flip(get({ url: forge.url("/loop") }))
      expect(loop.message).toBe(
        `${forge.url("/loop")} could not be read: it redirects more than ${redirectsMax} times`
      )
      expect(forge.requests.filter(({ path }) => path === "/loop").length).toBe(redirectsMax + 1)
      const file = yield* Effect.flip(get({ url: forge.url("/file") }))
      expect(file.message).toContain("it redirects to an address that is not followed")
    })
  )

  it.live("sends credentials as a header, only to their origin, and tells nobody", () =>
    Effect.gen(function* () {
      const forge = yield* makeForge
      const secret = (path: string) => forge.url(path).replace("//", "//mira:hunter%402%25@")
      const fed = yield* get({ url: secret("/feed") })
      expect(fed._tag === "Fetched" && fed.url).toBe(forge.url("/feed"))
      yield* get({ url: secret("/away") })
      expect(forge.requests.map(({ headers, path }) => [path, headers.get("authorization")])).toEqual([
        ["/feed", `Basic ${btoa("mira:hunter@2%")}`],
        ["/away", `Basic ${btoa("mira:hunter@2%")}`],
        ["/feed", null]
      ])
      for (const path of ["/none", "/loop", "/file", "/silent", "/huge"]) {
        const failed = yield* Effect.flip(get({ url: secret(path), timeout: "100 millis", bytesMax: 10 }))
        expect(JSON.stringify(failed) + failed.message).not.toMatch(/hunter|mira/)
      }
    })
  )

  it.live("tells a connection that breaks off from a whole document", () =>
    Effect.gen(function* () {
      const half = yield* rawServer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<feed>")
      const chunked = yield* rawServer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<feed>\r\n")
      const nothing = yield* rawServer("")
      for (const url of [
        half,
        chunked,
        nothing,
        "http://127.0.0.1:1/?token=hunter2",
        "http://%/",
        "nonsense"
      ]) {
        const broken = yield* Effect.flip(get({ url }))
        expect(broken._tag).toBe("FeedUnreachable")
        expect(JSON.stringify(broken) + broken.message).not.toContain("hunter2")
      }
    })
  )

  it.effect("waits 30 seconds by default, by the clock that it is given", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | null | undefined
      const never: Fetch = (_url, init) => {
        signal = init.signal
        return new Promise(() => undefined)
      }
      const fiber = yield* Effect.fork(
        Effect.flip(make({ fetch: never }).get({ url: "https://forge.example/x", accept: "*/*" }))
      )
      yield* TestClock.adjust("29 seconds")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "FeedTimeout", timeoutMillis: 30_000 })
      expect(signal?.aborted).toBe(true)
    })
  )

  it.effect("does not fall from https to http", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const downgrading: Fetch = (url) => {
        asked.push(url)
        return Promise.resolve(
          new Response(null, { status: 301, headers: { location: "http://forge.example/x" } })
        )
      }
      const refused = yield* Effect.flip(
        make({ fetch: downgrading }).get({ url: "https://forge.example/x", accept: "*/*" })
      )
      expect(refused._tag).toBe("FeedUnreachable")
      expect(asked).toEqual(["https://forge.example/x"])
    })
  )
})
