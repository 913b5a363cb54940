/**
 * Goal: two servers on one record are one service: an event that both get at once runs once, and what one writes the other
 * tells soon. Method: two real `patchmoi serve` on one SQLite file; events that each append a line to a file, sent to both by
 * turns, then the same ids to both at once; and a stream of changes on one while the other writes.
 */
import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Backend, startBackend, until } from "../../bench/support/backend.ts"
import { eventTypes, makeWorkspace } from "../../bench/support/workspace.ts"
import { quantile } from "../../bench/support.ts"
import { createHttpFlowClient } from "../../packages/sdk/src/http.ts"
import { isIdle, processesNaming, readRuns } from "./record.ts"

const turns = 100
const shared = 100
/** Events whose way to the other server is timed. */
const followed = 21
const seenMillisMax = 250

const folder = mkdtempSync(join(tmpdir(), "two-servers-"))
const servers: Array<Backend> = []
afterEach(async () => {
  for (const { kill } of servers.splice(0)) await kill()
  rmSync(folder, { recursive: true, force: true })
})

test("two servers on one record: each event runs once, whoever takes it in, and each server tells what the other wrote", async () => {
  makeWorkspace(folder)
  const file = join(folder, "lines")
  const dataDir = join(folder, "record")
  // Together, also on a record that does not exist yet.
  servers.push(...(await Promise.all([1, 2].map(() => startBackend({ workspace: folder, dataDir })))))
  const clients = servers.map(({ url }) => createHttpFlowClient({ baseUrl: url }))
  const [one, other] = clients
  if (one === undefined || other === undefined) throw new Error("There are two servers")
  const send = (client: typeof one, id: string) =>
    client.dispatchEvent({ id, type: eventTypes.append, payload: { file } }, { wait: false })

  for (let turn = 0; turn < turns; turn++) await send(turn % 2 === 0 ? one : other, `turn-${turn}`)
  const both = await Promise.all(
    Array.from({ length: shared }, (_, index) =>
      Promise.all([send(one, `both-${index}`), send(other, `both-${index}`)])
    )
  )
  // One of the two took it in, the other knew it; both name the same run.
  expect(both.map((answers) => answers.map(({ status }) => status).toSorted())).toEqual(
    both.map(() => ["accepted", "duplicate"])
  )
  expect(both.filter(([left, right]) => left?.runIds.join() !== right?.runIds.join())).toEqual([])
  for (const { url } of servers) {
    await until(
      "no run waits or is under way",
      30_000,
      async () => ((await isIdle(url)) ? true : undefined),
      20
    )
  }

  const [left = [], right = []] = await Promise.all(servers.map(({ url }) => readRuns(url)))
  expect(right).toEqual(left)
  expect(left).toHaveLength(turns + shared)
  expect(left.filter(({ status, attempts }) => status !== "completed" || attempts.length !== 1)).toEqual([])
  const lines = readFileSync(file, "utf8").trim().split("\n")
  expect(lines.toSorted()).toEqual(left.map(({ eventId }) => eventId).toSorted())

  const delays = await delaysOf(one, other)
  console.log(
    `two servers: a change of one is told by the other after p50 ${quantile(delays, 0.5).toFixed(0)} ms, worst ${Math.max(...delays).toFixed(0)} ms`
  )
  // The middle one: a machine that is busy for a moment is not what is looked at.
  expect(quantile(delays, 0.5)).toBeLessThan(seenMillisMax)

  for (const client of clients) await client.close()
  expect(await Promise.all(servers.map(({ stop }) => stop()))).toEqual([0, 0])
  await until("no process is left behind", 5_000, () =>
    processesNaming(folder).length === 0 ? true : undefined
  )
}, 60_000)

// --- internal ---

type Client = ReturnType<typeof createHttpFlowClient>

/** How long after its answer the events that one server takes in are told by the stream of the other. */
const delaysOf = async (one: Client, other: Client): Promise<ReadonlyArray<number>> => {
  const seen = new Map<string, number>()
  const leaving = new AbortController()
  const following = (async () => {
    for await (const { subject, id } of other.watch({ signal: leaving.signal })) {
      if (subject === "event") seen.set(id, performance.now())
    }
  })().catch((error: unknown) => {
    if (!leaving.signal.aborted) throw error
  })
  const delays: Array<number> = []
  for (let index = 0; index < followed; index++) {
    const id = `followed-${index}`
    await one.dispatchEvent({ id, type: "service.none" }, { wait: false })
    const answeredAt = performance.now()
    const seenAt = await until(`${id} is told`, 10_000, () => seen.get(id), 1)
    // The first one also waits for all that came before.
    if (index > 0) delays.push(Math.max(0, seenAt - answeredAt))
  }
  leaving.abort()
  await following
  return delays
}
