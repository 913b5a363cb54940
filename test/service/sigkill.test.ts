/**
 * Goal: whatever moment a server is killed at, every event that it acknowledged ends exactly once successfully, and none is
 * lost. Method: a client process sends events that each append a line to a file; the server is killed with SIGKILL again and
 * again and restarted on the same port and record; at the end the record, the file and the client's own notes are compared.
 *
 * The sample is small and is killed when so much work is done; `TEST_LONG=1` sends 5,000 events with a kill every 2 seconds.
 */
import { afterEach, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Backend, sourceProgram, startBackend, until } from "../../bench/support/backend.ts"
import { eventTypes, makeWorkspace } from "../../bench/support/workspace.ts"
import { quantile } from "../../bench/support.ts"
import { isIdle, processesNaming, readEventIds, readRuns, type ToldRun } from "./record.ts"
import type { Sending } from "./sender.ts"

const isLong = process.env["TEST_LONG"] === "1"
const events = isLong ? 5_000 : 150
/** Kills of the sample; the long run is killed for as long as it lasts. */
const killsOfSample = 4
const killEveryMillis = 2_000
const testMillisMax = isLong ? 600_000 : 60_000

const opened: Array<() => unknown> = []
const folder = mkdtempSync(join(tmpdir(), "sigkill-"))
afterEach(async () => {
  for (const kill of opened.splice(0)) await kill()
  rmSync(folder, { recursive: true, force: true })
})

test(
  `${events} events with a server that is killed again and again: each ends once, none is lost, nothing is left behind`,
  async () => {
    makeWorkspace(folder)
    const file = join(folder, "lines")
    const service = new KilledService(folder)
    await service.start()
    const sender = startSender({
      url: service.backend.url,
      ids: Array.from({ length: events }, (_, index) => `event-${index}`),
      type: eventTypes.append,
      payload: { file },
      callers: 4,
      pauseMillis: isLong ? 0 : 20
    })
    await (isLong
      ? killWhile(service, killEveryMillis, () => sender.isRunning() || linesOf(file).length < events)
      : killAtLines(service, file))
    const acknowledged = await sender.acknowledged
    const { url } = service.backend
    await until(
      "no run waits or is under way",
      60_000,
      async () => ((await isIdle(url)) ? true : undefined),
      50
    )

    expect(await readEventIds(url).then((ids) => ids.toSorted())).toEqual(acknowledged.toSorted())
    const runs = await readRuns(url)
    expect(runs).toHaveLength(events)
    expect(new Set(runs.map(({ eventId }) => eventId)).size).toBe(events)
    expect(runs.filter((run) => !endedOnceWell(run))).toEqual([])
    const lines = Map.groupBy(linesOf(file), (line) => line)
    expect(acknowledged.filter((id) => !lines.has(id))).toEqual([])
    // A line is written by an attempt, so an event has at most as many as its run has attempts.
    expect(
      runs.filter(({ eventId, attempts }) => (lines.get(eventId)?.length ?? 0) > attempts.length)
    ).toEqual([])
    expect(await stuckExitCode(folder, service.dataDir)).toBe(0)
    expect(await service.backend.stop()).toBe(0)
    await until("no process is left behind", 5_000, () =>
      processesNaming(folder).length === 0 ? true : undefined
    )
    console.log(figures(service, runs, linesOf(file).length))
  },
  testMillisMax
)

// --- internal ---

/** Exactly one attempt completed, and every other one was lost to a kill. */
const endedOnceWell = ({ status, attempts }: ToldRun): boolean =>
  status === "completed" &&
  attempts.filter((attempt) => attempt.status === "completed").length === 1 &&
  attempts.every((attempt) => attempt.status === "completed" || attempt.status === "lost")

/** A server that comes back on its port. */
class KilledService {
  readonly dataDir: string
  readonly restarts: Array<{ readonly atMillis: number; readonly readyMillis: number }> = []
  kills = 0
  #backend: Backend | undefined

  constructor(readonly workspace: string) {
    this.dataDir = join(workspace, "record")
  }

  get backend(): Backend {
    if (this.#backend === undefined) throw new Error("The server was not started")
    return this.#backend
  }

  async start(): Promise<void> {
    const port = this.#backend?.port ?? 0
    const atMillis = Date.now()
    const startedAt = performance.now()
    const backend = await startBackend({ workspace: this.workspace, dataDir: this.dataDir, port })
    this.#backend = backend
    opened.push(backend.kill)
    await until("the server is ready", 10_000, async () =>
      (await fetch(`${backend.url}/readyz`)).status === 200 ? true : undefined
    )
    if (port !== 0) this.restarts.push({ atMillis, readyMillis: performance.now() - startedAt })
  }

  async killAndRestart(): Promise<void> {
    await this.backend.kill()
    this.kills += 1
    await this.start()
  }
}

const startSender = (sending: Sending) => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "sender.ts")], {
    stdin: new Blob([JSON.stringify(sending)]),
    stdout: "pipe",
    stderr: "inherit"
  })
  opened.push(() => child.kill("SIGKILL"))
  const printed = child.stdout.text()
  const acknowledged = Promise.all([printed, child.exited]).then(([text, code]) => {
    if (code !== 0) throw new Error(`The sender ended with ${code}`)
    return text
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
  })
  return { acknowledged, isRunning: () => child.exitCode === null }
}

const linesOf = (file: string): ReadonlyArray<string> =>
  existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []

/** Kills the server each time another part of the work is done. */
const killAtLines = async (service: KilledService, file: string): Promise<void> => {
  for (let kill = 1; kill <= killsOfSample; kill++) {
    const wanted = Math.floor((events * kill) / (killsOfSample + 1))
    await until(`${wanted} events are done`, 20_000, () =>
      linesOf(file).length >= wanted ? true : undefined
    )
    await service.killAndRestart()
  }
}

const killWhile = async (service: KilledService, everyMillis: number, isGoingOn: () => boolean) => {
  while (isGoingOn()) {
    const end = performance.now() + everyMillis
    await until("the time is over", everyMillis + 1_000, () =>
      performance.now() >= end || !isGoingOn() ? true : undefined
    )
    if (isGoingOn()) await service.killAndRestart()
  }
}

/** The exit code of `patchmoi run stuck`: 0 when every run that has not ended has something that wakes it. */
const stuckExitCode = async (workspace: string, dataDir: string): Promise<number> => {
  const command = [...sourceProgram, "run", "stuck", "--cwd", workspace, "--data-dir", dataDir]
  return await Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "inherit" }).exited
}

/** One line: what the kills cost. */
const figures = ({ kills, restarts }: KilledService, runs: ReadonlyArray<ToldRun>, lines: number): string => {
  const attempts = runs.reduce((sum, run) => sum + run.attempts.length, 0)
  // From the restart that followed the start of the attempt: the kill before it is what the attempt was lost to.
  const recovered = runs.flatMap((run) =>
    run.attempts.flatMap(({ status, startedAt, completedAt }) => {
      if (status !== "lost" || completedAt === undefined) return []
      const restart = restarts.find(({ atMillis }) => atMillis >= Date.parse(startedAt))
      return restart === undefined ? [] : [Date.parse(completedAt) - restart.atMillis]
    })
  )
  const spread = (millis: ReadonlyArray<number>): string =>
    `p50 ${quantile(millis, 0.5).toFixed(0)} ms, p99 ${quantile(millis, 0.99).toFixed(0)} ms`
  return [
    `sigkill: ${runs.length} events, ${kills} kills`,
    `${attempts - runs.length} attempts more than runs, ${lines - runs.length} lines more than events`,
    `restart to ready ${spread(restarts.map(({ readyMillis }) => readyMillis))}`,
    `restart to a lost attempt queued again ${spread(recovered)} (${recovered.length} attempts)`
  ].join("; ")
}
