/** `patchmoi serve` and `patchmoi token` as an operator runs them: a real process, its streams, its signals. */
import { expect, test } from "bun:test"
import { mkdir, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { signatureHeader, signRequest } from "../../../src/api/signing.ts"
import { repeatMillis } from "../../../src/cli/processCaller.ts"
import {
  baseEnv,
  exists,
  isAlive,
  jsonOf,
  post,
  readRuns,
  repository,
  runCli,
  startServe,
  textUntil,
  until,
  workspace
} from "./support.ts"

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
    const { url } = JSON.parse(await textUntil(launcher.stdout, "\n"))
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

test("steps get the names of CODEX_FLOW_BACKEND_FORWARD_ENV, and no secret under any name", async () => {
  await using place = await workspace()
  const env = {
    MY_SECRET: "s3cret-of-mine",
    ANOTHER: "s3cret-of-mine",
    COLOUR: "red",
    CODEX_FLOW_BACKEND_FORWARD_ENV: "PATH,COLOUR,ANOTHER"
  }
  await using server = await startServe(place.root, ["--secret-env", "MY_SECRET"], env)
  const path = "/events?wait=true"
  const body = JSON.stringify({ id: "1", type: "demo.echo", payload: { status: "completed" } })
  const signature = await signRequest("s3cret-of-mine", {
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
  const run = ["run", "show", answer.runs[0].id, "--output", "--data-dir", ".codex/flow-backend"]
  const { stdout } = await runCli(place.root, run)
  expect(stdout).toContain("names COLOUR,PATH\n")
  expect(stdout).toContain("secrets \n")
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
    [["--hosts", ","], {}, "--hosts must be names of hosts"],
    [["--hosts", "http://x"], {}, 'found "http://x"'],
    [["--hosts", "a.example,b:7345"], {}, 'found "b:7345"'],
    [
      ["--secret-env", "MYS", "--forward-env", "PATH,MYS"],
      { MYS: "s3cret-of-mine" },
      "--forward-env names MYS, which is a secret"
    ],
    [
      [],
      { CODEX_FLOW_BACKEND_FORWARD_ENV: "PATH,PATCH_ADMIN_TOKEN" },
      "CODEX_FLOW_BACKEND_FORWARD_ENV names PATCH_ADMIN_TOKEN, which is a secret"
    ],
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
  await Promise.all(
    wrong.map(async ([args, env, said]) => {
      const { stderr, code } = await runCli(place.root, ["serve", ...args], env)
      expect([said, code, stderr.includes(said)]).toEqual([said, 2, true])
    })
  )
  const unmade = await runCli(place.root, ["serve", "--port", "0", "--data-dir", "/proc/there"])
  expect([unmade.code, unmade.stderr]).toEqual([
    1,
    expect.stringContaining("The folder /proc/there cannot be made: ENOENT")
  ])
  await mkdir(join(place.root, "tokens"))
  await writeFile(join(place.root, "tokens/tokens.json"), "{broken")
  const broken = await runCli(place.root, ["serve", "--port", "0", "--data-dir", "tokens"])
  expect([broken.code, broken.stderr]).toEqual([
    1,
    expect.stringMatching(/The tokens in .*tokens.json cannot be used/)
  ])
  const stuck = await runCli(place.root, ["run", "stuck", "--data-dir", "nowhere"])
  expect([stuck.code, stuck.stderr]).toEqual([1, expect.stringContaining("There is no record in")])
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
