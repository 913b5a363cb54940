/** Every way of opening a client, under one contract. */
import { join } from "node:path"
import { type ClientState, FlowClient } from "../../src/index.ts"
import { clientContract } from "../../src/testing/ClientContract.ts"

const openLocal = (stateOf: (root: string) => ClientState) => async (root: string) => {
  const client = await FlowClient.open({ mode: "local", cwd: root, state: stateOf(root), concurrency: 1 })
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

clientContract("a local client in memory", { open: openLocal(() => "memory") })

clientContract("a local client in a folder", {
  open: openLocal((root) => ({ kind: "file", dataDir: join(root, "data") }))
})

clientContract("a local client in a database", {
  open: openLocal((root) => ({ kind: "sqlite", dataDir: join(root, "data") }))
})
