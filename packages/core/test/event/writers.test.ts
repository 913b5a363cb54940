/**
 * Goal: lines of a log that an older or a newer patchmoi wrote lose nothing. Method: the lines stand here literally; they go
 * into the in-memory driver and through the Projector, and what is read is compared.
 */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { aggregates } from "../../src/Aggregates.ts"
import { Events } from "../../src/event/Events.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Aggregate from "../../src/store/Aggregate.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import type { LogRow } from "../../src/store/Log.ts"
import { Projector } from "../../src/store/Projector.ts"
import * as Store from "../../src/store/Store.ts"

const row = (position: number, stream: string, version: number, type: string, data: string): LogRow => ({
  position,
  stream,
  version,
  at: 1_000,
  type,
  data
})
const plan =
  '{"runner":"bun","script":"s.ts","cwd":"/f","timeoutMillis":1000,"outputBytesMax":1024,"retry":{"maxAttempts":3,"backoffMillis":0,"on":["lost"]},"priority":0,"env":[]}'
const eventAccepted =
  '{"event":{"id":"e1","type":"t","receivedAt":"2026-01-01T00:00:00.000Z","payload":{"n":1}},"contentDigest":"d","runIds":["run_1"]}'
const runQueued = `{"eventId":"e1","eventType":"t","flowName":"f","flowVersion":1,"flowRoot":"/f","stepName":"s","generation":0,"plan":${plan}}`

/** Before `depth` and `retriesUsedUp` were recorded. */
const older: ReadonlyArray<LogRow> = [
  row(1, "event/e1", 1, "EventAccepted", eventAccepted),
  row(2, "run/run_1", 1, "RunQueued", runQueued),
  row(
    3,
    "run/run_1",
    2,
    "AttemptStarted",
    '{"attemptId":"run_1:attempt:1","attemptNumber":1,"workerId":"w","leaseToken":"t"}'
  ),
  row(
    4,
    "run/run_1",
    3,
    "AttemptEnded",
    '{"attemptId":"run_1:attempt:1","exit":{"_tag":"ExitCode","code":1},"error":"bad"}'
  ),
  row(
    5,
    "run/run_1",
    4,
    "RunEnded",
    '{"processStatus":"failed","exit":{"_tag":"ExitCode","code":1},"error":"bad"}'
  )
]

/** With a fact, a stream, a field and a variant that this patchmoi does not know. */
const newer: ReadonlyArray<LogRow> = [
  row(
    1,
    "event/e1",
    1,
    "EventAccepted",
    eventAccepted.replace('"contentDigest"', '"signedBy":"key 7","contentDigest"')
  ),
  row(2, "event/e1", 2, "EventArchived", '{"to":"cold storage"}'),
  row(3, "event/e1", 3, "EventReplayed", '{"generation":1,"runIds":["run_2"]}'),
  row(4, "run/run_1", 1, "RunQueued", runQueued.replace('"bun"', '"container"')),
  row(5, "approval/a1", 1, "ApprovalAsked", '{"prompt":"Ship it?"}'),
  row(6, "approval/a1", 2, "ApprovalGiven", "{}")
]

const projected = (rows: ReadonlyArray<LogRow>) => {
  const projector = new Projector(aggregates)
  for (const each of rows) projector.apply(each)
  const { documents, unknown } = projector.project()
  return {
    unknown: Object.fromEntries(unknown),
    documents: Object.fromEntries(
      documents.map(({ stream, version, value }): [string, { version: number; value: unknown }] => [
        stream,
        { version, value: value === undefined ? undefined : JSON.parse(value) }
      ])
    )
  }
}

/** The same lines as a store holds them. */
const stored = (rows: ReadonlyArray<LogRow>) =>
  Effect.gen(function* () {
    const driver = yield* DriverMemory.make
    const projector = new Projector(aggregates)
    for (const each of rows) projector.apply(each)
    yield* driver.commit({ expected: [], facts: rows, documents: projector.project().documents })
    return Store.make(driver)
  })

describe("an older writer", () => {
  test("left out what has a default today, and its documents are right", () => {
    const { documents, unknown } = projected(older)
    expect(unknown).toEqual({})
    expect(documents["event/e1"]).toMatchObject({
      version: 1,
      value: { depth: 0, generation: 0, runIds: ["run_1"] }
    })
    expect(documents["run/run_1"]).toMatchObject({
      version: 4,
      value: { depth: 0, retriesUsedUp: false, processStatus: "failed", attempts: [{ status: "failed" }] }
    })
  })

  test("may have left out a payload", () => {
    const { documents } = projected([
      row(1, "event/e1", 1, "EventAccepted", eventAccepted.replace(',"payload":{"n":1}', ""))
    ])
    expect(documents["event/e1"]?.value).toMatchObject({ event: { payload: {} } })
  })
})

describe("a newer writer", () => {
  test("wrote facts that are counted, and fields that do no harm", () => {
    const { documents, unknown } = projected(newer)
    expect(unknown).toEqual({ EventArchived: 1, RunQueued: 1, ApprovalAsked: 1, ApprovalGiven: 1 })
    expect(documents["event/e1"]).toMatchObject({
      version: 3,
      value: { generation: 1, runIds: ["run_1", "run_2"] }
    })
    expect(documents["run/run_1"]).toEqual({ version: 1, value: undefined })
    expect(documents).not.toHaveProperty("approval/a1")
  })

  test("is seen in the history as it wrote, and every byte stays in the log", () =>
    Effect.gen(function* () {
      const store = yield* stored(newer)
      const history = yield* store.history(Events, "e1")
      expect(history.map(({ fact }) => fact._tag)).toEqual(["EventAccepted", "UnknownFact", "EventReplayed"])
      expect(history[1]?.fact).toEqual({
        _tag: "UnknownFact",
        type: "EventArchived",
        data: { to: "cold storage" }
      })
      const [queued] = yield* store.history(Runs, "run_1")
      expect(queued?.fact).toMatchObject({
        _tag: "UnknownFact",
        type: "RunQueued",
        data: { plan: { runner: "container" } }
      })
      expect(yield* store.driver.readAfter(0, 10)).toEqual([...newer])
    }).pipe(Effect.runPromise))

  test("does not stop us from writing on: versions count its facts", () =>
    Effect.gen(function* () {
      const store = yield* stored(newer)
      yield* store.transact((transaction) =>
        transaction.execute(Events, "e1", { _tag: "Replay", generation: 2, runIds: [] })
      )
      const history = yield* store.history(Events, "e1")
      expect(history.map(({ version }) => version)).toEqual([1, 2, 3, 4])
    }).pipe(Effect.runPromise))

  test("or a damaged line is unknown and visible, never an exception", () => {
    for (const data of ["", "{", "null", "7", "[]", '"text"', '{"event":null}']) {
      expect(Events.decodeFact("EventAccepted", data)).toMatchObject({
        _tag: "UnknownFact",
        type: "EventAccepted"
      })
    }
    for (const stream of ["", "event", "/e1", "nothing/e1"]) {
      expect(projected([row(1, stream, 1, "EventAccepted", eventAccepted)]).unknown).toEqual({
        EventAccepted: 1
      })
    }
  })
})

describe("an upcaster", () => {
  const LightSwitched = Schema.TaggedStruct("LightSwitched", { on: Schema.Boolean })
  type Fact = typeof LightSwitched.Type
  const lamps = Aggregate.make(
    {
      name: "lamp",
      fact: Schema.Union(LightSwitched),
      decide: (command: Fact) => Either.right([command]),
      evolve: (_: Fact | undefined, fact) => fact,
      indexes: {}
    },
    {
      LightTurnedOn: () => ({ type: "LightSwitched", data: { on: true } }),
      LampLit: (data) => ({ type: "LightTurnedOn", data }),
      Spinning: (data) => ({ type: "Spinning", data })
    }
  )

  test("turns a type that was replaced into today's, over several replacements", () => {
    expect(lamps.decodeFact("LightTurnedOn", "{}")).toEqual({ _tag: "LightSwitched", on: true })
    expect(lamps.decodeFact("LampLit", '{"since":1}')).toEqual({ _tag: "LightSwitched", on: true })
    expect(lamps.decodeFact("LightSwitched", '{"on":false}')).toEqual({ _tag: "LightSwitched", on: false })
  })

  test("that turns in a circle ends, and what it does not know keeps its own name", () => {
    expect(lamps.decodeFact("Spinning", "{}")).toEqual({ _tag: "UnknownFact", type: "Spinning", data: {} })
    expect(lamps.decodeFact("toString", "{}")).toEqual({ _tag: "UnknownFact", type: "toString", data: {} })
  })

  test("serves the rebuild of a view as well", () => {
    const projector = new Projector([lamps])
    projector.apply(row(1, "lamp/l1", 1, "LampLit", "{}"))
    expect(projector.document("lamp/l1")?.value).toBe('{"_tag":"LightSwitched","on":true}')
    expect(projector.project().unknown.size).toBe(0)
  })
})
