/** The files for people and scripts, as real runs leave them; their names and fields are a published interface. */
import { expect, test } from "bun:test"
import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { aggregates } from "@patchmoi/core/Aggregates"
import { LogMaintenance } from "@patchmoi/store-file"
import * as Effect from "effect/Effect"
import { FlowClient } from "../../src/index.ts"
import { readableFiles } from "../../src/record/readableFiles.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, makeEchoWorkspace } from "../client/support.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"

const names = [
  "feed-events.jsonl",
  "feed-state.json",
  "flow-events.jsonl",
  "maintenance-attempts.jsonl",
  "workspace-dispatches.jsonl"
]

const script = `
const { flow } = await Bun.stdin.json()
const ref = "refs/heads/candidate/" + flow.event.payload.tag
console.log("FLOW_RESULT " + JSON.stringify({ status: "changed", message: "moved", artifacts: { candidateRefs: [ref] } }))
`

/** Primes two sources, takes in two releases with a flow and one without, replays one, and closes. */
const makeRecord = async (folder: string, forgeUrl: string, publish: () => void) => {
  const dataDir = join(folder, "data")
  const sourcesFile = join(folder, "feed-sources.json")
  const source = (id: string, eventType: string) => ({
    ...plainSource,
    id,
    url: `${forgeUrl}/${id}.atom`,
    target: { mode: "workspace_flow", eventType }
  })
  await Bun.write(
    sourcesFile,
    JSON.stringify({ sources: [source("tool", "upstream.release"), source("other", "nobody.asks")] })
  )
  await using client = await FlowClient.open({
    mode: "local",
    cwd: folder,
    state: { kind: "file", dataDir }
  })
  await client.pollSources({ sourcesFile, dataDir })
  publish()
  const report = await client.pollSources({ sourcesFile, dataDir })
  await client.dispatchEvent({ ...echoEvent("mine"), labels: ["x"] })
  await client.replayEvent(report.eventIds[0] ?? "")
  const { attempts } = await client.listMaintenanceAttempts()
  return { dataDir, report, attempts, dispatches: (await client.listDispatches()).dispatches }
}

const readFiles = async (dataDir: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await Bun.file(join(dataDir, name)).text()] as const))
  )

const linesOf = (text: string | undefined): ReadonlyArray<Record<string, unknown>> =>
  (text ?? "")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))

const setUp = async () => {
  const workspace = await makeEchoWorkspace(flowFiles("maintain", "upstream.release", script))
  const forge = startFeedServer()
  const feeds = [forge.atom("tool"), forge.atom("other")] as const
  feeds[0].publish("v0")
  const record = await makeRecord(workspace.root, forge.url, () => {
    feeds[0].publish("v1", "release/2")
    feeds[1].publish("o1")
  })
  return {
    ...record,
    files: await readFiles(record.dataDir),
    [Symbol.asyncDispose]: async () => {
      await forge[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
    }
  }
}

test("the five files, with their fields", async () => {
  await using record = await setUp()
  const { files } = record
  const eventId = "patch:tool:tag:github.com,2008:Repository/4711/v1:upstream.release"

  expect(JSON.parse(files["feed-state.json"] ?? "")).toEqual({
    tool: { lastSeenId: "tag:github.com,2008:Repository/4711/release/2", lastCheckedAt: expect.any(String) },
    other: { lastSeenId: "tag:github.com,2008:Repository/4711/o1", lastCheckedAt: expect.any(String) }
  })

  const signals = linesOf(files["feed-events.jsonl"])
  expect(signals.map(({ title }) => title).toSorted()).toEqual(["o1", "release/2", "v1"])
  expect(signals.find(({ title }) => title === "v1")).toEqual({
    sourceId: "tool",
    provider: "github",
    event: "release",
    entryId: "tag:github.com,2008:Repository/4711/v1",
    title: "v1",
    url: "https://forge.example/acme/tool/releases/tag/v1",
    author: "mira",
    publishedAt: "2026-03-01T10:02:00.000Z",
    repo: plainSource.repo,
    ref: "v1",
    target: { mode: "workspace_flow", eventType: "upstream.release" },
    raw: expect.objectContaining({ title: "v1", author: "mira" })
  })

  const events = linesOf(files["flow-events.jsonl"])
  expect(events).toHaveLength(4)
  expect(events.find(({ id }) => id === eventId)).toEqual({
    id: eventId,
    type: "upstream.release",
    source: "patch",
    occurredAt: "2026-03-01T10:02:00.000Z",
    receivedAt: expect.any(String),
    payload: expect.objectContaining({ sourceId: "tool", repo: "acme/tool", tag: "v1", ref: "v1" })
  })
  // Fields of the sender stand where it put them.
  expect(events.find(({ id }) => id === "mine")).toMatchObject({ labels: ["x"] })

  const dispatches = linesOf(files["workspace-dispatches.jsonl"])
  expect(dispatches.map(({ operation }) => operation).toSorted()).toEqual([
    "dispatch",
    "dispatch",
    "dispatch",
    "replay"
  ])
  expect(dispatches.find((line) => line["eventId"] === eventId && line["operation"] === "dispatch")).toEqual({
    id: `${eventId}:dispatch:0`,
    eventId,
    eventType: "upstream.release",
    operation: "dispatch",
    target: "local",
    transport: "local",
    status: "dispatched",
    runIds: [expect.stringMatching(/^run_[0-9a-f]{32}$/)],
    matched: 1,
    createdAt: expect.any(String)
  })
})

test("the latest line of an id in maintenance-attempts.jsonl is the attempt as it is", async () => {
  await using record = await setUp()
  const lines = linesOf(record.files["maintenance-attempts.jsonl"])
  const latest = new Map(lines.map((line) => [line["id"], line]))
  expect([...latest.values()]).toEqual(record.attempts.toReversed() as never)
  expect(lines.length).toBeGreaterThan(latest.size)
  // Opened as started, concluded by its run.
  const [first] = record.attempts.toReversed()
  expect(lines.filter(({ id }) => id === first?.id).map(({ status }) => status)).toContainValues([
    "started",
    "changed"
  ])
  const { createdAt = "" } = first ?? {}
  expect(latest.get(first?.id)).toEqual({
    id: `${first?.eventId}:dispatch:${createdAt}`,
    eventId: first?.eventId,
    eventType: "upstream.release",
    operation: "dispatch",
    status: "changed",
    upstreamRepo: "acme/tool",
    upstreamRef: "v1",
    upstreamTag: "v1",
    workspaceRunIds: [expect.any(String)],
    workspaceRunStatuses: { [first?.workspaceRunIds[0] ?? ""]: "changed" },
    candidateRefs: [{ kind: "ref", ref: "refs/heads/candidate/v1" }],
    message: "moved",
    replacedBy: expect.stringContaining(":replay:"),
    createdAt,
    updatedAt: expect.any(String),
    completedAt: expect.any(String)
  })
  const unmatched = [...latest.values()].find(({ eventType }) => eventType === "nobody.asks")
  expect(unmatched).toMatchObject({
    status: "skipped",
    workspaceRunIds: [],
    message: expect.stringContaining("nobody.asks")
  })
})

test("made anew from the log, the files have the same bytes", async () => {
  await using record = await setUp()
  const { dataDir, files } = record
  const rebuild = Effect.runPromise(
    LogMaintenance.rebuild({ directory: dataDir, aggregates, projections: readableFiles })
  )
  await rebuild
  expect(await readFiles(dataDir)).toEqual(files)
  // Deleted, the next writer makes them anew.
  for (const name of names) await rm(join(dataDir, name))
  await (await FlowClient.open({ mode: "local", cwd: dataDir, state: { kind: "file", dataDir } })).close()
  expect(await readFiles(dataDir)).toEqual(files)
  expect(readableFiles.map(({ fileName }) => fileName).toSorted()).toEqual(names)
})

test("the folder has nothing that its page does not name", async () => {
  await using record = await setUp()
  const page = await Bun.file(join(import.meta.dir, "../../../../docs/reference/data-dir.md")).text()
  const unnamed = (await readdir(record.dataDir)).filter((name) => !page.includes(`\`${name}`))
  expect(unnamed).toEqual([])
})
