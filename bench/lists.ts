/**
 * `GET /runs` at 1,000,000 runs: page 1 and page 1,000, of all runs and of one status. The store is filled by its driver
 * directly, in large commits, with the documents that the aggregate makes; the pages are asked of a real `patchmoi serve`.
 *
 * Run: `bun bench/lists.ts`; filling takes some minutes. `BENCH_LIST_RUNS` makes it smaller. Reach: page 1,000 within 2 × of
 * page 1.
 */
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RunDocument } from "../packages/core/src/run/RunDocument.ts"
import { RunFact } from "../packages/core/src/run/RunFact.ts"
import { Runs } from "../packages/core/src/run/Runs.ts"
import { documentWrite } from "../packages/core/src/store/Aggregate.ts"
import type { DriverCommit } from "../packages/core/src/store/Driver.ts"
import { stepPlan } from "../packages/core/src/testing/flows.ts"
import { databaseFile } from "../packages/sdk/src/record/recordKind.ts"
import { make } from "../packages/store-sqlite/src/SqliteStore.ts"
import { startBackend } from "./support/backend.ts"
import { makeFolder, makeWorkspace } from "./support/workspace.ts"
import { measure, toMarkdown } from "./support.ts"

const total = Number(process.env["BENCH_LIST_RUNS"] ?? 1_000_000)
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 21)
/** Runs of one commit while the store is filled. */
const batch = 2_000
const limit = 50
/** Or the middle of the list, where the store has fewer pages. */
const farPage = Math.min(1_000, Math.floor(total / limit / 2))
const at = 1_760_000_000_000

const decodeFact = Schema.decodeSync(RunFact)
const plan = stepPlan("/flows/bench/step.ts")
const queuedFor = (eventId: string): RunFact =>
  decodeFact({
    _tag: "RunQueued",
    eventId,
    eventType: "bench.list",
    flowName: "bench",
    flowVersion: 1,
    flowRoot: "/flows/bench",
    stepName: "step",
    generation: 0,
    plan
  })
const ended = decodeFact({ _tag: "RunEnded", processStatus: "completed" })

/** What the engine commits for a run that waits and then ends, at once. */
const write = (number: number): DriverCommit => {
  const key = `run_${number.toString(16).padStart(32, "0")}`
  const facts = [queuedFor(`event-${number}`), ended]
  const document = facts.reduce<RunDocument | undefined>(
    (run, fact) => Runs.evolve(run, fact, { key, at: at + number }),
    undefined
  )
  return {
    expected: [],
    facts: facts.map(({ _tag, ...data }, index) => ({
      stream: `${Runs.name}/${key}`,
      version: index + 1,
      at: at + number,
      type: _tag,
      data: JSON.stringify(data)
    })),
    documents: [documentWrite(Runs, key, facts.length, document)]
  }
}

const fill = (filename: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const driver = yield* make({ filename, synchronous: "normal" })
      for (let first = 0; first < total; first += batch) {
        const writes = Array.from({ length: Math.min(batch, total - first) }, (_, index) =>
          write(first + index)
        )
        yield* driver.commit({
          expected: [],
          facts: writes.flatMap(({ facts }) => facts),
          documents: writes.flatMap(({ documents }) => documents)
        })
      }
    })
  )

const readPage = async (
  url: string,
  query: string,
  cursor: string | undefined
): Promise<string | undefined> => {
  const parameters = new URLSearchParams({
    limit: String(limit),
    ...(cursor === undefined ? {} : { cursor })
  })
  const answer = await fetch(`${url}/runs?${query}${parameters}`)
  const page = RunPage(await answer.json())
  if (page.runs.length !== limit) throw new Error(`Expected ${limit} runs, got ${page.runs.length}`)
  return page.cursor
}

const RunPage = Schema.decodeUnknownSync(
  Schema.Struct({ runs: Schema.Array(Schema.Unknown), cursor: Schema.optional(Schema.String) })
)

/** The cursor of a page, by walking there. */
const cursorOf = async (url: string, query: string, page: number): Promise<string | undefined> => {
  let cursor: string | undefined
  for (let number = 1; number < page; number++) cursor = await readPage(url, query, cursor)
  return cursor
}

const folder = makeFolder("lists")
try {
  makeWorkspace(folder)
  const dataDir = join(folder, "record")
  mkdirSync(dataDir)
  await Effect.runPromise(fill(databaseFile(dataDir)))
  const backend = await startBackend({ workspace: folder, dataDir })
  const { url } = backend
  const far = await cursorOf(url, "", farPage)
  const farCompleted = await cursorOf(url, "status=completed&", farPage)
  const table = await measure({
    name: `/runs at ${total} runs`,
    baseline: "page 1",
    rounds,
    variants: {
      "page 1": () => readPage(url, "", undefined),
      [`page ${farPage}`]: () => readPage(url, "", far),
      "page 1, completed": () => readPage(url, "status=completed&", undefined),
      [`page ${farPage}, completed`]: () => readPage(url, "status=completed&", farCompleted)
    }
  })
  console.log(toMarkdown(table))
  await backend.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
