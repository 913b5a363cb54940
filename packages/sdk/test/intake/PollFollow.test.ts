/**
 * Sources that are followed. The clock is a test clock; sources file, HTTP answers and stores are real, so the tests wait for
 * what has to have happened before they move time.
 */
import { expect } from "bun:test"
import { join } from "node:path"
import { turns } from "@patchmoi/core/testing/ClockSteps"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { layerLocal } from "../../src/compose.ts"
import * as FeedHttp from "../../src/intake/FeedHttp.ts"
import type { PollReport } from "../../src/intake/Poller.ts"
import * as WatchService from "../../src/intake/WatchService.ts"
import type { FeedServer } from "./PollerFeedServer.ts"
import { temporaryFolder, titlesOf } from "./PollerFixture.ts"
import { entry, server, writeSources, writeText } from "./WatchedFolder.ts"

/** Waits in real time, while the clock of the test stands still. */
const eventually = (what: string, condition: () => boolean) =>
  Effect.promise(async () => {
    const end = performance.now() + 5_000
    while (!condition()) {
      if (performance.now() > end) throw new Error(`not within 5 s: ${what}`)
      await Bun.sleep(1)
    }
  }).pipe(Effect.zipRight(turns(20)))

/** A service that follows the file in memory, under the clock of the test. */
const following = (folder: string, forge: FeedServer) =>
  Effect.gen(function* () {
    const reports: Array<PollReport> = []
    const warnings: Array<string> = []
    const logger = Logger.make(({ message, logLevel }) => {
      if (logLevel._tag === "Warning") warnings.push(String(message))
    })
    const context = yield* Layer.build(
      Layer.mergeAll(
        layerLocal({
          workspaceRoot: folder,
          state: { kind: "memory" },
          environment: { mode: "inherit", values: {}, secrets: [] }
        }),
        FeedHttp.layer({ fetch: forge.fetch })
      )
    )
    const watch = yield* Effect.provide(
      WatchService.make({ sourcesFile: join(folder, "feed-sources.json") }),
      context
    )
    const follow = (onPoll: (report: PollReport) => Effect.Effect<void>) =>
      watch
        .follow(onPoll)
        .pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)), Effect.forkScoped)
    return {
      reports,
      warnings,
      follow,
      record: (report: PollReport) => Effect.sync(() => void reports.push(report))
    }
  })

const setUp = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const forge = yield* server
  return { folder, forge, service: yield* following(folder, forge) }
})

it.effect("polls each source in its own interval, from the start", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const [quick, slow] = [forge.atom("quick"), forge.atom("slow")]
    yield* writeSources(folder, [
      entry(forge, "quick", { pollIntervalSeconds: 30 }),
      entry(forge, "slow", { pollIntervalSeconds: 90 })
    ])
    yield* service.follow(service.record)
    const counts: Array<readonly [number, number]> = []
    for (const expected of [2, 3, 4, 6]) {
      yield* eventually("the polls of this turn", () => service.reports.length >= expected)
      counts.push([quick.requests.length, slow.requests.length])
      yield* TestClock.adjust("30 seconds")
    }
    expect(counts).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2]
    ])
  })
)

it.effect(
  "follows the file: sources that are added, removed and changed; a file that breaks is told once",
  () =>
    Effect.gen(function* () {
      const { folder, forge, service } = yield* setUp
      for (const name of ["a", "b", "moved"]) forge.atom(name)
      const reload = TestClock.adjust(WatchService.reloadMillis)
      const pollsOf = (id: string) => service.reports.filter(({ sourceId }) => sourceId === id).length
      yield* writeSources(folder, [entry(forge, "a", { pollIntervalSeconds: 3_600 })])
      yield* service.follow(service.record)
      yield* eventually("a is polled", () => pollsOf("a") === 1)

      yield* writeSources(folder, [entry(forge, "a", { pollIntervalSeconds: 3_600 }), entry(forge, "b")])
      yield* reload
      yield* eventually("b is polled", () => pollsOf("b") === 1)
      expect(pollsOf("a")).toBe(1)

      yield* writeText(folder, '{"sources": [')
      yield* reload
      yield* eventually("the broken file is told", () => service.warnings.length === 1)
      expect(service.warnings[0]).toContain("watched on")
      yield* reload
      yield* TestClock.adjust("300 seconds")
      yield* eventually("b is polled on", () => pollsOf("b") === 2)
      expect(service.warnings).toHaveLength(1)

      // b goes, a moves; a source that is wrong is told and holds up nothing.
      yield* writeSources(folder, [
        entry(forge, "a", { url: `${forge.url}/moved.atom`, pollIntervalSeconds: 3_600 }),
        { id: "wrong" }
      ])
      yield* reload
      yield* eventually("the moved feed is asked", () => forge.atom("moved").requests.length === 1)
      expect(service.warnings[1]).toContain("wrong")
      const polled = pollsOf("b")
      yield* TestClock.adjust("3600 seconds")
      yield* eventually("a is polled on", () => forge.atom("moved").requests.length === 2)
      expect(pollsOf("b")).toBe(polled)
      expect(forge.atom("a").requests).toHaveLength(1)
      expect(service.warnings).toHaveLength(2)
    })
)

it.effect("never polls one source twice at a time, also when it changes during a poll", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const feed = forge.atom("a")
    yield* writeSources(folder, [entry(forge, "a")])
    const open = feed.hold()
    yield* service.follow(service.record)
    yield* eventually("the poll is under way", () => feed.inFlight === 1)
    yield* writeSources(folder, [entry(forge, "a", { pollIntervalSeconds: 60 })])
    yield* TestClock.adjust(WatchService.reloadMillis)
    yield* eventually("the first was given up for the second", () => feed.requests.length === 1)
    yield* eventually("the second is under way", () => feed.inFlight === 1)
    open()
    yield* eventually("the second is done", () => service.reports.length === 1)
    expect(feed.inFlightMax).toBe(1)
  })
)

it.effect("polls at most a bounded number of sources at a time, and all of them", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const names = Array.from({ length: WatchService.followConcurrency + 20 }, (_, index) => `s${index}`)
    const feeds = names.map((name) => forge.atom(name))
    const opens = feeds.map((feed) => feed.hold())
    const underWay = () => feeds.reduce((sum, feed) => sum + feed.inFlight, 0)
    yield* writeSources(
      folder,
      names.map((name) => entry(forge, name))
    )
    yield* service.follow(service.record)
    yield* eventually("as many as may are under way", () => underWay() === WatchService.followConcurrency)
    yield* turns()
    expect(underWay()).toBe(WatchService.followConcurrency)
    for (const open of opens) open()
    yield* eventually("all are done", () => service.reports.length === names.length)
  })
)

it.effect("a source that answers late holds up no other", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const late = forge.atom("late")
    const quick = forge.atom("quick")
    late.hold()
    yield* writeSources(folder, [entry(forge, "late"), entry(forge, "quick", { pollIntervalSeconds: 30 })])
    yield* service.follow(service.record)
    yield* eventually("the quick one is polled", () => quick.requests.length === 1)
    yield* TestClock.adjust("30 seconds")
    yield* eventually("it is polled again, and the late one is given up", () => service.reports.length === 3)
    expect(service.reports.find(({ sourceId }) => sourceId === "late")).toMatchObject({
      outcome: "failed",
      error: expect.stringContaining("30000 ms")
    })
    expect(quick.requests).toHaveLength(2)
  })
)

it.effect("an interruption stops it: nothing is asked for afterwards", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const feed = forge.atom("a")
    yield* writeSources(folder, [entry(forge, "a", { pollIntervalSeconds: 30 })])
    const fiber = yield* service.follow(service.record)
    yield* eventually("it is polled", () => service.reports.length === 1)
    yield* Fiber.interrupt(fiber)
    yield* TestClock.adjust("1 hour")
    yield* turns()
    expect(feed.requests).toHaveLength(1)
  })
)

it.effect("a bug in a loop ends the service instead of leaving a source unwatched", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    forge.atom("a")
    yield* writeSources(folder, [entry(forge, "a")])
    const fiber = yield* service.follow(() => Effect.dieMessage("a bug"))
    const exit = yield* Fiber.await(fiber)
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("a bug")
  })
)

it.effect("a file that cannot be read at the start is an error", () =>
  Effect.gen(function* () {
    const { service } = yield* setUp
    const exit = yield* Fiber.await(yield* service.follow(service.record))
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("feed-sources.json")
  })
)

it.effect("a release that is published while it follows is emitted once", () =>
  Effect.gen(function* () {
    const { folder, forge, service } = yield* setUp
    const feed = forge.atom("a")
    yield* writeSources(folder, [entry(forge, "a", { pollIntervalSeconds: 30 })])
    yield* service.follow(service.record)
    for (const [turn, tag] of ["v1", "v2", "v3"].entries()) {
      yield* eventually("it is polled", () => service.reports.length === turn + 1)
      feed.publish(tag)
      yield* TestClock.adjust("30 seconds")
    }
    yield* eventually("it is polled", () => service.reports.length === 4)
    expect(service.reports.map(titlesOf)).toEqual([[], ["v1"], ["v2"], ["v3"]])
  })
)
