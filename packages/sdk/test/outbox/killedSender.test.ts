/**
 * A sender that is killed again and again, at seeded moments, while its backend fails and loses answers. Goal: every event
 * arrives at the backend exactly once, in the order of the feed. Method: a child process polls and sends over one folder.
 */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { FlowClient } from "../../src/index.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { makeEchoWorkspace } from "../client/support.ts"
import { backendSecret, dispatchesOf, makeSources, startEarlierBackend } from "./support.ts"

const seeds = process.env["TEST_LONG"] === "1" ? Array.from({ length: 20 }, (_, seed) => seed + 1) : [1]
const eventCount = 30
const killsMax = 12

const seeded = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

test.each(seeds)(
  "killed with seed %d, it loses and repeats nothing",
  async (seed) => {
    const random = seeded(seed)
    await using workspace = await makeEchoWorkspace()
    await using backend = startEarlierBackend()
    backend.knobs.answer = (request) => {
      if (request.method !== "POST") return undefined
      const chance = random()
      if (chance < 0.1) return Response.json({ error: "broken" }, { status: 500 })
      return chance < 0.2 ? "lose" : undefined
    }
    const sources = await makeSources(workspace.root, {
      workspaceUrl: backend.url,
      workspaceSecretEnv: "OTHER"
    })
    for (let tag = 1; tag <= eventCount; tag++) sources.publish(`v${tag}`)
    const dataDir = join(workspace.root, "data")
    let kills = 0
    while (kills < killsMax && backend.received.length < eventCount) {
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "sendChild.ts")], {
        env: {
          ...process.env,
          OTHER: backendSecret,
          SOURCES_FILE: sources.sourcesFile,
          DATA_DIR: dataDir,
          WORKSPACE: workspace.root
        },
        stdout: "pipe",
        stderr: "inherit"
      })
      // Alive once it has written a byte: from there on it is anywhere between a poll, a send and a commit.
      await child.stdout.getReader().read()
      await Bun.sleep(Math.floor(random() * 120))
      child.kill("SIGKILL")
      await child.exited
      kills += 1
    }
    await using client = await FlowClient.open({
      mode: "local",
      cwd: workspace.root,
      state: { kind: "sqlite", dataDir },
      env: { ...process.env, OTHER: backendSecret }
    })
    await client.pollSources({ sourcesFile: sources.sourcesFile })
    backend.knobs.answer = undefined
    const sent = await eventually("everything is accepted", async () => {
      const all = await dispatchesOf(client)
      return all.length === eventCount && all.every(({ status }) => status === "dispatched") && all
    })
    const inOrder = Array.from({ length: eventCount }, (_, index) => `v${index + 1}`)
    expect(backend.received.map((id) => /(v\d+):upstream/.exec(id)?.[1] ?? id)).toEqual(inOrder)
    expect(sent.map(({ eventId }) => String(eventId))).toEqual(backend.received)
    expect(kills).toBeGreaterThan(0)
    await sources.forge[Symbol.asyncDispose]()
  },
  60_000
)
