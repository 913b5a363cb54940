import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { appendFile, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { type Called, call, errorOf, eventText, flowFiles, makeFolder, says } from "./support.ts"

/** A record with two events: e1 whose step prints and completes, and e2 whose step is blocked. */
let folder: Awaited<ReturnType<typeof makeFolder>>

const calling = (...argv: ReadonlyArray<string>): Promise<Called> =>
  call(argv, { cwd: folder.path, env: { DATA_DIR: "data" } })

const json = async (...argv: ReadonlyArray<string>) => JSON.parse((await calling(...argv, "--json")).stdout)

beforeAll(async () => {
  folder = await makeFolder({
    ...flowFiles("alpha", [
      {
        name: "good",
        type: "release",
        script: `console.log("a line")\n${says({ status: "completed", message: "done" })}`
      },
      { name: "stuck", type: "push", script: says({ status: "blocked" }) }
    ]),
    "e1.json": eventText("e1", "release", { tag: "v1" }),
    "e2.json": eventText("e2", "push")
  })
  await calling("flow", "fire", "--event", "e1.json")
  await calling("flow", "fire", "--event", "e2.json")
})
afterAll(() => folder[Symbol.asyncDispose]())

describe("event", () => {
  test("list: newest first, by type, in pages", async () => {
    expect((await calling("event", "list")).stdout.split("\n").map((line) => line.split("\t")[1])).toEqual([
      "e2",
      "e1",
      undefined
    ])
    expect((await json("event", "list", "--type", "release")).events).toMatchObject([{ id: "e1" }])
    const first = await calling("event", "list", "--limit", "1")
    const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1] ?? ""
    expect((await json("event", "list", "--limit", "1", "--cursor", cursor)).events).toMatchObject([
      { id: "e1" }
    ])
    const wrong = await calling("event", "list", "--cursor", "x", "--json")
    expect(wrong.exitCode).toBe(1)
    expect(errorOf(wrong)).toMatchObject({ code: "CursorInvalid" })
  })

  test("show: the event, its runs and its history", async () => {
    const shown = await calling("event", "show", "e1")
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toContain('payload\t{"tag":"v1"}\n')
    expect(shown.stdout).toContain("\tcompleted\talpha\tgood\t")
    expect(shown.stdout).toContain("\tEventAccepted\t")
    expect((await json("event", "show", "e1")).history).toMatchObject([
      { position: 1, type: "EventAccepted" }
    ])
  })

  test("show: an id that is not there", async () => {
    expect(await calling("event", "show", "nope")).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: "error: Unknown event: nope\n"
    })
  })

  test("replay: another generation, awaited; an unknown id is an error", async () => {
    const replayed = await calling("event", "replay", "e2")
    expect(replayed.exitCode).toBe(10)
    expect(JSON.parse(replayed.stdout).results).toMatchObject([{ step: "stuck", status: "blocked" }])
    expect((await json("event", "show", "e2")).generation).toBe(1)
    expect(errorOf(await calling("event", "replay", "nope", "--json"))).toMatchObject({
      code: "UnknownEvent",
      eventId: "nope"
    })
  })
})

describe("run", () => {
  test("list: by status, event, flow and need of attention", async () => {
    const steps = async (...argv: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
      const { runs }: { runs: ReadonlyArray<{ stepName: string }> } = await json("run", "list", ...argv)
      return [...new Set(runs.map(({ stepName }) => stepName))]
    }
    expect(await steps()).toEqual(["stuck", "good"])
    expect(await steps("--status", "completed", "--event-id", "e1")).toEqual(["good"])
    expect(await steps("--event-id", "e2")).toEqual(["stuck"])
    expect(await steps("--needs-attention")).toEqual(["stuck"])
    expect(await steps("--flow", "nope")).toEqual([])
  })

  test("list: a table that fits the terminal, coloured only where it may be", async () => {
    const shown = (env: Record<string, string>, columns: number) =>
      call(["run", "list"], { cwd: folder.path, terminal: true, columns, env: { DATA_DIR: "data", ...env } })
    const plain = (await shown({ NO_COLOR: "1" }, 70)).stdout
    expect(plain).toStartWith("RUN ")
    expect(plain).not.toContain("\u001b")
    for (const line of plain.trimEnd().split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(70)
    expect((await shown({}, 70)).stdout).toContain("\u001b[33mblocked")
    const asked = (await shown({ NO_COLOR: "1", COLUMNS: "50" }, 200)).stdout
    for (const line of asked.trimEnd().split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(50)
  })

  test("show: what it says; --output adds what it printed", async () => {
    const { runs } = await json("run", "list", "--event-id", "e1")
    const id: string = runs[0].id
    const shown = await calling("run", "show", id)
    expect(shown.stdout).toContain("message\tdone\n")
    expect(shown.stdout).not.toContain("a line")
    expect((await calling("run", "show", id, "--output")).stdout).toContain("\na line\n")
    expect((await json("run", "show", id)).output[0].text).toContain("a line")
    expect((await calling("run", "show", "nope")).stderr).toBe("error: Unknown run: nope\n")
  })

  test("cancel: a run that has ended cannot be canceled", async () => {
    const { runs } = await json("run", "list", "--event-id", "e1")
    const called = await calling("run", "cancel", runs[0].id, "--json")
    expect(called.exitCode).toBe(1)
    expect(errorOf(called)).toMatchObject({ code: "RunAlreadyEnded" })
    expect(errorOf(await calling("run", "cancel", "nope", "--json"))).toMatchObject({ code: "UnknownRun" })
  })

  test("a folder without a record reads as empty, and is not made by what writes", async () => {
    const elsewhere = (...argv: ReadonlyArray<string>) => call(argv, { cwd: folder.path })
    expect(await elsewhere("run", "list")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: `There is no record in ${folder.path}/.codex/flow-client yet\n`
    })
    const canceled = await elsewhere("run", "cancel", "x", "--data-dir", "typo", "--json")
    expect(canceled.exitCode).toBe(1)
    expect(errorOf(canceled)).toMatchObject({ code: "NoRecord", directory: `${folder.path}/typo` })
    expect(await readdir(folder.path)).not.toContain("typo")
  })
})

describe("attempt", () => {
  test("list and show where there is none", async () => {
    expect(await calling("attempt", "list")).toEqual({ exitCode: 0, stdout: "", stderr: "" })
    expect(await json("attempt", "list", "--status", "blocked", "--event-id", "e1")).toEqual({ attempts: [] })
    expect(await calling("attempt", "show", "nope")).toMatchObject({
      exitCode: 1,
      stderr: "error: Unknown maintenance attempt: nope\n"
    })
  })
})

describe("log", () => {
  /** A record of its own with one event, and the file of its log. */
  const makeRecord = async () => {
    const own = await makeFolder({ ...flowFiles("alpha", []), "e.json": eventText("e1", "release") })
    await call(["flow", "fire", "--event", "e.json", "--data-dir", "data"], { cwd: own.path })
    await call(["flow", "fire", "--event", "-", "--data-dir", "data"], {
      cwd: own.path,
      input: eventText("e2", "release")
    })
    const [segment = ""] = (await readdir(join(own.path, "data/log"))).filter((name) =>
      name.endsWith(".jsonl")
    )
    const log = (...argv: ReadonlyArray<string>) =>
      call(["log", ...argv, "--data-dir", "data"], { cwd: own.path })
    return { own, log, segment: join(own.path, "data/log", segment) }
  }

  test("a whole log", async () => {
    const { own, log } = await makeRecord()
    await using _ = own
    expect((await log("verify")).stdout).toContain("log\twhole\n")
    expect(JSON.parse((await log("verify", "--json")).stdout)).toMatchObject({ facts: 2, commits: 2 })
    expect((await log("repair")).stdout).toContain("nothing was cut")
  })

  test("a torn tail is no damage; repair cuts it and keeps what it cut", async () => {
    const { own, log, segment } = await makeRecord()
    await using _ = own
    await appendFile(segment, '{"torn')
    expect(await log("verify")).toMatchObject({ exitCode: 0 })
    expect((await log("verify")).stdout).toContain("torn tail")
    const { cut } = JSON.parse((await log("repair", "--json")).stdout)
    expect(await readFile(cut.copies[0], "utf8")).toContain('{"torn')
    expect((await log("verify")).stdout).toContain("log\twhole\n")
  })

  test("damage is exit code 1 with file and line; what reads the record says how to mend it", async () => {
    const { own, log, segment } = await makeRecord()
    await using _ = own
    const text = await readFile(segment, "utf8")
    await Bun.write(segment, text.replace('"e1"', '"x1"'))
    const verified = await log("verify")
    expect(verified.exitCode).toBe(1)
    expect(verified.stdout).toContain(`${segment}:1`)
    expect(verified.stderr).toContain(`patchmoi log repair --data-dir ${own.path}/data\n`)
    const listed = await call(["event", "list", "--data-dir", "data", "--json"], { cwd: own.path })
    expect(listed.exitCode).toBe(1)
    expect(errorOf(listed)).toMatchObject({ code: "LogDamaged", line: 1 })
    expect(String(errorOf(listed)["message"])).toContain(`patchmoi log repair --data-dir ${own.path}/data`)
    expect((await log("repair")).exitCode).toBe(0)
    expect((await log("verify")).exitCode).toBe(0)
  })

  test("rebuild makes the readable files anew", async () => {
    const { own, log } = await makeRecord()
    await using _ = own
    const file = join(own.path, "data/flow-events.jsonl")
    const before = await readFile(file, "utf8")
    await Bun.write(file, "")
    const rebuilt = JSON.parse((await log("rebuild", "--json")).stdout)
    expect(rebuilt).toMatchObject({ position: 2 })
    expect(rebuilt.files).toContain("flow-events.jsonl")
    expect(await readFile(file, "utf8")).toBe(before)
    expect((await log("rebuild")).stdout).toContain("facts\t2\n")
  })

  test("a folder that is not there is told, not made; one that holds nothing does not pass for a whole record", async () => {
    await using own = await makeFolder({ "other/notes.txt": "mine" })
    for (const dataDir of ["gone", "other"]) {
      for (const verb of ["verify", "repair", "rebuild"]) {
        const called = await call(["log", verb, "--data-dir", dataDir, "--json"], { cwd: own.path })
        expect(called.exitCode).toBe(1)
        expect(errorOf(called)).toMatchObject({ code: "NoRecord" })
      }
    }
    expect(await readdir(own.path)).toEqual(["other"])
    expect(await readdir(join(own.path, "other"))).toEqual(["notes.txt"])
  })
})

test("a fact that this version does not know is shown as such", async () => {
  const { appendUnknownFact } = await import("./unknownFact.ts")
  await using own = await makeFolder({ "e.json": eventText("e1", "release") })
  await call(["flow", "fire", "--event", "e.json", "--data-dir", "data"], { cwd: own.path })
  await appendUnknownFact(join(own.path, "data"), "event/e1", "EventBlessed", { by: "a newer version" })
  const shown = await call(["event", "show", "e1", "--data-dir", "data"], { cwd: own.path })
  expect(shown.stdout).toContain('EventBlessed (unknown here)\t{"by":"a newer version"}')
  const json = await call(["event", "show", "e1", "--data-dir", "data", "--json"], { cwd: own.path })
  expect(JSON.parse(json.stdout).history[1]).toMatchObject({ type: "EventBlessed", unknown: true })
})
