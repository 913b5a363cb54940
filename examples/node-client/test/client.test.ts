/** The client, bundled and run by Node, against a back-end of this process. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Flow, layerLocal } from "@patchmoi/sdk/effect"
import { type Listening, serve } from "@patchmoi/sdk/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

/** The server, as long as the backend is open. */
class Address extends Context.Tag("example/Address")<Address, Listening>() {}

const secret = "a secret of the test"
const node = Bun.which("node")

let folder = ""
let url = ""
let backend: AsyncDisposable | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "patchmoi-node-client-"))
  await mkdir(join(folder, "flows/greet"), { recursive: true })
  await Bun.write(
    join(folder, "flows/greet/flow.toml"),
    'name = "greet"\nversion = 1\n[[steps]]\nname = "hello"\nrunner = "bun"\nscript = "hello.ts"\n[steps.trigger]\ntype = "guest.arrived"\n'
  )
  await Bun.write(
    join(folder, "flows/greet/hello.ts"),
    'export default ({ flow }) => ({ status: "completed", message: "Hello, " + flow.event.payload.name })\n'
  )
  await Bun.write(join(folder, "secret"), `${secret}\n`)
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "../src/main.ts")],
    outdir: folder,
    naming: "client.mjs",
    target: "node",
    // The sources of this repository; an installed package brings what Node can import.
    conditions: ["bun"],
    throw: false
  })
  expect(built.success, built.logs.join("\n")).toBe(true)
  const local = layerLocal({
    workspaceRoot: folder,
    state: { kind: "memory" },
    environment: { mode: "service", values: Bun.env, secrets: [] }
  })
  const listening = Effect.flatMap(Flow, (flow) => serve(flow, { port: 0, secret }))
  const runtime = ManagedRuntime.make(Layer.provideMerge(Layer.scoped(Address, listening), local))
  backend = { [Symbol.asyncDispose]: () => runtime.dispose() }
  url = (await runtime.runPromise(Address)).url
})
afterAll(async () => {
  await backend?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const run = async (...words: ReadonlyArray<string>) => {
  // Where there is no Node, Bun shows at least that the bundle holds together.
  const child = Bun.spawn([node ?? process.execPath, "client.mjs", "--url", url, ...words], {
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

describe("the client", () => {
  test("sends an event and follows its run", async () => {
    const { code, stdout, stderr } = await run("--name", "Ada", "--secret-file", "secret")
    expect([code, stderr]).toEqual([0, ""])
    const lines = stdout.trim().split("\n")
    expect(lines[0]).toBe("accepted: greet completed, Hello, Ada")
    expect(lines.slice(1)).toEqual([
      "RunQueued",
      "AttemptStarted",
      "AttemptSpawned",
      "AttemptEnded",
      "RunEnded"
    ])
  })

  test("is told that the event is known", async () => {
    expect((await run("--name", "Ada", "--secret-file", "secret")).stdout).toStartWith(
      "duplicate: greet completed, Hello, Ada\n"
    )
  })

  test("does not wait for runs that there are none of", async () => {
    await rename(join(folder, "flows"), join(folder, "away"))
    const { code, stdout } = await run("--name", "Bob", "--secret-file", "secret")
    await rename(join(folder, "away"), join(folder, "flows"))
    expect([code, stdout]).toEqual([0, "accepted: no flow of the server runs for guest.arrived\n"])
  })

  test("says what is wrong when it is refused", async () => {
    const { code, stderr } = await run("--name", "Eve")
    expect(code).toBe(1)
    expect(stderr).toStartWith("BackendRefused: ")
    expect(stderr).not.toContain("    at ")
  })

  test("has nothing of Bun, of stores or of executors in it", async () => {
    const text = await Bun.file(join(folder, "client.mjs")).text()
    expect(text).not.toMatch(/from "bun(:[a-z]+)?"|require\("bun/)
    expect(text).not.toContain("BunExecutor")
  })
})
