/** Every way of opening a client, under one contract. */
import { join } from "node:path"
import { compact } from "@patchmoi/core/compaction/Compaction"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import { layerStore } from "../../src/composeEngine.ts"
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
    const state = stateOf(root)
    return {
      client,
      ...(typeof state === "object" && state.kind === "sqlite"
        ? { compact: () => compactDatabase(join(root, "data")) }
        : {}),
      [Symbol.asyncDispose]: () => client.close()
    }
  }

/** Takes what has ended out of a database, as another process does while the client uses it. */
const compactDatabase = (dataDir: string) =>
  Effect.runPromise(
    Effect.flatMap(Store, ({ driver }) => compact(driver, { before: Date.now() })).pipe(
      Effect.provide(layerStore({ kind: "sqlite", dataDir, access: "write" }))
    )
  )

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
      compact: () => compactDatabase(dataDir),
      [Symbol.asyncDispose]: async () => {
        await client.close()
        await server[Symbol.asyncDispose]()
      }
    }
  }
})
