/**
 * Goal: importing the door of the SDK loads no Effect, no store and no engine; the first call does. Method: the modules
 * that a fresh process has loaded are counted, before and after a call.
 */
import { expect, test } from "bun:test"
import { join } from "node:path"

const door = join(import.meta.dir, "../../src/index.ts")

const loadedBy = async (program: string): Promise<ReadonlyArray<string>> => {
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      `${program}
       console.log(JSON.stringify(Object.keys(require.cache)))`
    ],
    { stdout: "pipe", stderr: "inherit" }
  )
  const text = await new Response(child.stdout).text()
  return JSON.parse(text.trim().split("\n").at(-1) ?? "[]")
}

const heavy = (modules: ReadonlyArray<string>) =>
  modules.filter((path) => /node_modules|packages\/(core|store-file|git)\//.test(path))

test("importing @patchmoi/sdk loads nothing but the face of the client", async () => {
  const modules = await loadedBy(`const sdk = await import(${JSON.stringify(door)})
    new sdk.FlowClient({ mode: "local" })
    new sdk.ClientClosed("closed", {})`)
  const ours = modules.filter((path) => path.includes("/packages/sdk/src/"))
  expect(ours.map((path) => path.slice(path.indexOf("/src/") + 5)).toSorted()).toEqual([
    "client/FlowCalls.ts",
    "client/FlowClient.ts",
    "client/errors.ts",
    "index.ts"
  ])
  expect(heavy(modules)).toEqual([])
})

test("the first call loads the rest", async () => {
  const modules = await loadedBy(`const sdk = await import(${JSON.stringify(door)})
    await (await sdk.FlowClient.open({ mode: "local" })).close()`)
  expect(heavy(modules).length).toBeGreaterThan(50)
})
