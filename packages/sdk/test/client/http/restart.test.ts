/** A real server that is restarted over its database, on the same port, while clients dispatch and watch. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { createHttpFlowClient } from "../../../src/http.ts"
import { echoEvent, eventually } from "../../../src/testing/ClientContractPlace.ts"
import { serveWorkspace } from "../serving.ts"
import { makeEchoWorkspace } from "../support.ts"

const restarts = 3
const eventsPerLife = 5

test("a watch and dispatches outlive the restarts of their server, without gap or repeat", async () => {
  await using workspace = await makeEchoWorkspace()
  const secret = "the secret of the restarts"
  const state = { kind: "sqlite", dataDir: join(workspace.root, "data"), access: "write" } as const
  let server = await serveWorkspace(workspace.root, { secret, state })
  const { url, port } = server
  const client = createHttpFlowClient({ baseUrl: url, hmacSecret: secret, retries: 20 })
  const count = eventsPerLife * (restarts + 1)
  const positions: Array<number> = []
  const ended = new Set<string>()
  const watching = (async () => {
    for await (const { position, type, id } of client.watch()) {
      positions.push(position)
      if (type === "RunEnded") ended.add(id)
      if (ended.size === count) return
    }
  })()
  const dispatches: Array<Promise<unknown>> = []
  for (let life = 0; life <= restarts; life++) {
    for (let index = 0; index < eventsPerLife; index++) {
      dispatches.push(client.dispatchEvent(echoEvent(`${life}-${index}`)))
    }
    if (life === restarts) break
    await eventually("something is seen of this life", () => ended.size > life * eventsPerLife)
    await server[Symbol.asyncDispose]()
    server = await serveWorkspace(workspace.root, { secret, state, port })
  }
  await Promise.all(dispatches)
  await watching
  expect(positions).toEqual(positions.map((_, index) => index + 1))
  expect((await client.listRuns({ status: "completed", limit: 500 })).runs).toHaveLength(count)
  await client.close()
  await server[Symbol.asyncDispose]()
}, 60_000)
