import { describe, expect, test } from "bun:test"
import * as Match from "../../src/engine/Match.ts"
import type { CatalogSnapshot, Flow, PayloadCheck } from "../../src/flow/Flow.ts"
import { EventId } from "../../src/Ids.ts"
import { stepPlan } from "../../src/testing/flows.ts"

const needsRepo: PayloadCheck = (payload) =>
  typeof payload === "object" && payload !== null && "repo" in payload
    ? []
    : [{ pointer: "/repo", message: "is required", keyword: "required" }]

const flow: Flow = {
  name: "release",
  version: 1,
  root: "/flows/release",
  steps: [
    { name: "by-hand", plan: stepPlan("a.ts") },
    { name: "other-type", plan: stepPlan("b.ts"), trigger: { type: "push" } },
    { name: "picky", plan: stepPlan("c.ts"), trigger: { type: "release", check: needsRepo } },
    { name: "plain", plan: stepPlan("d.ts"), trigger: { type: "release" } }
  ],
  warnings: []
}
const snapshot: CatalogSnapshot = { flows: [flow], broken: [] }
const event = (payload: unknown, type = "release") => ({
  id: EventId.make("e1"),
  type,
  receivedAt: "1970-01-01T00:00:00.000Z",
  payload
})
const names = (payload: unknown, of = snapshot) =>
  Match.match(of, event(payload)).map(({ step }) => step.name)

test("every step explains itself, in the order in which steps run", () => {
  const issues = needsRepo({})
  expect(Match.explain(snapshot, event({}))).toEqual([
    { flowName: "release", stepName: "by-hand", matched: false, reason: "step has no trigger", issues: [] },
    {
      flowName: "release",
      stepName: "other-type",
      matched: false,
      reason: "event type release does not match push",
      issues: []
    },
    { flowName: "release", stepName: "picky", matched: false, reason: "payload/repo is required", issues },
    { flowName: "release", stepName: "plain", matched: true, issues: [] }
  ])
  expect(names({})).toEqual(["plain"])
  expect(names({ repo: "o/r" })).toEqual(["picky", "plain"])
})

test("a second flow of a name, or a second step of a name, starts nothing beside the first", () => {
  const copy = { ...flow, root: "/elsewhere" }
  expect(Match.match({ flows: [flow, copy], broken: [] }, event({})).map(({ flow }) => flow.root)).toEqual([
    "/flows/release"
  ])
  const twice: Flow = { ...flow, steps: flow.steps.flatMap((step) => [step, step]) }
  expect(names({}, { flows: [twice], broken: [] })).toEqual(["plain"])
})

describe("why nothing matched", () => {
  test("names the steps that were near, or the count of flows and the broken ones", () => {
    const picky: Flow = { ...flow, steps: flow.steps.slice(0, 3) }
    expect(Match.unmatchedReason({ flows: [picky], broken: [] }, event({}))).toBe(
      "No step matched: release/picky: payload/repo is required"
    )
    const broken = [{ root: "/flows/bad", file: "/flows/bad/flow.toml", issues: [] }]
    expect(Match.unmatchedReason({ flows: [flow], broken }, event({}, "issue"))).toBe(
      "No step matched: none of 1 flows (1 broken: /flows/bad) has a step for events of type issue"
    )
  })
})

describe("the concurrency group", () => {
  const groupOf = (payload: unknown, overrides: Parameters<typeof stepPlan>[1], step = "s") =>
    Match.concurrencyGroupOf(stepPlan("s.ts", overrides), "f", step, event(payload))

  test("is the value at the pointer, the same for every step that names it", () => {
    const keyed = { concurrencyKey: "/payload/repo" }
    expect(groupOf({ repo: "a" }, keyed)).toBe(groupOf({ repo: "a", n: 1 }, keyed, "other"))
    const values = ["a", "b", "1", 1, null, true, { a: 1 }, [1], undefined]
    expect(new Set(values.map((repo) => groupOf({ repo }, keyed))).size).toBe(values.length)
  })

  test("reads pointers as RFC 6901 does, and finds nothing where there is nothing", () => {
    expect(groupOf({ "a/b": { "m~n": [7] } }, { concurrencyKey: "/payload/a~1b/m~0n/0" })).toEndWith("=7")
    expect(groupOf({}, { concurrencyKey: "/type" })).toEndWith('="release"')
    for (const concurrencyKey of ["/payload/toString", "/payload/a/b/c", "/none"]) {
      expect(groupOf({ a: null }, { concurrencyKey })).toBe(`${concurrencyKey}=`)
    }
  })

  test("is the step itself with a number and no key, and nothing without both", () => {
    expect(groupOf({}, { concurrency: 1 })).not.toBe(groupOf({}, { concurrency: 1 }, "other"))
    expect(groupOf({}, {})).toBeUndefined()
  })
})
