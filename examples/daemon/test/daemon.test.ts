/** The daemon as a process: a release in a feed and an event over HTTP become runs, in one record. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createHttpFlowClient, type HttpFlowClient } from "@patchmoi/sdk/http"

const example = dirname(import.meta.dir)
const hmacSecret = "a secret of the test"

const feed = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <id>releases</id><title>Releases</title><updated>2026-01-01T00:00:00Z</updated>
  <entry>
    <id>tag:github.com,2008:Repository/1/v1.2.0</id><title>v1.2.0</title><updated>2026-01-01T00:00:00Z</updated>
    <link rel="alternate" type="text/html" href="https://github.com/acme/tool/releases/tag/v1.2.0"/>
  </entry>
</feed>`

const sourcesOf = (feedUrl: string) => ({
  sources: [
    {
      ...{ id: "acme", provider: "github", url: feedUrl, event: "release", primeOnly: false },
      repo: { owner: "acme", name: "tool", fullName: "acme/tool", webUrl: "https://github.com/acme/tool" },
      target: { mode: "workspace_flow", eventType: "upstream.release" }
    }
  ]
})

let folder = ""
let upstream: Bun.Server<undefined> | undefined
let daemon: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined
let baseUrl = ""
let flows: HttpFlowClient | undefined

const start = async (): Promise<void> => {
  const words = ["--workspace", example, "--sources", join(folder, "sources.json"), "--port", "0"]
  daemon = Bun.spawn(
    [process.execPath, join(example, "src/main.ts"), ...words, "--data-dir", join(folder, "data")],
    {
      env: { ...Bun.env, CODEX_FLOW_BACKEND_SECRET: hmacSecret },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe"
    }
  )
  const reader = daemon.stdout.getReader()
  const decoder = new TextDecoder()
  let text = ""
  baseUrl = ""
  while (baseUrl === "") {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the daemon ended before it listened: ${text}${await daemon.stderr.text()}`)
    text += decoder.decode(value)
    baseUrl = /listening on (http:\S+?)["\s]/.exec(text)?.[1] ?? ""
  }
  // Whatever it says later is taken, so that it never waits for a reader.
  void (async () => {
    while (!(await reader.read()).done);
  })()
  flows = createHttpFlowClient({ baseUrl, hmacSecret })
}

const client = (): HttpFlowClient => {
  if (flows === undefined) throw new Error("the daemon is not started")
  return flows
}

const stop = async (): Promise<number | undefined> => {
  await flows?.close()
  daemon?.kill("SIGTERM")
  return await daemon?.exited
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "patchmoi-daemon-"))
  upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(feed, { headers: { "content-type": "application/atom+xml" } })
  })
  await Bun.write(
    join(folder, "sources.json"),
    JSON.stringify(sourcesOf(`${upstream.url.href}releases.atom`))
  )
  await start()
})
afterAll(async () => {
  daemon?.kill("SIGKILL")
  await daemon?.exited
  await upstream?.stop(true)
  await rm(folder, { recursive: true, force: true })
})

describe("the daemon", () => {
  test("runs the flow for a release in the feed", async () => {
    for await (const change of client().watch({ after: 0 })) if (change.type === "RunEnded") break
    const { runs } = await client().listRuns()
    expect(runs.map(({ status, resultPayload }) => [status, resultPayload?.message])).toEqual([
      ["completed", "v1.2.0 is out"]
    ])
  })

  test("runs it for an event over HTTP too", async () => {
    const event = { id: "by-hand", type: "upstream.release", payload: { tag: "v9" } }
    const { runs } = await client().dispatchEvent(event)
    expect(runs[0]?.resultPayload?.message).toBe("v9 is out")
  })

  test("takes nothing from a caller without the secret", async () => {
    const refused = await fetch(`${baseUrl}/runs`)
    expect(refused.status).toBe(401)
    await refused.body?.cancel()
  })

  test("stops cleanly, and knows afterwards what it did before", async () => {
    expect(await stop()).toBe(0)
    await start()
    expect((await client().getEvent("by-hand")).runs).toHaveLength(1)
    expect((await client().listRuns()).runs).toHaveLength(2)
    expect(await stop()).toBe(0)
  })
})
