/**
 * The doors `@patchmoi/sdk/http` and `@patchmoi/sdk/api` in bundles for browsers: they reach no built-in module and no store.
 * The client's, run on Node, works against a real server; the API's loads there.
 */
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { echoEvent } from "../../../src/testing/ClientContractPlace.ts"
import { serveWorkspace } from "../serving.ts"
import { makeEchoWorkspace } from "../support.ts"

/** Most bytes of the minified bundle; it had 330 kB when this was written. */
const bundleBytesMax = 400_000

const program = `
import { createHttpFlowClient, UnknownRun } from "./http.js"
const [baseUrl, hmacSecret] = process.argv.slice(2)
const client = createHttpFlowClient({ baseUrl, hmacSecret })
const { runs } = await client.dispatchEvent(${JSON.stringify(echoEvent("1", { status: "changed" }))})
const types = []
for await (const { type } of client.watch()) {
  types.push(type)
  if (type === "RunEnded") break
}
const error = await client.getRun("none").catch((error) => error)
await client.close()
console.log(JSON.stringify({
  status: runs[0].status,
  output: runs[0].output.length > 0,
  types: types.length,
  isUnknownRun: error instanceof UnknownRun,
  hasBun: "Bun" in globalThis
}))
`

/** Bundles a door into the folder, looks for what no browser has, and gives the text. */
const bundle = async (door: string, folder: string): Promise<string> => {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "../../../src", door)],
    target: "browser",
    format: "esm",
    minify: true,
    conditions: ["bun"],
    outdir: folder,
    throw: false
  })
  expect(built.logs).toEqual([])
  const texts = await Promise.all(built.outputs.map((output) => output.text()))
  const text = texts.join("\n")
  const imports = built.outputs.flatMap((_, index) =>
    new Bun.Transpiler({ loader: "js" }).scanImports(texts[index] ?? "").map(({ path }) => path)
  )
  expect(imports.filter((path) => !path.startsWith("."))).toEqual([])
  // A bundler for browsers puts stand-ins in the place of built-ins: their text would be here.
  expect(text).not.toMatch(/bun:sqlite|node:|Bun\.(serve|spawn|file)/)
  return text
}

test("the API bundles for a browser without a built-in, and loads on Node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "api-bundle-"))
  await bundle("api.ts", folder)
  const load = `import("${join(folder, "api.js")}").then(({ routes }) => console.log(routes.length > 0))`
  const child = Bun.spawn(["node", "--eval", load], { stdout: "pipe", stderr: "pipe" })
  const [said, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
  expect({ said, complaint }).toEqual({ said: "true\n", complaint: "" })
  await rm(folder, { recursive: true, force: true })
}, 30_000)

test("bundles for a browser without a built-in, and runs on Node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "http-bundle-"))
  expect((await bundle("http.ts", folder)).length).toBeLessThan(bundleBytesMax)

  const secret = "the secret of the bundle"
  await using workspace = await makeEchoWorkspace()
  await using server = await serveWorkspace(workspace.root, { secret })
  const runner = join(folder, "main.mjs")
  await Bun.write(runner, program)
  const child = Bun.spawn(["node", runner, server.url, secret], { stdout: "pipe", stderr: "pipe" })
  const [said, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
  expect(complaint).toBe("")
  expect(JSON.parse(said)).toEqual({
    status: "changed",
    output: true,
    types: expect.any(Number),
    isUnknownRun: true,
    hasBun: false
  })
  await rm(folder, { recursive: true, force: true })
}, 30_000)
