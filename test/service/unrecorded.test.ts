/**
 * Goal: a server that is killed between the start of a step and the record of its process leaves no second worker behind.
 * Method: a real server with a step that waits; SIGKILL; the note of the process is taken out of the database, as if the kill
 * had come before it; and another server on the record, which has to end that step before it runs the event again.
 */
import { Database } from "bun:sqlite"
import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Backend, startBackend, until } from "../../bench/support/backend.ts"
import { eventTypes, makeWorkspace } from "../../bench/support/workspace.ts"
import { createHttpFlowClient } from "../../packages/sdk/src/http.ts"
import { processesNaming } from "./record.ts"

const folder = mkdtempSync(join(tmpdir(), "unrecorded-"))
const servers: Array<Backend> = []
afterEach(async () => {
  for (const { kill } of servers.splice(0)) await kill()
  rmSync(folder, { recursive: true, force: true })
})

const start = async (): Promise<Backend> => {
  const server = await startBackend({ workspace: folder, dataDir: join(folder, "record") })
  servers.push(server)
  return server
}

/** The steps that run now. */
const steps = (): ReadonlyArray<string> => processesNaming(join(folder, "flows/gate/step.ts"))

test("a step whose process was not recorded is ended before its run goes on", async () => {
  makeWorkspace(folder)
  const gate = join(folder, "gate")
  const first = await start()
  const event = { id: "held", type: eventTypes.gate, payload: { gate } }
  await using client = createHttpFlowClient({ baseUrl: first.url })
  await client.dispatchEvent(event, { wait: false })
  const [left] = await until("the step runs", 10_000, () => (steps().length > 0 ? steps() : undefined))
  await first.kill()
  const database = new Database(join(folder, "record/patchmoi.sqlite"))
  database.run("UPDATE leases SET process = NULL")
  database.close()
  expect(steps()).toEqual([left ?? "none"])

  const second = await start()
  await using other = createHttpFlowClient({ baseUrl: second.url })
  await until("another process has the step", 30_000, () => {
    const now = steps()
    return now.length === 1 && now[0] !== left ? now : undefined
  })
  writeFileSync(gate, "")
  const { runs } = await other.dispatchEvent(event, { wait: true })
  expect(runs[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
  expect(steps()).toEqual([])
}, 60_000)
