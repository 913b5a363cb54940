/** Every way of opening a client, under one contract. */
import { join } from "node:path"
import { createHttpFlowClient } from "../../src/http.ts"
import { type ClientState, FlowClient } from "../../src/index.ts"
import { clientContract, type OpenClient } from "../../src/testing/ClientContract.ts"
import { serveWorkspace } from "./serving.ts"

const openLocal =
  (stateOf: (root: string) => ClientState): OpenClient =>
  async (root, options = {}) => {
    const client = await FlowClient.open({
      mode: "local",
      cwd: root,
      state: stateOf(root),
      concurrency: 1,
      ...options
    })
    return { client, [Symbol.asyncDispose]: () => client.close() }
  }

clientContract("a local client in memory", { open: openLocal(() => "memory") })

clientContract("a local client in a folder", {
  open: openLocal((root) => ({ kind: "file", dataDir: join(root, "data") }))
})

clientContract("a local client in a database", {
  open: openLocal((root) => ({ kind: "sqlite", dataDir: join(root, "data") }))
})

clientContract("a client over HTTP, of a server that it signs for and that keeps its record in SQLite", {
  open: async (root, options = {}) => {
    const secret = "a secret of the client contract"
    const dataDir = join(root, "data")
    const server = await serveWorkspace(root, {
      secret,
      engine: { concurrency: 1, ...options },
      state: { kind: "sqlite", dataDir, access: "write" }
    })
    const client = createHttpFlowClient({
      baseUrl: server.url,
      hmacSecret: secret,
      ...(options.queueMax === undefined ? {} : { retries: 1 })
    })
    return {
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close()
        await server[Symbol.asyncDispose]()
      }
    }
  }
})
