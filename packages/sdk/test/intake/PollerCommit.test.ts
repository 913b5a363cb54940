/**
 * Goal: a release is one commit, and a poll that a failing store cuts short neither loses nor repeats one. Method: the
 * driver is watched, told to fail before or after its commits, and told that other writers were faster.
 */
import { expect } from "bun:test"
import * as Engine from "@patchmoi/core/engine/Engine"
import * as ExecutorMemory from "@patchmoi/core/executor/ExecutorMemory"
import * as FlowCatalog from "@patchmoi/core/flow/FlowCatalog"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { DriverCommit } from "@patchmoi/core/store/Driver"
import * as DriverMemory from "@patchmoi/core/store/DriverMemory"
import * as Store from "@patchmoi/core/store/Store"
import * as DriverFaulty from "@patchmoi/core/testing/DriverFaulty"
import { it } from "@patchmoi/core/testing/effectTest"
import { singleStepFlow } from "@patchmoi/core/testing/flows"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as FeedHttp from "../../src/intake/FeedHttp.ts"
import * as Poller from "../../src/intake/Poller.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { startFeedServer } from "./PollerFeedServer.ts"
import { atomSource, factsOf, titlesOf } from "./PollerFixture.ts"

const changed: ExecutorMemory.MemoryStep = () =>
  Effect.succeed(ExecutorMemory.succeeded({ status: "changed", artifacts: { candidateRef: "refs/heads/c" } }))

/** A poller over a driver with knobs; the engine does not run what is queued, so that every commit is the poller's. */
const setUp = (options: { readonly runs: boolean }) =>
  Effect.gen(function* () {
    const commits: Array<DriverCommit> = []
    const memory = yield* DriverMemory.make
    const { driver, faults } = DriverFaulty.make({
      ...memory,
      commit: (commit) => Effect.tap(memory.commit(commit), () => void commits.push(commit))
    })
    const forge = yield* Effect.acquireRelease(Effect.sync(startFeedServer), (server) =>
      Effect.promise(async () => server[Symbol.asyncDispose]())
    )
    const layer = Engine.layer(options).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Store.layerDriver(Effect.succeed(driver)),
          FlowCatalog.layerMemory([singleStepFlow("maintain", "upstream.release")]),
          ExecutorMemory.layer({ "maintain.ts": changed }),
          FeedHttp.layer()
        )
      )
    )
    return { forge, faults, commits, layer }
  })

const typesOf = (commit: DriverCommit | undefined) => commit?.facts.map(({ type }) => type)

it.live(
  "signal, event, run, maintenance attempt and dispatch are one commit; priming and the poll are another",
  () =>
    Effect.gen(function* () {
      const { forge, commits, layer } = yield* setUp({ runs: false })
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      yield* Effect.gen(function* () {
        const poll = yield* Poller.make
        feed.publish("v1")
        yield* poll(source)
        expect(commits.map(typesOf)).toEqual([["SourcePrimed"], ["SourcePolled"]])
        feed.publish("v2", "v3")
        yield* poll(source)
        const release = [
          "SignalReceived",
          "EventAccepted",
          "RunQueued",
          "MaintenanceOpened",
          "DispatchRecorded"
        ]
        expect(commits.slice(2).map(typesOf)).toEqual([release, release, ["SourcePolled"]])
        // The poll is told last: were it told first, a crash in between would make the next answer a 304.
        expect(commits[2]?.documents.map(({ view }) => view)).toEqual([
          "source",
          "event",
          "run",
          "maintenance",
          "dispatch"
        ])
      }).pipe(Effect.provide(layer))
    })
)

it.live(
  "of two first polls the one that comes second reads its document again, as the other one's may be older",
  () =>
    Effect.gen(function* () {
      const { forge, layer } = yield* setUp({ runs: false })
      const feed = forge.atom("tool")
      const source = atomSource(forge)
      yield* Effect.gen(function* () {
        const poll = yield* Poller.make
        feed.publish("v1")
        const open = feed.hold()
        const second = yield* Effect.fork(poll(source))
        yield* Effect.promise(() => eventually("the second is under way", () => feed.inFlight === 1))
        feed.gate = Promise.resolve()
        expect(yield* poll(source)).toMatchObject({ outcome: "primed", entries: 1 })
        feed.publish("v2")
        open()
        expect(yield* Fiber.join(second)).toMatchObject({ entries: 2, signals: [] })
        expect(titlesOf(yield* poll(source))).toEqual(["v2"])
        expect(yield* poll(source)).toMatchObject({ outcome: "not_modified" })
      }).pipe(Effect.provide(layer))
    })
)

it.live("the runs of a signal conclude its attempt, with what they produced", () =>
  Effect.gen(function* () {
    const { forge, layer } = yield* setUp({ runs: true })
    const feed = forge.atom("tool")
    const source = atomSource(forge)
    yield* Effect.gen(function* () {
      const poll = yield* Poller.make
      yield* poll(source)
      feed.publish("v1")
      const report = yield* poll(source)
      const engine = yield* Engine.Engine
      yield* engine.awaitRuns(report.signals.flatMap(({ runIds }) => runIds))
      const { items } = yield* (yield* Store.Store).list(MaintenanceAttempts)
      expect(items).toEqual([
        expect.objectContaining({
          status: "changed",
          upstreamTag: "v1",
          candidateRefs: [{ kind: "ref", ref: "refs/heads/c" }]
        })
      ])
    }).pipe(Effect.provide(layer))
  })
)

for (const fault of ["failBefore", "failAfter"] as const) {
  it.live(`a store that fails (${fault}) at any commit of a poll: every release once in the end`, () =>
    Effect.gen(function* () {
      // Commit 0 primes the source; 1 to 5 are the releases and the poll.
      for (let at = 0; at <= 5; at++) {
        const { forge, faults, commits, layer } = yield* setUp({ runs: false })
        const feed = forge.atom("tool")
        const source = atomSource(forge, { primeOnly: false })
        feed.publish("v1", "v2", "v3", "v4")
        yield* Effect.gen(function* () {
          const poll = yield* Poller.make
          const counting = Effect.gen(function* () {
            // The knob counts from now on; so the fault is armed when `at` commits have been written.
            while (commits.length < at) yield* Effect.yieldNow()
            yield* faults[fault](1)
          })
          const [first] = yield* Effect.all([Effect.either(poll(source)), counting], {
            concurrency: "unbounded"
          })
          // A fault that came after the last commit hits nobody: the next poll is not the one that it is for.
          yield* faults[fault](0)
          const second = yield* poll(source)
          const third = yield* poll(source)
          expect(third.signals).toEqual([])
          const received = (yield* factsOf("SignalReceived")).map(({ entryId }) => String(entryId).slice(-2))
          expect(received).toEqual(["v1", "v2", "v3", "v4"])
          expect(yield* factsOf("EventAccepted")).toHaveLength(4)
          expect(yield* factsOf("RunQueued")).toHaveLength(4)
          expect(yield* factsOf("MaintenanceOpened")).toHaveLength(4)
          if (first._tag === "Right") expect(second.outcome).toBe("not_modified")
        }).pipe(Effect.provide(layer))
      }
    })
  )
}

it.live("other writers that are faster cost nothing but another try", () =>
  Effect.gen(function* () {
    const { forge, faults, layer } = yield* setUp({ runs: false })
    const feed = forge.atom("tool")
    const source = atomSource(forge, { primeOnly: false })
    feed.publish("v1", "v2")
    yield* Effect.gen(function* () {
      const poll = yield* Poller.make
      yield* faults.conflict(5)
      expect(titlesOf(yield* poll(source))).toEqual(["v1", "v2"])
      expect(yield* factsOf("EventAccepted")).toHaveLength(2)
    }).pipe(Effect.provide(layer))
  })
)
