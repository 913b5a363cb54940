/**
 * Goal: a server does not grow with what it has served. Method: events over 16 connections, nine of ten match nothing and one
 * starts a run; the resident memory at the end is compared with that after the first part.
 *
 * `TEST_LONG=1` sends 20,000 and compares with the memory after the first 2,000. The sample is too short for a garbage
 * collector to settle, so its bound is wider.
 */
import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Backend, startBackend, until } from "../../bench/support/backend.ts"
import { putLoad } from "../../bench/support/load.ts"
import { eventTypes, makeWorkspace } from "../../bench/support/workspace.ts"
import { isIdle, readRuns } from "./record.ts"

const isLong = process.env["TEST_LONG"] === "1"
const { events, firstEvents, growthMax } = isLong
  ? { events: 20_000, firstEvents: 2_000, growthMax: 1.3 }
  : { events: 1_500, firstEvents: 500, growthMax: 1.8 }
const connections = 16
/** Events of one wave; a tenth of them matches. */
const wave = 500

const folder = mkdtempSync(join(tmpdir(), "soak-"))
let backend: Backend | undefined
afterEach(async () => {
  await backend?.kill()
  rmSync(folder, { recursive: true, force: true })
})

test(`${events} events at ${connections} connections: memory at the end is within ${growthMax} × of that after ${firstEvents}`, async () => {
  makeWorkspace(folder)
  const server = await startBackend({ workspace: folder, dataDir: join(folder, "record") })
  backend = server
  const atRest = server.residentBytes()
  let first = 0
  for (let sent = 0; sent < events; sent += wave) {
    await sendWave(server.url, sent)
    if (sent + wave === firstEvents) first = server.residentBytes()
  }
  const end = server.residentBytes()
  const [rest, early, late] = [atRest, first, end].map((bytes) => (bytes / 1_048_576).toFixed(0))
  console.log(
    `soak: ${rest} MiB at rest, ${early} MiB after ${firstEvents} events, ${late} MiB after ${events}: ${(end / first).toFixed(2)} ×`
  )
  const runs = await readRuns(server.url)
  expect(runs).toHaveLength(events / 10)
  expect(runs.filter(({ status }) => status !== "completed")).toEqual([])
  expect(end / first).toBeLessThan(growthMax)
  expect(await server.stop()).toBe(0)
}, 900_000)

// --- internal ---

/** Sends a wave and waits until its runs have ended. */
const sendWave = async (url: string, from: number): Promise<void> => {
  const ids = Array.from({ length: wave }, (_, index) => `soak-${from + index}`)
  const payload = { text: "x".repeat(1_000) }
  const send = (type: string, some: ReadonlyArray<string>) =>
    putLoad({ url, path: "/events", connections, ids: some, type, payload })
  await send(eventTypes.trivial, ids.slice(0, wave / 10))
  await send("service.none", ids.slice(wave / 10))
  await until("the runs have ended", 60_000, async () => ((await isIdle(url)) ? true : undefined), 20)
}
