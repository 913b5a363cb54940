/**
 * Goal: two engines in two processes on one database never exceed a limit together, and every run ends once. Method: 60 runs
 * under one key, whose steps write down in one file when they begin and end; in the second test one of the engines is killed.
 */
import { expect, test } from "bun:test"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Runs } from "@patchmoi/core/run/Runs"
import { pageSizeMax, Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import { layerStore } from "../../src/composeEngine.ts"

const total = 60
const child = join(import.meta.dir, "engineChild.ts")

/** A step that began or ended, as it was written down. */
interface Note {
  readonly word: string
  readonly eventId: string
  readonly engine: string
}

const makePlace = async () => {
  const folder = await mkdtemp(join(tmpdir(), "patchmoi-two-"))
  const [dataDir, notesFile] = [join(folder, "data"), join(folder, "notes.txt")]
  await Bun.write(notesFile, "")
  const children: Array<Bun.Subprocess> = []
  return {
    /** Starts an engine that queues so many of the events; the step of this number never ends, where one is named. */
    start: (name: string, share: number, { hangsAt = 0, peers = name } = {}) => {
      const numbers = { SHARE: `${share}`, TOTAL: `${total}`, HANGS_AT: `${hangsAt}`, PEERS: peers }
      const started = Bun.spawn([process.execPath, child], {
        env: { ...process.env, DATA_DIR: dataDir, NOTES: notesFile, NAME: name, ...numbers },
        stdout: "ignore",
        stderr: "pipe"
      })
      children.push(started)
      return started
    },
    notes: async (): Promise<ReadonlyArray<Note>> =>
      (await readFile(notesFile, "utf8"))
        .split("\n")
        .slice(0, -1)
        .map((line) => {
          const [word = "", eventId = "", engine = ""] = line.split(" ")
          return { word, eventId, engine }
        }),
    runs: () =>
      Effect.runPromise(
        Effect.flatMap(Store, (store) => store.list(Runs, { limit: pageSizeMax })).pipe(
          Effect.map(({ items }) => items),
          Effect.provide(layerStore({ kind: "sqlite", dataDir, access: "read" }))
        )
      ),
    [Symbol.asyncDispose]: async () => {
      for (const started of children) started.kill("SIGKILL")
      await Promise.all(children.map(({ exited }) => exited))
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Waits for the end of a process, and fails with what it said when that was not a good one. */
const ended = async (started: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> => {
  const said = await new Response(started.stderr).text()
  expect([await started.exited, said]).toEqual([0, ""])
}

test("two engines run 60 runs of one key one at a time, each of them once", async () => {
  await using place = await makePlace()
  const peers = "one two"
  await Promise.all(["one", "two"].map((name) => ended(place.start(name, total / 2, { peers }))))
  const notes = await place.notes()
  expect(notes).toHaveLength(2 * total)
  expect(notes.map(({ word }) => word)).toEqual(Array.from({ length: total }, () => ["begin", "end"]).flat())
  for (let index = 0; index < notes.length; index += 2) {
    expect(notes[index]?.eventId).toBe(notes[index + 1]?.eventId)
  }
  expect(new Set(notes.map(({ eventId }) => eventId)).size).toBe(total)
  const runs = await place.runs()
  expect(runs).toHaveLength(total)
  for (const { processStatus, attempts } of runs) {
    expect([processStatus, attempts.map(({ status }) => status)]).toEqual(["completed", ["completed"]])
  }
}, 60_000)

test("one of them is killed: the other takes up its run when the lease has run out, and all end once", async () => {
  await using place = await makePlace()
  const killed = place.start("killed", total, { hangsAt: 5 })
  const deadline = Date.now() + 20_000
  const isDone = async () => (await place.notes()).length === 9 && (await place.runs()).length === total
  while (!(await isDone()) && Date.now() < deadline) await Bun.sleep(5)
  const other = place.start("other", 0)
  killed.kill("SIGKILL")
  await killed.exited
  await ended(other)
  const runs = await place.runs()
  expect(runs.map(({ processStatus }) => processStatus)).toEqual(
    Array.from({ length: total }, () => "completed")
  )
  const attempts = runs.flatMap((run) => run.attempts.map(({ workerId, status }) => `${workerId} ${status}`))
  const count = (what: string): number => attempts.filter((attempt) => attempt === what).length
  expect(attempts).toHaveLength(total + 1)
  expect([count("killed completed"), count("killed lost"), count("other completed")]).toEqual([
    4,
    1,
    total - 4
  ])
  const notes = await place.notes()
  // The ninth line is the step that was killed; around it every step had ended before the next one began.
  expect(notes[8]).toMatchObject({ word: "begin", engine: "killed" })
  expect(notes.filter((_, index) => index !== 8).map(({ word }) => word)).toEqual(
    Array.from({ length: total }, () => ["begin", "end"]).flat()
  )
  expect(new Set(notes.map(({ eventId }) => eventId)).size).toBe(total)
}, 60_000)
