/**
 * The engine embedded, without HTTP, over the SQLite store with a no-op executor, against a hand-written loop over
 * `bun:sqlite` that makes the same promises with the least that keeps them. Run: `bun bench/embedded.ts`.
 *
 * A unit is a 1 KB event with a key → one run → one attempt → its end, durable (`synchronous=FULL`) and readable.
 * Reach: dispatch at 32 callers and the drain of 2,000 runs at concurrency 8 at least 0.5 × of the loop, the latency of
 * one at most 2 ×, memory after 5,000 units at most 90 MiB.
 */
import { Database } from "bun:sqlite"
import * as fs from "node:fs"
import * as os from "node:os"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Engine, layer as layerEngine } from "../packages/core/src/engine/Engine.ts"
import { layer as layerSteps, succeeded } from "../packages/core/src/executor/ExecutorMemory.ts"
import { layerMemory as layerCatalog } from "../packages/core/src/flow/FlowCatalog.ts"
import { singleStepFlow } from "../packages/core/src/testing/flows.ts"
import { SqliteStore } from "../packages/store-sqlite/src/index.ts"

/** Units of one measured call. */
const units = 2_000
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5)
const callers = 32
const concurrency = 8

const eventOf = (id: string) => ({
  id,
  type: "bench.unit",
  receivedAt: "2026-01-01T00:00:00Z",
  payload: { key: `key-${id}`, text: "x".repeat(1_000) }
})

/** What is measured, on either side. */
interface Side {
  /** Accepts events at so many callers; returns when all are durable. */
  readonly dispatch: (ids: ReadonlyArray<string>) => Promise<void>
  /** Makes ready to run what is queued; what can be, has begun by then. */
  readonly open: () => Promise<void>
  /** Runs everything that is queued; returns when the last end is durable. */
  readonly drain: (ids: ReadonlyArray<string>) => Promise<void>
  /** One unit from accepted to ended. */
  readonly one: (id: string) => Promise<void>
  /** Runs nothing any more until it is asked to: what is dispatched next stays queued. */
  readonly rest: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Runs `work` for every item, `width` at a time. */
const pooled = async <A>(items: ReadonlyArray<A>, width: number, work: (item: A) => Promise<unknown>) => {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** The loop: three statements in groups, one transaction per group, acknowledged after its commit. */
const handWritten = (filename: string): Side => {
  const db = new Database(filename, { create: true })
  db.run("PRAGMA journal_mode = WAL")
  db.run("PRAGMA synchronous = FULL")
  db.run("CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL)")
  db.run(
    "CREATE TABLE runs (id TEXT PRIMARY KEY, event TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL, worker TEXT)"
  )
  db.run("CREATE INDEX runs_by_status ON runs (status, id)")
  const insertEvent = db.query("INSERT INTO events VALUES (?, ?, ?)")
  const insertRun = db.query("INSERT INTO runs VALUES (?, ?, ?, 'queued', NULL)")
  const claimRun = db.query(
    "UPDATE runs SET status = 'running', worker = ? WHERE id = ? AND status = 'queued'"
  )
  const endRun = db.query("UPDATE runs SET status = 'completed' WHERE id = ? AND worker = ?")
  const queued = db.query<{ id: string }, [number]>("SELECT id FROM runs WHERE status = 'queued' LIMIT ?")

  let waiting: Array<{ readonly write: () => void; readonly done: () => void }> = []
  const flush = (): void => {
    const group = waiting
    waiting = []
    db.transaction(() => {
      for (const { write } of group) write()
    }).immediate()
    for (const { done } of group) done()
  }
  const commit = (write: () => void): Promise<void> =>
    new Promise((done) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ write, done })
    })
  const accept = (id: string) => {
    const event = eventOf(id)
    const body = JSON.stringify(event.payload)
    return commit(() => {
      insertEvent.run(id, event.type, body)
      insertRun.run(`run-${id}`, id, event.payload.key)
    })
  }
  const run = async (id: string) => {
    await commit(() => claimRun.run("worker", id))
    await commit(() => endRun.run(id, "worker"))
  }
  return {
    dispatch: (ids) => pooled(ids, callers, accept),
    open: async () => {},
    drain: async () => {
      for (let page = queued.all(512); page.length > 0; page = queued.all(512)) {
        await pooled(page, concurrency, ({ id }) => run(id))
      }
    },
    one: async (id) => {
      await accept(id)
      await run(`run-${id}`)
    },
    rest: async () => {},
    close: async () => db.close()
  }
}

/** The engine over the SQLite store; it starts to run what is queued when it drains. */
const embedded = async (filename: string): Promise<Side> => {
  const flow = singleStepFlow("bench", "bench.unit")
  const services = Layer.mergeAll(
    SqliteStore.layer({ filename }),
    layerCatalog([flow]),
    layerSteps({ "bench.ts": () => Effect.succeed(succeeded({ status: "completed" })) })
  )
  const accepting = ManagedRuntime.make(Layer.provide(layerEngine({ runs: false }), services))
  const dispatcher = await accepting.runPromise(Engine)
  let running: ManagedRuntime.ManagedRuntime<Engine, unknown> | undefined
  const start = () => {
    running ??= ManagedRuntime.make(Layer.provide(layerEngine({ concurrency }), services))
    return running
  }
  const stop = async () => {
    await running?.dispose()
    running = undefined
  }
  return {
    dispatch: (ids) => pooled(ids, callers, (id) => Effect.runPromise(dispatcher.dispatch(eventOf(id)))),
    open: async () => {
      await start().runtime()
    },
    drain: async (ids) => {
      const runIds = (
        await Promise.all(ids.slice(-1).map((id) => Effect.runPromise(dispatcher.dispatch(eventOf(id)))))
      ).flatMap(({ runIds }) => runIds)
      await start().runPromise(Effect.flatMap(Engine, (engine) => engine.awaitRuns(runIds)))
    },
    one: async (id) => {
      await start().runPromise(
        Effect.flatMap(Engine, (engine) =>
          Effect.flatMap(engine.dispatch(eventOf(id)), ({ runIds }) => engine.awaitRuns(runIds))
        )
      )
    },
    rest: stop,
    close: async () => {
      await stop()
      await accepting.dispose()
    }
  }
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0

/** Units after which the memory of a process that has the engine alone is looked at. */
const memoryUnits = 5_000

/** Prints the resident memory of this process after those units, in MiB. */
const printMemory = async (): Promise<void> => {
  const directory = fs.mkdtempSync(`${os.tmpdir()}/embedded-`)
  const engine = await embedded(`${directory}/engine.db`)
  const ids = Array.from({ length: memoryUnits }, (_, index) => `memory-${index}`)
  await engine.dispatch(ids)
  await engine.drain(ids)
  console.log((process.memoryUsage.rss() / 1_048_576).toFixed(0))
  await engine.close()
  fs.rmSync(directory, { recursive: true, force: true })
}

const main = async (): Promise<void> => {
  const directory = fs.mkdtempSync(`${process.env["BENCH_DIRECTORY"] ?? os.tmpdir()}/embedded-`)
  const sides = {
    loop: handWritten(`${directory}/loop.db`),
    engine: await embedded(`${directory}/engine.db`)
  }
  const found: Record<string, Record<keyof typeof sides, Array<number>>> = {
    [`dispatch at ${callers} callers, units/s`]: { loop: [], engine: [] },
    [`drain of ${units} at concurrency ${concurrency}, units/s`]: { loop: [], engine: [] },
    "latency of one, ms": { loop: [], engine: [] }
  }
  const [dispatch, drain, latency] = Object.values(found)
  for (let round = 0; round <= rounds; round++) {
    for (const side of ["loop", "engine"] as const) {
      const ids = Array.from({ length: units }, (_, index) => `${round}-${index}`)
      const accepted = await timed(() => sides[side].dispatch(ids))
      await sides[side].open()
      const drained = await timed(() => sides[side].drain(ids))
      const single: Array<number> = []
      for (let index = 0; index < 100; index++)
        single.push(await timed(() => sides[side].one(`one-${round}-${index}`)))
      await sides[side].rest()
      if (round === 0) continue
      dispatch?.[side].push((units / accepted) * 1_000)
      drain?.[side].push((units / drained) * 1_000)
      latency?.[side].push(median(single))
    }
  }
  for (const side of Object.values(sides)) await side.close()
  fs.rmSync(directory, { recursive: true, force: true })
  console.log("| embedded | hand-written loop | engine | engine ÷ loop |\n| --- | --- | --- | --- |")
  for (const [name, { loop, engine }] of Object.entries(found)) {
    const digits = name.endsWith("ms") ? 2 : 0
    console.log(
      `| ${name} | ${median(loop).toFixed(digits)} | ${median(engine).toFixed(digits)} | ${(median(engine) / median(loop)).toFixed(2)} |`
    )
  }
}

const ownMemory = (): string =>
  Bun.spawnSync([process.execPath, import.meta.path, "memory"])
    .stdout.toString()
    .trim()

if (process.argv[2] === "memory") await printMemory()
else {
  await main()
  console.log(`| memory after ${memoryUnits} units, MiB | | ${ownMemory()} | |`)
}
