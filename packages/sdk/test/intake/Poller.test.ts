/** One poll of one source, over real stores and a forge on loopback. */
import { describe, expect } from "bun:test"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import { Store } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Poller from "../../src/intake/Poller.ts"
import { makeSource, npmRepo } from "./fixtures.ts"
import { type FeedServer, startFeedServer } from "./PollerFeedServer.ts"
import {
  atomSource,
  factsOf,
  layerIntake,
  readLog,
  sourceOf,
  storeKinds,
  temporaryFolder,
  titlesOf
} from "./PollerFixture.ts"

const server = Effect.acquireRelease(Effect.sync(startFeedServer), (started) =>
  Effect.promise(async () => started[Symbol.asyncDispose]())
)

type Services = Effect.Effect.Context<typeof Poller.make>

describe.each(storeKinds)("polling over the store %s", (kind) => {
  const test = <A, E>(
    name: string,
    body: (
      forge: FeedServer,
      poll: Effect.Effect.Success<typeof Poller.make>
    ) => Effect.Effect<A, E, Services | Scope.Scope>
  ) =>
    it.live(name, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const forge = yield* server
        return yield* Effect.flatMap(Poller.make, (poll) => body(forge, poll)).pipe(
          Effect.provide(layerIntake(folder, kind))
        )
      })
    )

  test("the first poll primes; what is published afterwards is emitted, oldest first", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      feed.publish("v1", "v2")
      expect(yield* poll(source)).toMatchObject({ outcome: "primed", entries: 2, signals: [], skipped: [] })
      feed.publish("v3", "v4")
      const report = yield* poll(source)
      expect(titlesOf(report)).toEqual(["v3", "v4"])
      expect(report.outcome).toBe("polled")
      expect(yield* poll(source)).toMatchObject({ outcome: "not_modified", signals: [] })
    }))

  test("an empty feed primes, and the first release after it is emitted", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      expect(yield* poll(source)).toMatchObject({ outcome: "primed", entries: 0 })
      expect((yield* sourceOf("tool")).primed).toBe(true)
      feed.publish("v1")
      expect(titlesOf(yield* poll(source))).toEqual(["v1"])
    }))

  test("primeOnly false emits all that is there, oldest first, and a later poll only what is new", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge, { primeOnly: false })
      feed.publish("v1", "v2", "v3")
      const report = yield* poll(source)
      expect(titlesOf(report)).toEqual(["v1", "v2", "v3"])
      expect(report.outcome).toBe("polled")
      feed.publish("v4")
      expect(titlesOf(yield* poll(source))).toEqual(["v4"])
    }))

  test("primeOnly false and an empty feed: primed, and nothing is lost", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge, { primeOnly: false })
      yield* poll(source)
      expect((yield* sourceOf("tool")).primed).toBe(true)
      feed.publish("v1")
      expect(titlesOf(yield* poll(source))).toEqual(["v1"])
    }))

  test("entries that are reordered, edited or deleted neither repeat nor hide anything", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      feed.publish("v1", "v2", "v3")
      yield* poll(source)
      feed.releases.reverse()
      expect(titlesOf(yield* poll(source))).toEqual([])
      feed.edit("v2", { title: "v2 (amended)", updated: "2027-01-01T00:00:00Z" })
      expect(titlesOf(yield* poll(source))).toEqual([])
      feed.remove("v3")
      feed.publish("v4")
      expect(titlesOf(yield* poll(source))).toEqual(["v4"])
      // Back again, at the top, as some forges do with a release that is edited.
      feed.publish("v3")
      feed.releases = [...feed.releases, { tag: "v0", updated: "2020-01-01T00:00:00Z" }]
      expect(titlesOf(yield* poll(source))).toEqual(["v0"])
    }))

  test("an entry that cannot be read is told once, holds up nothing, and is news once it is repaired", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      feed.publish("v1")
      yield* poll(source)
      // No link and no tag in the id: nothing says which release this is.
      const id = "urn:nothing"
      feed.add({ tag: "v2", entry: `<entry><id>${id}</id><title>v2</title></entry>` })
      feed.publish("v3")
      const broken = yield* poll(source)
      expect(titlesOf(broken)).toEqual(["v3"])
      expect(broken.skipped).toEqual([expect.objectContaining({ id, reason: expect.any(String) })])
      feed.publish("v4")
      expect((yield* poll(source)).skipped).toHaveLength(1)
      expect(yield* factsOf("EntrySkipped")).toHaveLength(1)
      feed.edit("v2", {
        entry: `<entry><id>${id}</id><title>v2</title><link rel="alternate" href="https://forge.example/acme/tool/releases/tag/v2"/></entry>`
      })
      const repaired = yield* poll(source)
      expect(titlesOf(repaired)).toEqual(["v2"])
      expect(repaired.skipped).toEqual([])
    }))

  test("a feed of many entries that cannot be read does not fill the log", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      feed.validators = "none"
      for (let index = 0; index < 150; index++) {
        feed.add({ tag: `${index}`, entry: `<entry><id>urn:${index}</id><title>x</title></entry>` })
      }
      const source = atomSource(forge)
      expect((yield* poll(source)).skipped.length).toBe(0)
      feed.releases = feed.releases.map((release, index) => ({
        ...release,
        entry: `<entry><id>urn:later:${index}</id><title>x</title></entry>`
      }))
      expect((yield* poll(source)).skipped.length).toBe(150)
      const before = (yield* readLog).length
      yield* poll(source)
      expect((yield* readLog).length).toBe(before)
      // Another one on top leaves one fact, not one for each of those below it.
      feed.add({ tag: "top", entry: "<entry><id>urn:top</id><title>x</title></entry>" })
      yield* poll(source)
      expect((yield* readLog).length).toBe(before + 1)
    }))

  test("a source that cannot be read is recorded, and recovers", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      feed.publish("v1")
      yield* poll(source)
      const failures = [
        () => new Response("no", { status: 503 }),
        () => new Response("<!doctype html><p>sign in</p>"),
        () => new Response("<feed><entry>"),
        () => new Response("")
      ]
      feed.publish("v2")
      for (const failure of failures) {
        feed.answer = failure
        const report = yield* poll(source)
        expect(report).toMatchObject({ outcome: "failed", signals: [], error: expect.any(String) })
        expect((yield* sourceOf("tool")).lastPoll).toMatchObject({ outcome: "failed", error: report.error })
      }
      feed.answer = undefined
      expect(titlesOf(yield* poll(source))).toEqual(["v2"])
      const { lastPoll } = yield* sourceOf("tool")
      expect(lastPoll?.outcome).toBe("ok")
      expect(lastPoll).not.toHaveProperty("error")
      const nobody = makeSource({ id: "gone", url: "http://127.0.0.1:9/feed" })
      expect(yield* poll(nobody)).toMatchObject({ outcome: "failed" })
    }))

  test("the record has no token of an address, and knows the document again", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      feed.publish("v1")
      const sourceAt = (query: string) => atomSource(forge, { url: `${forge.url}/tool.atom?${query}` })
      yield* poll(sourceAt("token=hunter2"))
      expect(yield* poll(sourceAt("token=hunter2"))).toMatchObject({ outcome: "not_modified" })
      expect(yield* poll(sourceAt("token=hunter3"))).toMatchObject({ outcome: "polled" })
      expect(JSON.stringify(yield* readLog)).not.toContain("hunter")
      expect((yield* sourceOf("tool")).lastPoll?.url).toStartWith(`${forge.url}/tool.atom?***#`)
    }))

  for (const validators of ["etag", "lastModified"] as const) {
    test(`asks with the ${validators} of last time; a 304 keeps it`, (forge, poll) =>
      Effect.gen(function* () {
        const feed = forge.atom("tool")
        feed.validators = validators
        const source = atomSource(forge)
        feed.publish("v1")
        const outcomes: Array<string> = []
        for (let times = 0; times < 4; times++) outcomes.push((yield* poll(source)).outcome)
        expect(outcomes).toEqual(["primed", "not_modified", "not_modified", "not_modified"])
        expect(feed.requests.map(({ status }) => status)).toEqual([200, 304, 304, 304])
        // A poll that brings nothing leaves no further fact.
        expect(yield* factsOf("SourcePolled")).toHaveLength(2)
        feed.publish("v2")
        expect(titlesOf(yield* poll(source))).toEqual(["v2"])
        expect((yield* poll(source)).outcome).toBe("not_modified")
      }))
  }

  test("an answer that is none does not make the next poll believe a 304", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      feed.answer = () => new Response("<html/>", { headers: { etag: '"page"' } })
      yield* poll(source)
      feed.answer = undefined
      feed.publish("v1")
      expect((yield* poll(source)).outcome).toBe("primed")
      expect(feed.requests[1]?.ifNoneMatch).toBeUndefined()
    }))

  test("a package document is watched like a feed", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.npm("widget")
      const source = makeSource({
        id: "widget",
        provider: "npm",
        url: `${forge.url}/widget.json`,
        repo: npmRepo
      })
      feed.publish("1.0.0", "1.1.0")
      expect((yield* poll(source)).outcome).toBe("primed")
      feed.publish("2.0.0-rc.1", "2.0.0")
      expect(titlesOf(yield* poll(source))).toEqual(["2.0.0-rc.1", "2.0.0"])
      feed.remove("2.0.0")
      expect(titlesOf(yield* poll(source))).toEqual([])
    }))

  test("a signal, its event and its attempt stand in the log as one; without a flow the attempt is skipped with the reason", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      yield* poll(source)
      feed.publish("v1")
      const report = yield* poll(source)
      const rows = yield* readLog
      const first = rows.findIndex(({ type }) => type === "SignalReceived")
      expect(rows.slice(first).map(({ type }) => type)).toEqual([
        "SignalReceived",
        "EventAccepted",
        "MaintenanceOpened",
        "DispatchRecorded",
        "SourcePolled"
      ])
      const eventId = "patch:tool:tag:github.com,2008:Repository/4711/v1:upstream.release"
      expect(report.signals).toEqual([
        {
          entryId: "tag:github.com,2008:Repository/4711/v1",
          title: "v1",
          eventId: eventId as never,
          runIds: []
        }
      ])
      const { items } = yield* (yield* Store).list(MaintenanceAttempts)
      expect(items).toEqual([
        expect.objectContaining({
          eventId,
          status: "skipped",
          upstreamTag: "v1",
          upstreamRepo: "acme/tool",
          message: expect.stringContaining("events of type upstream.release")
        })
      ])
    }))

  test("a source without a workspace target keeps the signal and dispatches nothing", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge, {
        target: { mode: "notify_only", provider: "github", repoFullName: "us/tool", branch: "main" }
      })
      yield* poll(source)
      feed.publish("v1")
      const report = yield* poll(source)
      expect(report.signals).toEqual([{ entryId: expect.any(String), title: "v1", runIds: [] }])
      expect(yield* factsOf("EventAccepted")).toEqual([])
      expect(titlesOf(yield* poll(source))).toEqual([])
    }))

  test("a predecessor's state counts once, while the source is not primed", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      feed.validators = "none"
      const source = atomSource(forge)
      feed.publish("v1", "v2", "v3")
      const predecessor = { lastSeenId: "tag:github.com,2008:Repository/4711/v1" }
      expect(titlesOf(yield* poll(source, { predecessor }))).toEqual(["v2", "v3"])
      expect(titlesOf(yield* poll(source, { predecessor }))).toEqual([])
      feed.publish("v4")
      expect(titlesOf(yield* poll(source, { predecessor }))).toEqual(["v4"])
    }))

  for (const primeOnly of [true, false]) {
    test(`a predecessor's last entry that is gone: primes anew and says so (primeOnly ${primeOnly})`, (forge, poll) =>
      Effect.gen(function* () {
        const feed = forge.atom("tool")
        const source = atomSource(forge, { primeOnly })
        feed.publish("v1", "v2")
        const report = yield* poll(source, { predecessor: { lastSeenId: "gone" } })
        expect(report).toMatchObject({
          outcome: "primed",
          signals: [],
          note: expect.stringContaining("gone")
        })
        feed.publish("v3")
        expect(titlesOf(yield* poll(source, { predecessor: { lastSeenId: "gone" } }))).toEqual(["v3"])
      }))
  }

  test("two polls of one source at the same time emit each release once", (forge, poll) =>
    Effect.gen(function* () {
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      yield* poll(source)
      feed.publish("v1", "v2", "v3", "v4", "v5")
      const reports = yield* Effect.all([poll(source), poll(source), poll(source)], {
        concurrency: "unbounded"
      })
      expect(reports.flatMap(titlesOf).toSorted()).toEqual(["v1", "v2", "v3", "v4", "v5"])
      expect(yield* factsOf("EventAccepted")).toHaveLength(5)
    }))
})
