import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { EventType, eventTypeLengthMax, textLengthMax } from "../../src/event/FlowEvent.ts"
import {
  normalizeEvent,
  payloadDepthMax,
  payloadLengthMax,
  toEnvelope
} from "../../src/event/normalizeEvent.ts"
import { EventId, idLengthMax } from "../../src/Ids.ts"
import { drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"

const good = (input: unknown) => Either.getOrThrow(normalizeEvent(input, 0))
const fieldOf = (input: unknown) =>
  Either.match(normalizeEvent(input, 0), { onLeft: ({ field }) => field, onRight: () => "accepted" })

/** Anything that can be handed over inside a process: also what JSON cannot say. */
const anything = FastCheck.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true
})
const json = FastCheck.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
const envelope = (fields: FastCheck.Arbitrary<unknown>) =>
  FastCheck.record(
    {
      id: FastCheck.oneof(FastCheck.string({ minLength: 1 }), fields),
      type: FastCheck.oneof(FastCheck.string({ minLength: 1 }), fields),
      source: FastCheck.oneof(FastCheck.string(), fields),
      receivedAt: fields,
      occurredAt: fields,
      payload: fields,
      extra: fields,
      trace: fields
    },
    { requiredKeys: [] }
  )

describe("laws", () => {
  it.prop(
    "nothing throws, and what passes is JSON through and through",
    drawnBy(FastCheck.oneof(anything, envelope(anything))),
    (input) => {
      const event = normalizeEvent(input, 0)
      if (Either.isRight(event)) expect(JSON.parse(JSON.stringify(event.right))).toEqual(event.right)
    },
    { runs: 1_000 }
  )

  it.prop(
    "an event that passed passes again unchanged, and so does its envelope when it has no field named extra",
    drawnBy(envelope(json)),
    (input) => {
      const first = normalizeEvent({ id: "e1", type: "t", ...input }, 0)
      if (Either.isLeft(first)) return
      const event = first.right
      expect(Either.getOrThrow(normalizeEvent(event, 99))).toEqual(event)
      if (!Object.hasOwn(event.extra ?? {}, "extra")) {
        expect(Either.getOrThrow(normalizeEvent(toEnvelope(event), 99))).toEqual(event)
      }
    },
    { runs: 500 }
  )

  it.prop("every JSON payload is kept as it is", drawnBy(json), (payload) => {
    expect(good({ id: "e1", type: "t", payload }).payload).toEqual(payload)
  })
})

describe("what is refused, with its field", () => {
  const cyclic: Record<string, unknown> = {}
  cyclic["self"] = cyclic
  let shared: unknown = 1
  for (let depth = 0; depth < payloadDepthMax - 2; depth++) shared = [shared, shared]
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])
  class Silent {
    toJSON() {
      return undefined
    }
  }
  const payload = (value: unknown) => ({ id: "e1", type: "t", payload: value })
  const table: ReadonlyArray<readonly [name: string, input: unknown, field: string]> = [
    ["nothing", undefined, ""],
    ["text", "{}", ""],
    ["a list", [], ""],
    ["an id that is missing", { type: "t" }, "id"],
    ["an id of the wrong type", { id: 1, type: "t" }, "id"],
    ["a blank id", { id: " ", type: "t" }, "id"],
    ["a long id", { id: "x".repeat(idLengthMax + 1), type: "t" }, "id"],
    ["an id with a line break", { id: "a\nb", type: "t" }, "id"],
    ["an id with half a character", { id: "a\ud800", type: "t" }, "id"],
    ["a type that is missing", { id: "a" }, "type"],
    ["a long type", { id: "a", type: "t".repeat(eventTypeLengthMax + 1) }, "type"],
    [
      "a field that no object can hold as its own",
      JSON.parse('{"id":"a","type":"t","__proto__":{"b":1}}'),
      "__proto__"
    ],
    ["a source of the wrong type", { id: "a", type: "t", source: {} }, "source"],
    ["a long source", { id: "a", type: "t", source: "s".repeat(textLengthMax + 1) }, "source"],
    ["a long occurredAt", { id: "a", type: "t", occurredAt: "s".repeat(textLengthMax + 1) }, "occurredAt"],
    ["a long receivedAt", { id: "a", type: "t", receivedAt: "s".repeat(textLengthMax + 1) }, "receivedAt"],
    ["a cycle", payload(cyclic), `payload${"/self".repeat(payloadDepthMax + 1)}`],
    [
      "a payload that is nested too deep",
      payload(deep(payloadDepthMax + 1)),
      `payload${"/0".repeat(payloadDepthMax + 1)}`
    ],
    ["a small object that is huge as JSON", payload(shared), "payload"],
    ["a large payload", payload("x".repeat(payloadLengthMax)), "payload"],
    ["a big integer in an object", payload(Object(1n)), "payload"],
    ["an object that says nothing as JSON", payload(new Silent()), "payload"],
    ["a function deep inside", payload({ a: [0, () => 1] }), "payload/a/1"],
    ["a number that JSON does not have", payload({ a: Number.NaN }), "payload/a"],
    ["an unknown field that is no JSON", { id: "a", type: "t", trace: { n: 1n } }, "extra/trace/n"],
    [
      "a field that throws when it is read",
      {
        id: "a",
        type: "t",
        get payload(): never {
          throw new Error("not now")
        }
      },
      ""
    ]
  ]
  for (const [name, input, field] of table) test(name, () => expect(fieldOf(input)).toBe(field))
})

describe("what is kept", () => {
  test("a payload at each limit", () => {
    const nested = JSON.parse(`${"[".repeat(payloadDepthMax)}${"]".repeat(payloadDepthMax)}`)
    expect(good({ id: "e1", type: "t", payload: nested }).payload).toEqual(nested)
    const text = "x".repeat(payloadLengthMax - JSON.stringify(["", undefined]).length)
    expect(good({ id: "e1", type: "t", payload: text }).payload).toBe(text)
  })

  test("unknown fields, also under a name that every object knows", () => {
    const event = good({ id: "e1", type: "t", toString: "x", trace: [1], extra: { b: 2 } })
    expect(event.extra).toEqual(JSON.parse('{"toString":"x","trace":[1],"b":2}'))
    expect(toEnvelope(event)).toMatchObject({ id: "e1", trace: [1], b: 2 })
  })

  test("receivedAt when it is text, now otherwise; source and occurredAt unless null", () => {
    expect(good({ id: "e", type: "t", receivedAt: "2026-01-01" }).receivedAt).toBe("2026-01-01")
    for (const receivedAt of [null, "", 7, {}]) {
      expect(good({ id: "e", type: "t", receivedAt }).receivedAt).toBe("1970-01-01T00:00:00.000Z")
    }
    expect(good({ id: "e", type: "t", source: null, occurredAt: null })).not.toHaveProperty("source")
  })

  test("an id and a type, whatever else they are", () => {
    expect(good({ id: "ünï/コード:1 ", type: "a b" })).toMatchObject({
      id: EventId.make("ünï/コード:1 "),
      type: EventType.make("a b")
    })
  })
})

test("occurredAt is an ISO 8601 date, as the sender wrote it, or refused by its name", () => {
  const good = ["2026-01-31", "2026-01-31T12:00Z", "2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00+02:00"]
  for (const occurredAt of [
    ...good,
    "2026-01-31T12:00:00+0200",
    "2026-01-31 12:00:00",
    "2026-01-31t12:00:00z"
  ]) {
    expect(Either.getOrThrow(normalizeEvent({ id: "e", type: "t", occurredAt }, 0)).occurredAt).toBe(
      occurredAt
    )
  }
  for (const occurredAt of [
    "",
    "yesterday",
    "2026-13-01",
    "2026-01-31T25:00:00Z",
    "1769817600000",
    "Sat, 31 Jan 2026"
  ]) {
    const refused = Either.getOrThrow(Either.flip(normalizeEvent({ id: "e", type: "t", occurredAt }, 0)))
    expect(refused).toMatchObject({ _tag: "InvalidEvent", field: "occurredAt" })
    expect(refused.message).toContain("ISO 8601")
  }
})
