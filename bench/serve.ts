/**
 * How fast `patchmoi serve` takes events in: without a match, with one match while every slot is taken, and known ones, over
 * 1, 16 and 64 keep-alive connections; against a bare `Bun.serve` that does nothing, and one that verifies the HMAC and does
 * one group-committed insert (`support/bareServer.ts`). All requests are signed; the load comes from a process of its own.
 *
 * Run: `bun bench/serve.ts`. `BENCH_ROUNDS` and `BENCH_REQUESTS` (of one measured call) make it shorter. Reach: 16
 * connections at least 0.5 × of the bare insert.
 */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { type Backend, startBackend } from "./support/backend.ts"
import { type LoadResult, putLoad } from "./support/load.ts"
import { markdownTable } from "./support/markdown.ts"
import { benchSecret, eventTypes, makeFolder, makeWorkspace } from "./support/workspace.ts"
import { quantile } from "./support.ts"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5)
/** The queue of a server takes 10,000 runs: rounds × requests have to stay below. */
const requests = Number(process.env["BENCH_REQUESTS"] ?? 1_500)
const connectionCounts = [1, 16, 64]

const payload = { key: "bench", text: "x".repeat(1_000) }

const startBare = async (...words: ReadonlyArray<string>) => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "support/bareServer.ts"), ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit"
  })
  for await (const bytes of child.stdout) {
    return { url: `http://127.0.0.1:${new TextDecoder().decode(bytes).trim()}`, stop: () => child.kill() }
  }
  throw new Error("The bare server did not start")
}

/** A server whose only slot is taken until the gate opens, so that what is queued stays queued. */
const startTaken = async (folder: string, name: string) => {
  const dataDir = join(folder, name)
  const backend = await startBackend({ workspace: folder, dataDir, secret: benchSecret, concurrency: 1 })
  const gate = join(folder, `${name}.gate`)
  await post(backend, [`gate-${name}`], eventTypes.gate, 1, { gate })
  return { backend, open: () => Bun.write(gate, "") }
}

const post = (
  { url }: Pick<Backend, "url">,
  ids: ReadonlyArray<string>,
  type: string,
  connections: number,
  what: Readonly<Record<string, unknown>> = payload
): Promise<LoadResult> =>
  putLoad({ url, path: "/events", connections, ids, type, payload: what, secret: benchSecret })

const measureAt = async (folder: string, connections: number) => {
  const noop = await startBare("noop")
  const insert = await startBare("insert", join(folder, `insert-${connections}.db`))
  const quiet = await startTaken(folder, `quiet-${connections}`)
  const matching = await startTaken(folder, `matching-${connections}`)
  const variants = {
    "bare no-op": (ids: ReadonlyArray<string>) => post(noop, ids, "bench.none", connections),
    "bare HMAC + insert": (ids: ReadonlyArray<string>) => post(insert, ids, "bench.none", connections),
    "serve, no match": (ids: ReadonlyArray<string>) => post(quiet.backend, ids, "bench.none", connections),
    "serve, one match": (ids: ReadonlyArray<string>) =>
      post(matching.backend, ids, eventTypes.trivial, connections),
    // The ids that this server was given without a match, which it knows by now.
    "serve, duplicates": (ids: ReadonlyArray<string>) => post(quiet.backend, ids, "bench.none", connections)
  }
  const found = new Map<string, Array<LoadResult>>()
  for (let round = 0; round <= rounds; round++) {
    const ids = Array.from({ length: requests }, (_, index) => `${connections}-${round}-${index}`)
    for (const [name, run] of Object.entries(variants)) {
      const result = await run(ids)
      // The first round is for caches and the compiler.
      if (round > 0) found.set(name, [...(found.get(name) ?? []), result])
    }
  }
  for (const { backend, open } of [quiet, matching]) {
    await open()
    await backend.kill()
  }
  for (const { stop } of [noop, insert]) stop()
  return found
}

const rowsOf = (connections: number, found: ReadonlyMap<string, ReadonlyArray<LoadResult>>) => {
  const over = (name: string, baseline: string): string => {
    const own = found.get(name) ?? []
    const base = found.get(baseline) ?? []
    const ratios = own.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? Number.NaN))
    return quantile(ratios, 0.5).toFixed(2)
  }
  return [...found].map(([name, results]) => [
    String(connections),
    name,
    quantile(
      results.map(({ perSecond }) => perSecond),
      0.5
    ).toFixed(0),
    quantile(
      results.map(({ p50Millis }) => p50Millis),
      0.5
    ).toFixed(2),
    quantile(
      results.map(({ p99Millis }) => p99Millis),
      0.5
    ).toFixed(2),
    over(name, "bare HMAC + insert"),
    over(name, "bare no-op")
  ])
}

const folder = makeFolder("serve")
try {
  makeWorkspace(folder)
  const rows: Array<ReadonlyArray<string>> = []
  for (const connections of connectionCounts) {
    rows.push(...rowsOf(connections, await measureAt(folder, connections)))
  }
  const head = ["connections", "accept", "events/s", "p50 ms", "p99 ms", "÷ HMAC + insert", "÷ no-op"]
  console.log(markdownTable(head, rows, 2))
  console.log(
    `\n${rounds} rounds of ${requests} events of 1 KB, interleaved; medians, ratios within a round.`
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
