import { expect, test } from "bun:test"
import { answersMax, patchesMax, turningBadIn } from "../../src/patchStack/PatchStackDocument.ts"
import type { ForecastAnswer, PatchStackFact } from "../../src/patchStack/PatchStackFact.ts"
import { PatchStacks } from "../../src/patchStack/PatchStacks.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const key = "git.example/fork"
const verdict = {
  patch: "patch/a",
  tip: "a1",
  verdict: "landed-identical",
  evidence: [{ kind: "patch-id", commit: "a1", upstream: "u0", detail: "the same change" }]
} as const
const look = { onto: "u1", ontoName: "upstream/main" } as const
const found: PatchStackFact = { _tag: "PatchVerdictFound", ...look, ...verdict }

const forecast = (answer: ForecastAnswer, onto = "u1", ontoName = "upstream/main", tip = "a1") => ({
  onto,
  ontoName,
  patches: [{ patch: "patch/a", tip, answer }]
})
const made = (...args: Parameters<typeof forecast>): PatchStackFact => ({
  _tag: "ForecastMade",
  ...forecast(...args)
})

test("a verdict is recorded with its evidence, and once for a tip and an upstream commit", () => {
  given(PatchStacks, key)
    .at(1_000)
    .when({ _tag: "RecordVerdicts", ...look, verdicts: [verdict, verdict] })
    .then(found)
    .document({ id: key, updatedAt: "1970-01-01T00:00:01.000Z" })
  expect(stackAfter(found)?.patches).toMatchObject([
    { patch: "patch/a", tip: "a1", answers: [], verdict: { verdict: "landed-identical", onto: "u1" } }
  ])
  given(PatchStacks, key, found)
    .when({ _tag: "RecordVerdicts", ...look, ontoName: "another name of it", verdicts: [verdict] })
    .thenNothing()
  const again = { ...verdict, tip: "a2" }
  given(PatchStacks, key, found)
    .when({ _tag: "RecordVerdicts", ...look, verdicts: [again] })
    .then({ _tag: "PatchVerdictFound", ...look, ...again })
  given(PatchStacks, key, found)
    .when({ _tag: "RecordVerdicts", ...look, onto: "u2", verdicts: [verdict] })
    .then({ ...found, onto: "u2" })
})

test("a verdict is forgotten with the tip that it was about", () => {
  const stack = stackAfter(found, made("clean", "u1", "upstream/main", "a2"))
  expect(stack?.patches).toMatchObject([{ tip: "a2", answers: [{ answer: "clean", times: 1 }] }])
  expect(stack?.patches[0]?.verdict).toBeUndefined()
})

test("the same answer is one span; the same forecast is recorded once", () => {
  given(PatchStacks, key, made("clean"), made("clean", "u2"))
    .at(0)
    .when({ _tag: "RecordForecast", ...forecast("clean", "u3") })
    .then(made("clean", "u3"))
  expect(stackAfter(made("clean"), made("clean", "u2"), made("clean", "u3"))?.patches).toMatchObject([
    { answers: [{ answer: "clean", onto: "u3", times: 3 }] }
  ])
  given(PatchStacks, key, made("clean"))
    .when({ _tag: "RecordForecast", ...forecast("clean") })
    .thenNothing()
})

test("a clean patch that conflicts turned bad, until it is better there or with another tip", () => {
  const bad = [made("clean"), made("conflicts", "u2")] as const
  expect(stackAfter(...bad)?.patches).toMatchObject([
    { turnedBad: { onto: "u2", ontoName: "upstream/main", tip: "a1" } }
  ])
  // Still bad: with a tip that conflicts as well, and when another upstream point is fine.
  for (const next of [made("conflicts", "u3", "upstream/main", "a2"), made("clean", "u0", "v1")]) {
    expect(stackAfter(...bad, next)?.patches).toMatchObject([{ turnedBad: { onto: "u2" } }])
  }
  for (const next of [made("clean", "u3"), made("landed", "u3"), made("clean", "u2", "v2", "a2")]) {
    const [state] = stackAfter(...bad, next)?.patches ?? []
    expect(state?.answers.length).toBe(3)
    expect(state?.turnedBad).toBeUndefined()
  }
})

test("an answer is measured by the last one for the same name, and for a new name by the newest of all", () => {
  const stack = stackAfter(made("conflicts"), made("clean", "u0", "v1"))
  expect(turningBadIn(stack, forecast("conflicts", "u9"))).toEqual([])
  expect(turningBadIn(stack, forecast("conflicts", "u9", "v2")).map(({ patch }) => patch)).toEqual([
    "patch/a"
  ])
  expect(turningBadIn(undefined, forecast("conflicts"))).toEqual([])
})

test("another order of the patches is another forecast, and one of more than are kept is recorded once too", () => {
  const patches = ["a", "b"].map((name) => ({ patch: `patch/${name}`, tip: "t", answer: "clean" as const }))
  const inOrder = { _tag: "ForecastMade", ...look, patches } as const
  const turned = { ...inOrder, patches: patches.toReversed() }
  given(PatchStacks, key, inOrder)
    .when({ ...turned, _tag: "RecordForecast" })
    .then(turned)
  const many = Array.from({ length: patchesMax + 1 }, (_, at) => ({
    patch: `patch/${at}`,
    tip: "t",
    answer: "clean" as const
  }))
  given(PatchStacks, key, { ...inOrder, patches: many })
    .when({ _tag: "RecordForecast", ...look, patches: many })
    .thenNothing()
})

test("a patch that a forecast does not list is gone; what is kept is bounded", () => {
  given(PatchStacks, key, found, made("clean"))
    .when({ _tag: "RecordForecast", ...look, patches: [{ patch: "patch/b", tip: "b1", answer: "clean" }] })
    .then({ _tag: "ForecastMade", ...look, patches: [{ patch: "patch/b", tip: "b1", answer: "clean" }] })
  const many = Array.from({ length: patchesMax + 5 }, (_, at) => ({
    patch: `patch/${at}`,
    tip: "t",
    answer: "clean" as const
  }))
  expect(stackAfter({ _tag: "ForecastMade", ...look, patches: many })?.patches.length).toBe(patchesMax)
  const turns = Array.from({ length: answersMax + 5 }, (_, at) =>
    made(at % 2 === 0 ? "clean" : "conflicts", `u${at}`)
  )
  expect(stackAfter(...turns)?.patches[0]?.answers.length).toBe(answersMax)
})

test("the stacks with a patch that turned bad are listed", () => {
  const bad = stackAfter(made("clean"), made("conflicts", "u2"))
  const good = stackAfter(made("clean"))
  if (bad === undefined || good === undefined) throw new Error("no document")
  expect(PatchStacks.indexes["turnedBad"]?.(bad)).toEqual([])
  expect(PatchStacks.indexes["turnedBad"]?.(good)).toBeUndefined()
})

/** The document after facts. */
const stackAfter = (...facts: ReadonlyArray<PatchStackFact>) =>
  facts.reduce<ReturnType<typeof PatchStacks.evolve>>(
    (before, fact, at) => PatchStacks.evolve(before, fact, { key, at }),
    undefined
  )
