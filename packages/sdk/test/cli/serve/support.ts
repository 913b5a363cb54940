/** A real `patchmoi serve` and real commands beside it, in a workspace of their own. */
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const bin = fileURLToPath(import.meta.resolve("../../../src/bin.ts"))

export const repository = fileURLToPath(new URL("../../../../../", import.meta.url))

const manifest = (name: string): string => `name = "${name}"
version = 1
[[steps]]
name = "go"
runner = "bun"
script = "go.ts"
[steps.trigger]
type = "demo.${name}"
`

export const workspace = async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "serve-")))
  const files = {
    "flows/echo/flow.toml": manifest("echo"),
    "flows/echo/go.ts": `
const { flow } = await Bun.stdin.json()
console.log("names " + Object.keys(process.env).filter((name) => !name.startsWith("CODEX_FLOW_")).toSorted().join(","))
console.log("secrets " + Object.keys(process.env).filter((name) => /SECRET/.test(name)).join(","))
console.log("FLOW_RESULT " + JSON.stringify(flow.event.payload))
`,
    "flows/slow/flow.toml": manifest("slow"),
    "flows/slow/go.ts": `
const { flow } = await Bun.stdin.json()
await Bun.write(flow.event.payload.started, String(process.pid))
await Bun.sleep(flow.event.payload.millis)
console.log('FLOW_RESULT {"status":"changed"}')
`
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

export const baseEnv = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" }

/** What a stream gives until it has given this text. */
export const textUntil = async (stream: ReadableStream<Uint8Array>, sought: string): Promise<string> => {
  const reader = stream.getReader()
  let text = ""
  while (!text.includes(sought)) {
    const { done, value } = await reader.read()
    if (done) throw new Error("it ended")
    text += new TextDecoder().decode(value)
  }
  reader.releaseLock()
  return text
}

/** Starts a server on a free port, and waits for the line that says where. */
export const startServe = async (
  root: string,
  args: ReadonlyArray<string> = [],
  env: Record<string, string> = {}
) => {
  const child = Bun.spawn([process.execPath, bin, "serve", "--port", "0", "--json", ...args], {
    cwd: root,
    env: { ...baseEnv, ...env },
    stdout: "pipe",
    stderr: "pipe"
  })
  const { url } = JSON.parse(
    await textUntil(child.stdout, "\n").catch(() => new Response(child.stderr).text())
  )
  return {
    child,
    url: String(url),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    }
  }
}

export const startCli = (root: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Bun.spawn([process.execPath, bin, ...args], {
    cwd: root,
    env: { ...baseEnv, ...env },
    stdout: "pipe",
    stderr: "pipe"
  })

export const runCli = async (root: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const child = startCli(root, args, env)
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  return { stdout, stderr, code }
}

export const post = (url: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

// biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at freely by its tests.
export const jsonOf = async (answer: Response | Promise<Response>): Promise<any> => (await answer).json()

export const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

export const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 15_000; performance.now() < end; ) {
    if (await condition()) return
    await Bun.sleep(10)
  }
  throw new Error("not in time")
}

export const readRuns = async (root: string) =>
  JSON.parse((await runCli(root, ["run", "list", "--json", "--data-dir", ".codex/flow-backend"])).stdout)

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
