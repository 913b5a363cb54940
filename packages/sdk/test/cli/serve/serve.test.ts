/** `patchmoi serve` and `patchmoi token` as an operator runs them: a real process, its streams, its signals. */
import { expect, test } from "bun:test"
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { signatureHeader, signRequest } from "../../../src/api/signing.ts"
import { repeatMillis } from "../../../src/cli/processCaller.ts"

const bin = fileURLToPath(import.meta.resolve("../../../src/bin.ts"))

const repository = fileURLToPath(new URL("../../../../../", import.meta.url))

const manifest = (name: string): string => `name = "${name}"
version = 1
[[steps]]
name = "go"
runner = "bun"
script = "go.ts"
[steps.trigger]
type = "demo.${name}"
`

const workspace = async () => {
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

const baseEnv = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" }

const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  const reader = stream.getReader()
  let text = ""
  while (!text.includes("\n")) {
    const { done, value } = await reader.read()
    if (done) throw new Error("it ended")
    text += new TextDecoder().decode(value)
  }
  reader.releaseLock()
  return text
}

/** Starts a server on a free port, and waits for the line that says where. */
const startServe = async (
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
  const { url } = JSON.parse(await firstLine(child.stdout).catch(() => new Response(child.stderr).text()))
  return {
    child,
    url: String(url),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    }
  }
}

const runCli = async (root: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const child = Bun.spawn([process.execPath, bin, ...args], {
    cwd: root,
    env: { ...baseEnv, ...env },
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  return { stdout, stderr, code }
}

const post = (url: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

// biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at freely by its tests.
const jsonOf = async (answer: Response | Promise<Response>): Promise<any> => (await answer).json()

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 15_000; performance.now() < end; ) {
    if (await condition()) return
    await Bun.sleep(10)
  }
  throw new Error("not in time")
}

const readRuns = async (root: string) =>
  JSON.parse((await runCli(root, ["run", "list", "--json", "--data-dir", ".codex/flow-backend"])).stdout)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

for (const store of ["sqlite", "file"]) {
  test(`serves over ${store}, ends with 0 after SIGTERM, and knows everything when it starts again`, async () => {
    await using place = await workspace()
    const event = { id: "1", type: "demo.echo", payload: { status: "changed" } }
    {
      await using server = await startServe(place.root, ["--store", store])
      const answer = await post(server.url, "/events?wait=true", event)
      expect(answer.status).toBe(202)
      expect(await answer.json()).toMatchObject({ runs: [{ effectiveStatus: "changed", backend: store }] })
      server.child.kill("SIGTERM")
      expect(await server.child.exited).toBe(0)
    }
    await using again = await startServe(place.root)
    expect(await (await post(again.url, "/events", event)).json()).toMatchObject({
      status: "duplicate",
      matched: 1
    })
    const listed = await jsonOf(fetch(`${again.url}/runs`))
    expect(listed.runs).toMatchObject([{ backend: store, result: { status: "changed" } }])
  })
}

test("a step that is cut off by a stop runs again at the next start; a second signal ends the server at once", async () => {
  await using place = await workspace()
  const started = join(place.root, "started")
  {
    await using server = await startServe(place.root)
    await post(server.url, "/events", { id: "s", type: "demo.slow", payload: { started, millis: 60_000 } })
    await until(() => exists(started))
    server.child.kill("SIGTERM")
    await until(
      async () =>
        (await fetch(`${server.url}/readyz`).then(
          ({ status }) => status,
          () => 0
        )) !== 200
    )
    const pid = Number(await Bun.file(started).text())
    expect(isAlive(pid)).toBe(true)
    // The same signal again counts as the first for half a second.
    await Bun.sleep(repeatMillis)
    const before = performance.now()
    server.child.kill("SIGTERM")
    expect(await server.child.exited).toBe(130)
    expect(performance.now() - before).toBeLessThan(3_000)
    await until(async () => !isAlive(pid))
  }
  await rm(started)
  await using again = await startServe(place.root)
  await until(() => exists(started))
  const listed = await jsonOf(fetch(`${again.url}/runs`))
  expect(listed.runs).toMatchObject([
    { eventId: "s", status: "running", attemptCount: 2, attempts: [{ status: "lost" }, {}] }
  ])
  expect(await (await fetch(`${again.url}/metrics`)).text()).toContain("patchmoi_attempts_lost_total 1\n")
})

test("one SIGTERM to the process group of the launcher is one stop: the step ends by itself, and the exit code is 0", async () => {
  await using place = await workspace()
  const started = join(place.root, "started")
  const launcher = Bun.spawn(
    [process.execPath, "run", "flow:backend", "serve", "--cwd", place.root, "--port", "0", "--json"],
    { cwd: repository, env: baseEnv, detached: true, stdout: "pipe", stderr: "pipe" }
  )
  try {
    const { url } = JSON.parse(await firstLine(launcher.stdout))
    await post(url, "/events", { id: "s", type: "demo.slow", payload: { started, millis: 1_500 } })
    await until(() => exists(started))
    process.kill(-launcher.pid, "SIGTERM")
    const exitCode = await launcher.exited
    await until(async () => !isAlive(-launcher.pid))
    expect(exitCode).toBe(0)
    expect((await readRuns(place.root)).runs).toMatchObject([
      { effectiveStatus: "changed", attempts: [{ status: "completed" }] }
    ])
  } finally {
    if (isAlive(-launcher.pid)) process.kill(-launcher.pid, "SIGKILL")
  }
})

test("a run of a server that was killed runs again at once after a restart, long before its lease ends", async () => {
  await using place = await workspace()
  const started = join(place.root, "started")
  {
    await using server = await startServe(place.root, ["--store", "sqlite"])
    await post(server.url, "/events", { id: "s", type: "demo.slow", payload: { started, millis: 300 } })
    await until(() => exists(started))
    server.child.kill("SIGKILL")
    await server.child.exited
  }
  await using again = await startServe(place.root)
  // Less than half of the time for which an attempt stays leased.
  await until(async () => {
    const { runs } = await jsonOf(fetch(`${again.url}/runs`))
    return runs[0].effectiveStatus === "changed"
  })
  const { runs } = await jsonOf(fetch(`${again.url}/runs`))
  expect(runs[0].attempts.map(({ status }: { status: string }) => status)).toEqual(["lost", "completed"])
})

test("steps get the names of CODEX_FLOW_BACKEND_FORWARD_ENV, and no secret", async () => {
  await using place = await workspace()
  const env = { MY_SECRET: "s3cret", COLOUR: "red", CODEX_FLOW_BACKEND_FORWARD_ENV: "PATH,COLOUR,MY_SECRET" }
  await using server = await startServe(place.root, ["--secret-env", "MY_SECRET"], env)
  const path = "/events?wait=true"
  const body = JSON.stringify({ id: "1", type: "demo.echo", payload: { status: "completed" } })
  const signature = await signRequest("s3cret", {
    method: "POST",
    target: path,
    timeMillis: Date.now(),
    body
  })
  const answer = await jsonOf(
    fetch(server.url + path, {
      method: "POST",
      body,
      headers: { [signatureHeader]: signature, "content-type": "application/json" }
    })
  )
  const printed: string = answer.runs[0].output.map(({ text }: { text: string }) => text).join("")
  expect(printed).toContain("names COLOUR,PATH\n")
  expect(printed).toContain("secrets \n")
  expect((await fetch(`${server.url}/runs`)).status).toBe(401)
})

test("what is wrong is named, with what is right, and nothing is opened", async () => {
  await using place = await workspace()
  const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, Record<string, string>, string]> = [
    [["--port", "70000"], {}, "a whole number from 0 to 65535"],
    [["--executor", "docker"], {}, "systemd-run"],
    [["--store", "mongo"], {}, "sqlite"],
    [["--secret-env", "NOT_SET"], {}, "NOT_SET, which is not set"],
    [["--concurrency", "0"], {}, "from 1 to 10000"],
    [
      [],
      { CODEX_FLOW_BACKEND_PORT: "http" },
      'CODEX_FLOW_BACKEND_PORT must be a port, a whole number from 0 to 65535; found "http"'
    ],
    [
      [],
      { CODEX_FLOW_BACKEND_EXECUTOR: "docker" },
      'CODEX_FLOW_BACKEND_EXECUTOR must be bun, systemd-run or direct; found "docker"'
    ],
    [
      [],
      { CODEX_FLOW_BACKEND_FORWARD_ENV: "A=B" },
      "CODEX_FLOW_BACKEND_FORWARD_ENV must be names of variables"
    ],
    [[], { CODEX_FLOW_BACKEND_CWD: "/nowhere/at/all" }, "CODEX_FLOW_BACKEND_CWD must be a folder"]
  ]
  for (const [args, env, said] of wrong) {
    const { stderr, code } = await runCli(place.root, ["serve", ...args], env)
    expect([said, code, stderr.includes(said)]).toEqual([said, 2, true])
  }
  const open = await runCli(place.root, ["serve", "--host", "0.0.0.0", "--port", "0"])
  expect(open.code).toBe(1)
  expect(open.stderr).toContain("Listening on 0.0.0.0 needs a secret")
  await using server = await startServe(place.root)
  const { port } = new URL(server.url)
  const taken = await runCli(place.root, ["serve", "--port", port, "--data-dir", "other"])
  expect([taken.code, taken.stderr.includes(`Cannot listen on 127.0.0.1:${port}`)]).toEqual([1, true])
})

test("tokens are made, shown once, listed and revoked; a running server follows", async () => {
  await using place = await workspace()
  await using server = await startServe(place.root)
  expect((await fetch(`${server.url}/runs`)).status).toBe(200)
  const make = (name: string, scopes: string) =>
    runCli(place.root, ["token", "create", "--name", name, "--scopes", scopes])
  const made = await make("ci", "read,dispatch")
  expect(made.code).toBe(0)
  const token = made.stdout.trim()
  expect(token).toMatch(/^pmt_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
  expect((await make("ci", "read")).code).toBe(2)
  expect((await make("x", "write")).stderr).toContain("read, dispatch, operate")
  const file = join(place.root, ".codex/flow-backend/tokens.json")
  expect(await Bun.file(file).text()).not.toContain(token.slice(-20))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const status = (path: string, init: RequestInit = {}) =>
    fetch(server.url + path, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as object) }
    }).then((answer) => answer.status)
  await until(async () => (await fetch(`${server.url}/runs`)).status === 401)
  expect(await status("/runs")).toBe(200)
  const event = { id: "1", type: "none" }
  const json = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event)
  }
  expect(await status("/events", json)).toBe(202)
  expect(await status("/events/1/replay", { ...json, body: "{}" })).toBe(403)
  const listed = await runCli(place.root, ["token", "list", "--json"])
  expect(JSON.parse(listed.stdout).tokens).toMatchObject([{ name: "ci", scopes: ["read", "dispatch"] }])
  expect(listed.stdout).not.toContain("hash")
  expect((await runCli(place.root, ["token", "list"])).stdout).toContain("ci\tread,dispatch")
  expect((await runCli(place.root, ["token", "revoke", "ci"])).code).toBe(0)
  await until(async () => (await status("/runs")) === 401)
  expect((await runCli(place.root, ["token", "revoke", "nobody"])).code).toBe(2)
  const facts = await (await fetch(`${server.url}/healthz`)).json()
  expect(facts).toEqual({ ok: true })
})
