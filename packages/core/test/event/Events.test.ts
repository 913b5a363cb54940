import { describe, expect, test } from "bun:test"
import { differingDuplicatesMax } from "../../src/event/EventDocument.ts"
import type { EventFact } from "../../src/event/EventFact.ts"
import { contentDigestOf, type EventCommand, Events } from "../../src/event/Events.ts"
import { EventId, MaintenanceAttemptId, RunId } from "../../src/Ids.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const runId = RunId.make("run_1")
const event = {
  id: EventId.make("e1"),
  type: "thing.happened",
  receivedAt: "1970-01-01T00:00:00.000Z",
  payload: { n: 1 }
}
const contentDigest = contentDigestOf(event)
const accept: EventCommand = { _tag: "Accept", event, contentDigest, runIds: [runId], depth: 0 }
const accepted: EventFact = { _tag: "EventAccepted", event, contentDigest, runIds: [runId], depth: 0 }
const replayed = (generation: number): EventFact => ({
  _tag: "EventReplayed",
  generation,
  runIds: [RunId.make(`run_1_${generation}`)]
})

describe("accept", () => {
  test("takes a new event in with its runs", () => {
    given(Events, "e1")
      .when(accept)
      .then(accepted)
      .document({ event, runIds: [runId], generation: 0, differingDuplicates: [], maintenanceAttemptIds: [] })
  })

  test("keeps what caused a follow-up and the maintenance attempt", () => {
    const causedBy = { eventId: EventId.make("e0"), runId }
    const maintenanceAttemptId = MaintenanceAttemptId.make("e1:dispatch:1")
    given(Events, "e1")
      .when({ ...accept, depth: 3, causedBy, maintenanceAttemptId })
      .document({ depth: 3, causedBy, maintenanceAttemptIds: [maintenanceAttemptId] })
  })

  test("of equal content changes nothing", () => {
    given(Events, "e1", accepted).when(accept).thenNothing()
  })

  test("of other content leaves one fact per content, and the first event stays", () => {
    const other: EventCommand = { ...accept, contentDigest: "other", event: { ...event, payload: 2 } }
    const differed: EventFact = { _tag: "EventDuplicateDiffered", type: event.type, contentDigest: "other" }
    given(Events, "e1", accepted)
      .when(other)
      .then(differed)
      .document({
        event,
        differingDuplicates: [{ at: event.receivedAt, type: event.type, contentDigest: "other" }]
      })
    given(Events, "e1", accepted, differed).when(other).thenNothing()
  })

  test("remembers a bounded number of other contents", () => {
    const differed = Array.from(
      { length: differingDuplicatesMax + 4 },
      (_, n): EventFact => ({
        _tag: "EventDuplicateDiffered",
        type: event.type,
        contentDigest: `other ${n}`
      })
    )
    const { document } = given(Events, "e1", accepted, ...differed)
    expect(document?.differingDuplicates).toHaveLength(differingDuplicatesMax)
    // One more is not told from those that nobody remembers: a sender that repeats it writes nothing.
    given(Events, "e1", accepted, ...differed.slice(0, differingDuplicatesMax))
      .when({ ...accept, contentDigest: "one more" })
      .thenNothing()
    given(Events, "e1", accepted, ...differed.slice(0, differingDuplicatesMax - 1))
      .when({ ...accept, contentDigest: "the last" })
      .then({ _tag: "EventDuplicateDiffered", type: event.type, contentDigest: "the last" })
  })
})

describe("replay", () => {
  test("adds one generation behind the ones before", () => {
    given(Events, "e1", accepted, replayed(1))
      .when({ _tag: "Replay", generation: 2, runIds: [RunId.make("run_1_2")] })
      .then(replayed(2))
      .document({ generation: 2, runIds: [runId, RunId.make("run_1_1"), RunId.make("run_1_2")] })
  })

  test("of a generation that exists, or one beyond the next, changes nothing", () => {
    const known = given(Events, "e1", accepted, replayed(1))
    known.when({ _tag: "Replay", generation: 1, runIds: [] }).thenNothing()
    known.when({ _tag: "Replay", generation: 3, runIds: [] }).thenNothing()
  })

  test("a fact of a generation that is not the next is passed over", () => {
    expect(given(Events, "e1", accepted, replayed(5)).document).toMatchObject({
      generation: 0,
      runIds: [runId]
    })
    expect(given(Events, "e1", accepted, replayed(1), replayed(1)).document?.runIds).toHaveLength(2)
  })

  test("of no event is refused", () => {
    given(Events, "e1").when({ _tag: "Replay", generation: 1, runIds: [] }).thenRejected("UnknownEvent")
  })
})

describe("the content of an event", () => {
  test("is its type and payload, whatever the order of keys, and nothing else", () => {
    const digest = (payload: unknown, type = "t") => contentDigestOf({ type, payload })
    expect(digest({ a: 1, b: { c: [1, 2], d: 3 } })).toBe(digest({ b: { d: 3, c: [1, 2] }, a: 1 }))
    const different = [{}, [], null, "", "{}", 0, false, { a: 1 }, { a: "1" }, [1, 2], [2, 1], { a: null }]
    expect(new Set(different.map((payload) => digest(payload))).size).toBe(different.length)
    expect(digest({}, "t")).not.toBe(digest({}, "u"))
  })
})

test("an event is listed by its type and its source until it is compacted, and loaded after that", () => {
  const placesOf = (...facts: ReadonlyArray<EventFact>) => {
    const { document } = given(Events, "e1").and(...facts)
    if (document === undefined) throw new Error("no document")
    return Object.fromEntries(Object.entries(Events.indexes).map(([name, place]) => [name, place(document)]))
  }
  const fromFeed = { ...event, source: "feed" }
  expect(placesOf(accepted)).toEqual({ all: [], byType: ["thing.happened"], bySource: undefined })
  expect(placesOf({ ...accepted, event: fromFeed })).toMatchObject({ bySource: ["feed"] })
  const { payload, ...rest } = fromFeed
  const compacted: EventFact = {
    _tag: "EventCompacted",
    event: rest,
    contentDigest,
    differingDuplicates: [],
    runIds: [runId],
    generation: 0,
    depth: 0,
    createdAt: rest.receivedAt
  }
  expect(placesOf({ ...accepted, event: fromFeed }, compacted)).toEqual({
    all: undefined,
    byType: undefined,
    bySource: undefined
  })
})
