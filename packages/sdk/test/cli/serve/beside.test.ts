/** Commands on a record that a service works on: the service runs the steps, the command waits. And where the service has gone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import {
  exists,
  isAlive,
  jsonOf,
  post,
  readRuns,
  runCli,
  startCli,
  startServe,
  textUntil,
  until,
  workspace
} from "./support.ts"

const manifest = `name = "who"
version = 1
[[steps]]
name = "asks"
runner = "bun"
script = "asks.ts"
[steps.trigger]
type = "demo.asks"
`

/** Tells who runs it, and on its first attempt asks a question. */
const asks = `
const { runtime } = await Bun.stdin.json()
const message = [process.env.OPERATORS_OWN ?? "clean", runtime.launchedBy, runtime.approval?.decision].join("/")
const result = runtime.approval === undefined && !runtime.replay
  ? { status: "blocked", message, artifacts: { approval: { prompt: "Go on?" } } }
  : { status: "completed", message }
console.log("FLOW_RESULT " + JSON.stringify(result))
`

const operator = { OPERATORS_OWN: "leaked" }
const record = ["--data-dir", ".codex/flow-backend"]

let place: Awaited<ReturnType<typeof workspace>>
beforeAll(async () => {
  place = await workspace()
  await mkdir(join(place.root, "flows/who"))
  await writeFile(join(place.root, "flows/who/flow.toml"), manifest)
  await writeFile(join(place.root, "flows/who/asks.ts"), asks)
})
afterAll(() => place[Symbol.asyncDispose]())

const command = (...argv: ReadonlyArray<string>) => runCli(place.root, [...argv, ...record], operator)

/** The run of a new event that asks a question. */
const askingRun = async (url: string, id: string): Promise<string> => {
  const { runIds } = await jsonOf(post(url, "/events?wait=true", { id, type: "demo.asks" }))
  return runIds[0]
}

describe("beside a service that is idle", () => {
  let server: Awaited<ReturnType<typeof startServe>>
  beforeAll(async () => {
    server = await startServe(place.root)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  for (const decision of ["approve", "reject"]) {
    test(`run ${decision} leaves the step to the service and awaits its end`, async () => {
      const run = await askingRun(server.url, decision)
      const decided = await command("run", decision, run)
      expect(decided.code).toBe(0)
      const word = decision === "approve" ? "approved" : "rejected"
      expect(JSON.parse(decided.stdout)).toMatchObject({
        decision: word,
        results: [{ runId: run, result: { message: `clean/patchmoi-backend/${word}` } }]
      })
    })
  }

  test("event replay leaves the step to the service and awaits its end", async () => {
    await askingRun(server.url, "again")
    const replayed = await command("event", "replay", "again")
    expect(replayed.code).toBe(0)
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      matched: 1,
      results: [{ result: { message: "clean/patchmoi-backend/" } }]
    })
  })

  test("flow fire leaves the step to the service and awaits its end", async () => {
    await writeFile(join(place.root, "fired.json"), JSON.stringify({ id: "fired", type: "demo.asks" }))
    const fired = await command("flow", "fire", "--event", "fired.json")
    expect(fired.code).toBe(10)
    const { results } = JSON.parse(fired.stdout)
    expect(results).toMatchObject([{ status: "blocked", result: { message: "clean/patchmoi-backend/" } }])
  })

  test("event replay says when no step matches", async () => {
    await post(server.url, "/events", { id: "stray", type: "demo.nobody" })
    const text = await command("event", "replay", "stray")
    expect([text.code, text.stderr]).toEqual([0, expect.stringContaining("No step matches the event stray")])
    const json = await command("event", "replay", "stray", "--json")
    expect([json.code, json.stderr]).toEqual([0, ""])
    expect(JSON.parse(json.stdout)).toMatchObject({ matched: 0, results: [] })
  })

  test("run cancel waits until the service has ended the run", async () => {
    const started = join(place.root, "started")
    const event = { id: "c", type: "demo.slow", payload: { started, millis: 60_000 } }
    const { runIds } = await jsonOf(post(server.url, "/events", event))
    await until(async () => (await exists(started)) && (await Bun.file(started).text()) !== "")
    const pid = Number(await Bun.file(started).text())
    await rm(started)
    const canceled = await command("run", "cancel", runIds[0], "--reason", "enough", "--json")
    expect(canceled.code).toBe(0)
    expect(JSON.parse(canceled.stdout)).toMatchObject({ id: runIds[0], processStatus: "canceled" })
    expect(isAlive(pid)).toBe(false)
  })
})

describe("where the service has gone", () => {
  test("a command waits for the next service, and says so", async () => {
    const started = join(place.root, "waits")
    const server = await startServe(place.root, ["--concurrency", "1"])
    const run = await askingRun(server.url, "left")
    // The service has its one slot in use, so that what the command asks for is still queued when it goes.
    const event = { id: "busy", type: "demo.slow", payload: { started, millis: 60_000 } }
    await post(server.url, "/events", event)
    await until(() => exists(started))
    const approving = startCli(place.root, ["run", "approve", run, ...record], operator)
    await until(async () =>
      (await readRuns(place.root)).runs.some(
        ({ id, status }: { id: string; status: string }) => id === run && status === "queued"
      )
    )
    await server[Symbol.asyncDispose]()
    await textUntil(approving.stderr, "The service on this record has gone")
    await using _next = await startServe(place.root, ["--concurrency", "2"])
    const { results } = JSON.parse(await new Response(approving.stdout).text())
    expect(results[0].result.message).toBe("clean/patchmoi-backend/approved")
    expect(await approving.exited).toBe(0)
  })

  test("a command runs the step itself", async () => {
    const run = await (async () => {
      await using server = await startServe(place.root)
      return await askingRun(server.url, "alone")
    })()
    // It was killed, and its lease holds for long.
    const approved = await command("run", "approve", run)
    expect(approved.code).toBe(0)
    expect(JSON.parse(approved.stdout).results[0].result.message).toBe("leaked/patchmoi-cli/approved")
  })
})
