/**
 * Goal: a process that stops hard inside compaction leaves each event whole or compacted, and running again goes on.
 * Method: real processes stop themselves with SIGKILL around each statement that writes, on copies of one database.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fs from "node:fs"
import * as os from "node:os"
import { aggregates } from "@patchmoi/core/Aggregates"
import { compact } from "@patchmoi/core/compaction/Compaction"
import { Events } from "@patchmoi/core/event/Events"
import { EventId, makeAttemptId, makeRunId } from "@patchmoi/core/Ids"
import { Runs } from "@patchmoi/core/run/Runs"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { stepPlan } from "@patchmoi/core/testing/flows"
import { sample, visit } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { verify } from "../../src/LogMaintenance.ts"
import { open } from "../support.ts"

/** More than are looked at together, so that several transactions compact. */
const events = 150
const anyTime = 4_102_444_800_000
const isLong = process.env["TEST_LONG"] === "1"
const timeoutMillis = isLong ? 900_000 : 60_000

let folder = ""
let program = ""

beforeAll(async () => {
  folder = fs.mkdtempSync(`${os.tmpdir()}/crash-`)
  const built = await Bun.build({
    entrypoints: [`${import.meta.dir}/compactChild.ts`],
    outdir: folder,
    target: "bun"
  })
  program = built.outputs[0]?.path ?? ""
  await Effect.runPromise(Effect.scoped(fill(`${folder}/source.db`)))
})

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

test(
  "stopped inside compaction: each event is whole or compacted, and compacting again takes the rest",
  async () => {
    const last = await run(copy("count"), 0)
    expect(last).toBeGreaterThan(200)
    await visit(sample(last, isLong ? Math.min(last, 400) : 16), async (point) => {
      const filename = copy(`at-${point}`)
      await run(filename, point)
      await Effect.runPromise(Effect.scoped(expectConsistent(filename)))
      fs.rmSync(filename)
    })
  },
  timeoutMillis
)

// --- internal ---

const eventIdOf = (index: number): EventId => EventId.make(`event-${index}`)
const runIdOf = (index: number) =>
  makeRunId({ eventId: eventIdOf(index), flowName: "flow", stepName: "step", generation: 0 })

/** Events with one run each, which has printed and has ended. */
const fill = (filename: string) =>
  Effect.gen(function* () {
    const store = makeStore(yield* open(filename, { synchronous: "normal" }))
    for (let index = 0; index < events; index++) {
      const [eventId, runId] = [eventIdOf(index), runIdOf(index)]
      const run = {
        eventId,
        eventType: "t",
        flowName: "flow",
        flowVersion: 1,
        flowRoot: "/flows/flow",
        stepName: "step",
        generation: 0,
        plan: stepPlan("step.ts"),
        depth: 0
      }
      const event = {
        id: eventId,
        type: "t",
        receivedAt: "2026-01-01T00:00:00.000Z",
        payload: "x".repeat(500)
      }
      const contentDigest = `digest ${index}`
      yield* store.transact((unit) =>
        Effect.gen(function* () {
          yield* unit.execute(Events, eventId, {
            _tag: "Accept",
            event,
            contentDigest,
            runIds: [runId],
            depth: 0
          })
          yield* unit.execute(Runs, runId, { _tag: "Queue", run })
          yield* unit.execute(Runs, runId, { _tag: "Cancel" })
        })
      )
      const piece = { sequence: 0, offset: 0, bytes: 2, stream: "stdout", at: 0, text: "hi" } as const
      yield* store.driver.outputs.append(makeAttemptId(runId, 1), [piece], undefined, undefined)
    }
  })

const copy = (name: string): string => {
  fs.copyFileSync(`${folder}/source.db`, `${folder}/${name}.db`)
  return `${folder}/${name}.db`
}

/** Compacts in a process of its own; gives its points when it came to its end. */
const run = async (filename: string, point: number): Promise<number> => {
  const child = Bun.spawn([process.execPath, program, filename, String(point)], {
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(`the child failed: ${errors}`)
  return Number(/^points (\d+)$/m.exec(output)?.[1] ?? 0)
}

const expectConsistent = (filename: string) =>
  Effect.gen(function* () {
    const store = makeStore(yield* open(filename))
    expect((yield* verify({ filename, aggregates })).flaws).toEqual([])
    let compacted = 0
    for (let index = 0; index < events; index++) {
      const event = Option.getOrThrow(yield* store.load(Events, eventIdOf(index)))
      expect(event).toMatchObject({ contentDigest: `digest ${index}`, runIds: [runIdOf(index)] })
      const isCompacted = event.compactedAt !== undefined
      if (isCompacted) compacted += 1
      expect(Option.isNone(yield* store.load(Runs, runIdOf(index)))).toBe(isCompacted)
    }
    const { events: taken } = yield* compact(store.driver, { before: anyTime })
    expect(taken).toBe(events - compacted)
    expect((yield* store.list(Runs)).items).toEqual([])
    expect((yield* verify({ filename, aggregates })).flaws).toEqual([])
  })
