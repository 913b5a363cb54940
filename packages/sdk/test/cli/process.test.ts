/** The program as a process: what a test inside one process cannot see. Signals, pipes, terminals, exit codes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { repeatMillis } from "../../src/cli/processCaller.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { isAlive } from "../client/support.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"
import { call, eventText, flowFiles, makeFolder, says } from "./support.ts"

const program = join(import.meta.dir, "../../src/bin.ts")

/** How long a process may take for anything here, in milliseconds. */
const deadlineMillis = 20_000

let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  folder = await makeFolder({
    ...flowFiles("alpha", [
      { name: "good", type: "release", script: says({ status: "completed" }) },
      {
        name: "stuck",
        type: "push",
        // It tells its process id, and ends only when it is killed.
        script:
          'process.on("SIGTERM", () => {})\nawait Bun.write("pid", String(process.pid))\nawait Bun.sleep(60_000)\n'
      },
      {
        name: "polite",
        type: "pull",
        script: 'await Bun.write("polite", String(process.pid))\nawait Bun.sleep(60_000)\n'
      }
    ]),
    "release.json": eventText("e1", "release"),
    "push.json": eventText("e2", "push"),
    "pull.json": eventText("e3", "pull")
  })
})
afterAll(() => folder[Symbol.asyncDispose]())

const start = (argv: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Bun.spawn([process.execPath, program, ...argv], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], HOME: folder.path, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: deadlineMillis
  })

const ended = async (child: ReturnType<typeof start>) => {
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { exitCode: child.exitCode, stdout, stderr }
}

const isThere = (name: string) => () => Bun.file(join(folder.path, "flows/alpha", name)).exists()

const runsOf = async (dataDir: string) =>
  JSON.parse((await call(["run", "list", "--json", "--data-dir", dataDir], { cwd: folder.path })).stdout).runs

describe("exit codes and streams", () => {
  test("results on standard output, exit code 0", async () => {
    const fired = await ended(start(["flow", "fire", "--event", "release.json"]))
    expect(fired.exitCode).toBe(0)
    expect(JSON.parse(fired.stdout).results).toMatchObject([{ step: "good", status: "completed" }])
  })

  test("a wrong command line: exit code 2, no stack", async () => {
    const wrong = await ended(start(["flow", "fyre"]))
    expect(wrong).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "error: Unknown command: fyre; did you mean fire?\nTry: patchmoi flow --help\n"
    })
  })

  test("an event from standard input", async () => {
    const child = Bun.spawn([process.execPath, program, "flow", "fire", "--event", "-"], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"] },
      stdin: Buffer.from(eventText("e1", "release")),
      stdout: "pipe",
      stderr: "pipe"
    })
    expect(JSON.parse(await child.stdout.text()).eventId).toBe("e1")
    expect(await child.exited).toBe(0)
  })

  test("a reader that has gone ends the program quietly", () => {
    const pipe = `"${process.execPath}" "${program}" completions bash | true; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = Bun.spawnSync(["bash", "-c", pipe], { cwd: folder.path })
    expect({ stdout: stdout.toString(), stderr: stderr.toString() }).toEqual({ stdout: "1\n", stderr: "" })
  })
})

describe("signals", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} cancels the run, and the record says so; exit code 130`, async () => {
      const data = `data-${signal}`
      const child = start(["flow", "fire", "--event", "pull.json", "--data-dir", data])
      await eventually("the step runs", isThere("polite"))
      child.kill(signal)
      const { exitCode, stdout } = await ended(child)
      expect(exitCode).toBe(130)
      expect(JSON.parse(stdout).results).toMatchObject([{ status: "canceled", exit: { _tag: "Canceled" } }])
      expect(await runsOf(data)).toMatchObject([{ processStatus: "canceled" }])
      await Bun.file(join(folder.path, "flows/alpha/polite")).delete()
    })
  }

  test("a second signal ends the program and the step at once, although the step ignores SIGTERM", async () => {
    const child = start(["flow", "fire", "--event", "push.json", "--data-dir", "data-twice"])
    await eventually("the step runs", isThere("pid"))
    const pid = Number(await Bun.file(join(folder.path, "flows/alpha/pid")).text())
    child.kill("SIGINT")
    // The first one has arrived when the request is in the record.
    const log = join(folder.path, "data-twice/log/00000000000000000001.jsonl")
    await eventually("the record tells of the cancel", async () =>
      (await Bun.file(log).text()).includes("RunCancelRequested")
    )
    // The same signal again counts as the first for half a second.
    child.kill("SIGINT")
    await Bun.sleep(repeatMillis)
    expect(child.exitCode).toBeNull()
    const at = performance.now()
    child.kill("SIGINT")
    expect((await ended(child)).exitCode).toBe(130)
    expect(performance.now() - at).toBeLessThan(4_000)
    await eventually("the step is gone", async () => !(await isAlive(pid)))
  })

  test("watch --follow polls, and ends with exit code 0 at SIGTERM", async () => {
    await using forge = startFeedServer()
    forge.atom("tool").publish("v1")
    const source = { ...plainSource, id: "tool", url: `${forge.url}/tool.atom` }
    await folder.write("sources.json", JSON.stringify({ sources: [source] }))
    const child = start(["watch", "--follow", "--json"], {
      FEED_SOURCES_PATH: "sources.json",
      DATA_DIR: "data-watch"
    })
    await eventually("the feed is asked", async () => forge.atom("tool").requests.length > 0)
    const reader = child.stdout.getReader()
    const { value } = await reader.read()
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({ sourceId: "tool", outcome: "primed" })
    child.kill("SIGTERM")
    expect(await child.exited).toBe(0)
    expect(await child.stderr.text()).toContain("Watching the sources of")
  })
})

test("a second signal ends watch --follow with the steps that run", async () => {
  await using forge = startFeedServer()
  forge.atom("tool").publish("v1")
  const source = { ...plainSource, id: "tool", url: `${forge.url}/tool.atom` }
  await folder.write("sources.json", JSON.stringify({ sources: [source] }))
  await Bun.file(join(folder.path, "flows/alpha/pid"))
    .delete()
    .catch(() => undefined)
  const pid = () => Bun.file(join(folder.path, "flows/alpha/pid")).text()
  const data = "data-left"
  // What an earlier process left is taken up by the service. The step does not end by itself when it is asked to, so that
  // the service is still stopping at the second signal.
  const left = start(["flow", "fire", "--event", "push.json", "--data-dir", data])
  await eventually("the step runs", async () => (await isThere("pid")()) && (await pid()) !== "")
  const before = await pid()
  left.kill("SIGKILL")
  await left.exited
  process.kill(Number(before), "SIGKILL")
  const child = start(["watch", "--follow"], { FEED_SOURCES_PATH: "sources.json", DATA_DIR: data })
  await eventually("another process runs it", async () => !["", before].includes(await pid()))
  const runs = await pid()
  // For half a second after it has come, and it may come late, the same signal counts as the first.
  await eventually("the service ends", () => {
    child.kill("SIGTERM")
    return Promise.race([child.exited.then(() => true), Bun.sleep(repeatMillis).then(() => false)])
  })
  expect(await child.exited).toBe(130)
  await eventually("the step is gone", async () => !(await isAlive(Number(runs))))
})

describe("on a terminal", () => {
  /** Runs the program on a pseudo-terminal of 60 columns. */
  const onTerminal = async (argv: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
    const command = ["stty cols 60;", process.execPath, program, ...argv].join(" ")
    const child = Bun.spawn(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], TERM: "xterm", HOME: folder.path, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: deadlineMillis
    })
    const stdout = await child.stdout.text()
    return { exitCode: await child.exited, stdout }
  }

  test("a table in its width, with colours and a progress line", async () => {
    const { exitCode, stdout } = await onTerminal(["flow", "fire", "--event", "release.json"])
    expect(exitCode).toBe(0)
    expect(stdout).toContain("\u001b[1mSTATUS")
    expect(stdout).toContain("\r\u001b[2K\u001b[2malpha/good completed")
    const lines = stdout.split("\n").map((line) => line.split("\r").at(-1) ?? "")
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(60)
  })

  test("NO_COLOR takes the colours away, not the table", async () => {
    const { stdout } = await onTerminal(["flow", "list"], { NO_COLOR: "1" })
    expect(stdout).toStartWith("FLOW ")
    expect(stdout).not.toContain("\u001b")
  })
})
