/** All sources once, as a command does it, over real files, HTTP and stores. */
import { describe, expect } from "bun:test"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as WatchService from "../../src/intake/WatchService.ts"
import { factsOf, layerIntake, sourceOf, storeKinds, temporaryFolder, titlesOf } from "./PollerFixture.ts"
import { entry, server, writeSources } from "./WatchedFolder.ts"

describe.each(storeKinds)("all sources once, over the store %s", (kind) => {
  it.live("one source that is wrong and one that cannot be read stop no other", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const forge = yield* server
      const good = forge.atom("good")
      forge.atom("bad").answer = () => new Response("no", { status: 500 })
      yield* writeSources(folder, [
        entry(forge, "bad"),
        { id: "wrong", provider: "nobody" },
        entry(forge, "good", { colour: "red" }),
        entry(forge, "gone")
      ])
      yield* Effect.gen(function* () {
        const watch = yield* WatchService.make({ sourcesFile: join(folder, "feed-sources.json") })
        yield* watch.pollOnce
        good.publish("v1")
        const report = yield* watch.pollOnce
        expect(report.polls.map(({ sourceId, outcome }) => [sourceId, outcome])).toEqual([
          ["bad", "failed"],
          ["good", "polled"],
          ["gone", "failed"]
        ])
        expect(report.broken.map(({ id }) => id)).toEqual(["wrong"])
        expect(report.warnings.map(({ path }) => path)).toEqual(["sources[2].colour"])
        expect(report.eventIds).toHaveLength(1)
        expect((yield* sourceOf("bad")).lastPoll?.outcome).toBe("failed")
      }).pipe(Effect.provide(layerIntake(folder, kind)))
    })
  )

  it.live("a sources file that cannot be used is an error", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const watch = yield* WatchService.make({ sourcesFile: join(folder, "feed-sources.json") })
        expect(yield* Effect.flip(watch.pollOnce)).toMatchObject({ _tag: "SourcesFileError" })
      }).pipe(Effect.provide(layerIntake(folder, kind)))
    })
  )
})

it.live("a predecessor's feed-state.json counts, also after the store has put its own in its place", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const forge = yield* server
    const dataDir = join(folder, "data")
    const predecessor = {
      one: {
        lastSeenId: "tag:github.com,2008:Repository/4711/v1",
        lastCheckedAt: "2026-03-01T10:00:00.000Z"
      },
      two: { lastSeenId: "tag:github.com,2008:Repository/4711/v1" }
    }
    const file = join(dataDir, "feed-state.json")
    yield* Effect.promise(() => Bun.write(file, JSON.stringify(predecessor)))
    for (const name of ["one", "two"]) forge.atom(name).publish("v1", "v2")
    const pollAll = Effect.gen(function* () {
      const sourcesFile = join(folder, "feed-sources.json")
      const watch = yield* WatchService.make({ sourcesFile, dataDir })
      expect(watch.predecessorProblems).toEqual([])
      const { polls } = yield* watch.pollOnce
      return Object.fromEntries(polls.map((report) => [report.sourceId, titlesOf(report)]))
    }).pipe(Effect.provide(layerIntake(folder, "file")))
    yield* writeSources(folder, [entry(forge, "one")])
    expect(yield* pollAll).toEqual({ one: ["v2"] })
    // The store has been opened, written to and closed: the file is its own now, and the predecessor's stands beside it.
    const read = (path: string) => Effect.promise(async () => JSON.parse(await Bun.file(path).text()))
    expect(yield* read(`${file}.before-patchmoi`)).toEqual(predecessor)
    expect(yield* read(file)).toEqual({
      one: { lastSeenId: "tag:github.com,2008:Repository/4711/v2", lastCheckedAt: expect.any(String) }
    })
    // `two` is watched from now on, and was watched by the predecessor: what came since is news, once.
    yield* writeSources(folder, [entry(forge, "one"), entry(forge, "two")])
    expect(yield* pollAll).toEqual({ one: [], two: ["v2"] })
    expect(yield* pollAll).toEqual({ one: [], two: [] })
    expect(yield* read(`${file}.before-patchmoi`)).toEqual(predecessor)
  })
)

it.live("a predecessor's state that is broken is told, and the source primes as if there were none", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const forge = yield* server
    forge.atom("one").publish("v1")
    yield* Effect.promise(() => Bun.write(join(folder, "data/feed-state.json"), "{ torn"))
    yield* writeSources(folder, [entry(forge, "one")])
    yield* Effect.gen(function* () {
      const watch = yield* WatchService.make({
        sourcesFile: join(folder, "feed-sources.json"),
        dataDir: join(folder, "data")
      })
      expect(watch.predecessorProblems).toEqual([expect.stringContaining("feed-state.json")])
      expect((yield* watch.pollOnce).polls[0]?.outcome).toBe("primed")
    }).pipe(Effect.provide(layerIntake(folder, "file")))
  })
)

it.live("an event that nothing matches names the broken manifest in the reason", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const forge = yield* server
    yield* Effect.promise(() => Bun.write(join(folder, "flows/bad/flow.toml"), "name = \n"))
    yield* writeSources(folder, [entry(forge, "a", { primeOnly: false })])
    forge.atom("a").publish("v1")
    yield* Effect.gen(function* () {
      const watch = yield* WatchService.make({ sourcesFile: join(folder, "feed-sources.json") })
      expect((yield* watch.pollOnce).runIds).toEqual([])
      const [opened] = yield* factsOf("MaintenanceOpened")
      expect(opened?.["unmatchedReason"]).toContain(join(folder, "flows/bad"))
    }).pipe(Effect.provide(layerIntake(folder, "memory")))
  })
)
