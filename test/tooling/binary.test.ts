/** `bun run build:binary`: one file, on a machine without Bun. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import manifest from "../../packages/sdk/package.json" with { type: "json" }

const repository = dirname(dirname(import.meta.dir))

let folder = ""
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
afterAll(() => rm(folder, { recursive: true, force: true }))

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
