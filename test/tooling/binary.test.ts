/** `bun run build:binary`: one file, on a machine without Bun. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import manifest from "../../packages/sdk/package.json" with { type: "json" }

const repository = dirname(dirname(import.meta.dir))

let folder = ""
const started: Array<Bun.Subprocess> = []
const program = (): string => join(folder, "bin/patchmoi")
const workspace = (): string => join(folder, "workspace")

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = async (
  argv: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: Record<string, string | undefined> }
): Promise<Ended> => {
  const child = Bun.spawn([...argv], { ...options, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

/** An environment with a PATH on which there is nothing, Bun least of all. */
const environment = (): Record<string, string> => ({ PATH: join(folder, "empty"), HOME: folder })

const patchmoi = (...words: ReadonlyArray<string>): Promise<Ended> =>
  run([program(), ...words], { cwd: workspace(), env: environment() })

/** Starts `patchmoi serve` on a free port. */
const serve = async () => {
  const child = Bun.spawn([program(), "serve", "--port", "0", "--data-dir", join(folder, "record")], {
    cwd: workspace(),
    env: environment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  started.push(child)
  const texts = { stdout: "", stderr: "" }
  const take = async (name: "stdout" | "stderr"): Promise<void> => {
    for await (const bytes of child[name]) texts[name] += new TextDecoder().decode(bytes)
  }
  const taken = Promise.all([take("stdout"), take("stderr")])
  const deadlineMillis = performance.now() + 10_000
  let url: string | undefined
  while (url === undefined) {
    if (child.exitCode !== null || performance.now() > deadlineMillis) {
      throw new Error(`patchmoi serve does not listen: ${texts.stdout}${texts.stderr}`)
    }
    await Bun.sleep(5)
    url = /http:\/\/[\w.:]+/.exec(texts.stdout + texts.stderr)?.[0]
  }
  const stop = async (): Promise<number> => {
    child.kill("SIGTERM")
    await taken
    return await child.exited
  }
  return { url, stop }
}

const messagesOf = async (url: string): Promise<ReadonlyArray<string>> => {
  const response = await fetch(`${url}/runs?eventId=guest-2`)
  expect(response.status).toBe(200)
  const { runs }: { readonly runs: ReadonlyArray<{ readonly result: { readonly message: string } }> } =
    JSON.parse(await response.text())
  return runs.map(({ result }) => result.message).sort()
}

const steps = {
  raw: `const { flow } = await Bun.stdin.json()
console.log("FLOW_RESULT " + JSON.stringify({ status: "changed", message: "raw " + flow.event.payload.name }))`,
  module: `interface Context { readonly flow: { readonly event: { readonly payload: { readonly name: string } } } }
export default ({ flow }: Context) => ({ status: "changed", message: "module " + flow.event.payload.name })`
}

const flowToml = `name = "greet"
version = 1
${Object.keys(steps)
  .map(
    (name) =>
      `\n[[steps]]\nname = "${name}"\nrunner = "bun"\nscript = "${name}.ts"\n\n[steps.trigger]\ntype = "guest.arrived"\n`
  )
  .join("")}`

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "patchmoi-binary-")))
  const flow = join(workspace(), "flows/greet")
  await mkdir(flow, { recursive: true })
  await mkdir(join(folder, "empty"))
  await Bun.write(join(flow, "flow.toml"), flowToml)
  for (const [name, text] of Object.entries(steps)) await Bun.write(join(flow, `${name}.ts`), text)
  await Bun.write(
    join(workspace(), "event.json"),
    JSON.stringify({ id: "guest-1", type: "guest.arrived", payload: { name: "Ada" } })
  )
  const built = await run([process.execPath, "scripts/buildBinary.ts", program()], {
    cwd: repository,
    env: process.env
  })
  expect(built.code, built.stderr).toBe(0)
  expect(built.stdout).toStartWith(`${program()}: `)
}, 120_000)
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL")
  await Promise.all(started.map(({ exited }) => exited))
  await rm(folder, { recursive: true, force: true })
})

describe("the single file", () => {
  test("is one file", async () => {
    expect(await readdir(dirname(program()))).toEqual(["patchmoi"])
  })

  test("tells its version", async () => {
    expect(await patchmoi("--version")).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" })
  })

  test("runs raw and module-style steps without a Bun on the PATH", async () => {
    const { code, stdout, stderr } = await patchmoi("flow", "fire", "--event", "event.json", "--json")
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('"raw Ada"')
    expect(stdout).toContain('"module Ada"')
  })

  test("serves: takes an event over HTTP, runs its steps, keeps the record over a restart", async () => {
    const event = { id: "guest-2", type: "guest.arrived", payload: { name: "Grace" } }
    const first = await serve()
    const dispatched = await fetch(`${first.url}/events?wait=true`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(event)
    })
    expect(dispatched.status).toBe(202)
    expect(await dispatched.json()).toMatchObject({ status: "accepted", eventId: "guest-2", matched: 2 })
    expect(await messagesOf(first.url)).toEqual(["module Grace", "raw Grace"])
    expect(await first.stop()).toBe(0)

    const second = await serve()
    expect(await messagesOf(second.url)).toEqual(["module Grace", "raw Grace"])
    expect(await second.stop()).toBe(0)
  })

  test("is not changed by what lies in the folder where it is started", async () => {
    await Bun.write(join(workspace(), "bunfig.toml"), 'preload = ["./preload.ts"]\n')
    await Bun.write(join(workspace(), "preload.ts"), 'console.log("preloaded")\n')
    await Bun.write(join(workspace(), ".env"), "FEED_SOURCES_PATH=not-there.json\n")
    try {
      expect((await patchmoi("--version")).stdout).toBe(`${manifest.version}\n`)
      // With the variable it would refuse to start: it could not tell which names are secrets.
      expect((await patchmoi("flow", "fire", "--event", "event.json")).code).toBe(0)
    } finally {
      for (const name of ["bunfig.toml", "preload.ts", ".env"]) await rm(join(workspace(), name))
    }
  })
})
