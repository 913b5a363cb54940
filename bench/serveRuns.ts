/**
 * What running costs with `patchmoi serve`: an event from its dispatch to its completed run, one after the other, against the
 * bare step, once the server has done some hundred; the drain of queued trivial runs against a bare loop that spawns the same step at the same concurrency; and the
 * memory of the server at rest, with the queue full, and after all runs.
 *
 * Run: `bun bench/serveRuns.ts`. `BENCH_ROUNDS` and `BENCH_RUNS` (runs of one drain) make it shorter. Reach: completed at most
 * 1.5 × the bare step, drain at least 0.8 × of the bare loop.
 */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { type Backend, startBackend, until } from "./support/backend.ts"
import { connect, postBytes } from "./support/connection.ts"
import { putLoad } from "./support/load.ts"
import { markdownTable } from "./support/markdown.ts"
import { eventTypes, makeFolder, makeWorkspace, trivialStep } from "./support/workspace.ts"
import { measure, quantile, toMarkdown } from "./support.ts"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3)
const runs = Number(process.env["BENCH_RUNS"] ?? 2_000)
/** Slots of the server, and processes of the bare loop. */
const concurrency = 2
/** Events of one round of the sequential part. */
const singles = 20

const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(0)

/** Runs the bare loop in a process of its own; gives milliseconds. */
const spawnBare = async (script: string, times: number, width: number): Promise<number> => {
  const loop = join(import.meta.dir, "support/spawnLoop.ts")
  const child = Bun.spawn([process.execPath, loop, script, String(times), String(width)], { stdout: "pipe" })
  const [printed, code] = await Promise.all([child.stdout.text(), child.exited])
  if (code !== 0) throw new Error(`The bare loop ended with ${code}`)
  return Number(printed)
}

/** From dispatch to completed over one connection, against the step alone started from the same process. */
const measureSingles = async (folder: string, { url }: Backend): Promise<void> => {
  const target = new URL(url)
  const connection = await connect(target)
  const stdin = JSON.stringify({ flow: { event: { id: "bench", type: eventTypes.trivial, payload: {} } } })
  let count = 0
  const table = await measure({
    name: "event to completed",
    baseline: "bare step",
    itemsPerCall: singles,
    rounds: rounds * 3,
    // A server runs for weeks; its compiler takes some hundred events to settle.
    warmupRounds: 15,
    variants: {
      "bare step": async () => {
        for (let each = 0; each < singles; each++) {
          const child = Bun.spawn([process.execPath, trivialStep(folder)], {
            stdin: new Blob([stdin]),
            stdout: "pipe"
          })
          await Promise.all([child.stdout.text(), child.exited])
        }
      },
      "serve, wait=true": async () => {
        for (let each = 0; each < singles; each++) {
          const body = JSON.stringify({ id: `single-${count++}`, type: eventTypes.trivial, payload: {} })
          const status = await connection.send(postBytes(target, "/events?wait=true", body))
          if (status !== 202) throw new Error(`A dispatch was answered ${status}`)
        }
      }
    }
  })
  connection.close()
  console.log(`${toMarkdown(table)}\n`)
}

/** Queues runs behind gates that hold all slots, opens the gates, and gives the milliseconds until nothing is left. */
const drain = async (folder: string, { url }: Backend, round: number, seen: () => void): Promise<number> => {
  const gate = join(folder, `gate-${round}`)
  const post = (type: string, ids: ReadonlyArray<string>, payload: Readonly<Record<string, unknown>>) =>
    putLoad({ url, path: "/events", connections: 16, ids, type, payload })
  await post(
    eventTypes.gate,
    Array.from({ length: concurrency }, (_, index) => `gate-${round}-${index}`),
    { gate }
  )
  const ids = Array.from({ length: runs }, (_, index) => `drain-${round}-${index}`)
  await post(eventTypes.trivial, ids, { text: "x".repeat(1_000) })
  seen()
  const startedAt = performance.now()
  await Bun.write(gate, "")
  await until("nothing is left", 600_000, () => whenIdle(url), 25)
  return performance.now() - startedAt
}

/** True once no run is queued or running, undefined before; the metrics count without loading a run. */
const whenIdle = async (url: string): Promise<true | undefined> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  const left = [...text.matchAll(/^patchmoi_runs\{[^}]*status="(?:queued|running)"[^}]*\} (\d+)$/gm)]
  if (left.length !== 2) throw new Error(`The metrics do not count runs:\n${text}`)
  return left.every(([, count]) => count === "0") ? true : undefined
}

const folder = makeFolder("serve-runs")
try {
  makeWorkspace(folder)
  const backend = await startBackend({ workspace: folder, dataDir: join(folder, "record"), concurrency })
  const memory = [["at rest", mebibytes(backend.residentBytes())]]
  await measureSingles(folder, backend)
  const served: Array<number> = []
  const bare: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    bare.push(await spawnBare(trivialStep(folder), runs, concurrency))
    served.push(
      await drain(folder, backend, round, () => {
        if (round === 0) memory.push([`${runs} runs queued`, mebibytes(backend.residentBytes())])
      })
    )
    memory.push([`after ${(round + 1) * runs} runs`, mebibytes(backend.residentBytes())])
  }
  const rate = (millis: number): number => (runs / millis) * 1_000
  const ratios = served.map((millis, round) => (bare[round] ?? Number.NaN) / millis)
  console.log(
    markdownTable(
      [`drain of ${runs} at concurrency ${concurrency}`, "runs/s", "÷ bare spawn loop"],
      [
        ["bare spawn loop", quantile(bare.map(rate), 0.5).toFixed(0), "1.00"],
        ["serve", quantile(served.map(rate), 0.5).toFixed(0), quantile(ratios, 0.5).toFixed(2)]
      ]
    )
  )
  console.log(`\n${markdownTable(["memory of the server", "MiB"], memory)}`)
  await backend.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
