/**
 * Goal: whatever instruction a watcher stops at, every release of a feed of 30 becomes one signal, one event, one run and
 * one maintenance attempt. Method: a child process polls over a file store and stops by SIGKILL when so many signals
 * were committed; the folder is opened again, stopped again elsewhere, and polled to its end. By default a sample of
 * the points, with `TEST_LONG=1` all of them.
 */
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import { Runs } from "@patchmoi/core/run/Runs"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import { manifestText } from "../flow/workspace.ts"
import { startFeedServer } from "./PollerFeedServer.ts"
import { factsOf, layerIntake } from "./PollerFixture.ts"

const releases = Array.from({ length: 30 }, (_, index) => `v${index + 1}`)
const isLong = process.env["TEST_LONG"] === "1"

/** After how many signals of a first and of a second process each is killed. */
const points: ReadonlyArray<readonly [number, number]> = isLong
  ? Array.from({ length: 60 }, (_, index) => [index % 30, (index * 7) % 30] as const)
  : [
      [0, 0],
      [1, 1],
      [8, 15],
      [29, 29]
    ]

/** Polls in a child process that stops hard after so many new signals; gives how many it said it had polled. */
const pollInChild = async (folder: string, url: string, signals?: number): Promise<number | undefined> => {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "PollerCrashChild.ts"),
      folder,
      url,
      ...(signals === undefined ? [] : [String(signals)])
    ],
    { stdout: "pipe", stderr: "pipe" }
  )
  const [said, problems] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text()
  ])
  await child.exited
  expect(problems).toBe("")
  const polled = /^polled (\d+)$/m.exec(said)?.[1]
  if (polled === undefined) expect(child.signalCode).toBe("SIGKILL")
  return polled === undefined ? undefined : Number(polled)
}

test.each(points)(
  "killed after %d signals, and again after %d: every release exactly once",
  async (first, second) => {
    await using forge = startFeedServer()
    const folder = await mkdtemp(join(tmpdir(), "patchmoi-crash-"))
    try {
      forge.atom("tool").publish(...releases)
      const trigger = '[steps.trigger]\ntype = "upstream.release"\n'
      await Bun.write(join(folder, "flows/maintain/flow.toml"), manifestText("maintain", "", trigger))
      await Bun.write(join(folder, "flows/maintain/go.ts"), `console.log('FLOW_RESULT {"status":"changed"}')`)
      const url = `${forge.url}/tool.atom`
      expect(await pollInChild(folder, url, first)).toBeUndefined()
      await pollInChild(folder, url, second)
      // What is left. A commit may have been on its way when the process stopped, so it is at most what was not told.
      expect(await pollInChild(folder, url)).toBeLessThanOrEqual(releases.length - first)
      expect(await pollInChild(folder, url)).toBe(0)

      const record = await Effect.runPromise(
        Effect.gen(function* () {
          const store = yield* Store
          const signals = yield* factsOf("SignalReceived")
          const events = yield* factsOf("EventAccepted")
          const runs = yield* store.list(Runs, { limit: 500 })
          const attempts = yield* store.list(MaintenanceAttempts, { limit: 500 })
          return { signals, events, runs: runs.items, attempts: attempts.items }
        }).pipe(Effect.provide(layerIntake(folder, "file")))
      )
      const tagOf = (text: unknown) => String(text).split("/").at(-1)
      expect(record.signals.map(({ entryId }) => tagOf(entryId))).toEqual(releases)
      expect(record.events).toHaveLength(releases.length)
      expect(new Set(record.runs.map(({ eventId }) => eventId)).size).toBe(releases.length)
      expect(record.runs).toHaveLength(releases.length)
      expect(record.attempts.map(({ upstreamTag }) => upstreamTag).toReversed()).toEqual(releases)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  60_000
)
