import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { Engine } from "../../src/engine/Engine.ts"
import { patchesMax } from "../../src/patchStack/PatchStackDocument.ts"
import { PatchStacks } from "../../src/patchStack/PatchStacks.ts"
import { forecastArtifactOf, verdictsArtifactOf } from "../../src/patchStack/patchStackArtifacts.ts"
import { Store } from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, event, eventType, memoryEngine } from "../engine/support.ts"

const flow = singleStepFlow("maintain-fork", eventType)
const [a, b, u] = ["a", "b", "c"].map((digit) => digit.repeat(40))
const look = { repository: "git.example/fork", onto: u, ontoName: "v2" }
const verdicts = {
  ...look,
  verdicts: [
    {
      patch: "patch/a",
      tip: a,
      verdict: "landed-identical",
      evidence: [{ kind: "patch-id", commit: a, upstream: u, detail: "the same change" }]
    }
  ]
}
const forecast = {
  ...look,
  patches: [
    { patch: "patch/a", tip: a, answer: "landed" },
    { patch: "patch/b", tip: b, answer: "conflicts", reason: "a.txt" }
  ]
}

const recorded = (artifacts: Record<string, unknown>) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const [run] = yield* engine.awaitRuns([yield* dispatchOne(event("e1"))])
    return { run, stacks: (yield* store.list(PatchStacks, { index: "all" })).items }
  }).pipe(
    Effect.provide(memoryEngine([flow], { "maintain-fork.ts": answering({ status: "changed", artifacts }) }))
  )

describe("a run that looked at a patch stack", () => {
  it.effect("keeps verdicts and forecast, in the commit of its end", () =>
    Effect.gen(function* () {
      const { stacks } = yield* recorded({ verdicts, forecast })
      expect(stacks).toMatchObject([
        {
          id: "git.example/fork",
          patches: [
            { patch: "patch/a", verdict: { verdict: "landed-identical" }, answers: [{ answer: "landed" }] },
            { patch: "patch/b", answers: [{ answer: "conflicts", reason: "a.txt" }] }
          ]
        }
      ])
    })
  )

  it.effect("what has another form is passed over, and the run stays as it is", () =>
    Effect.gen(function* () {
      const bad = { ...verdicts, onto: "HEAD" }
      const { run, stacks } = yield* recorded({ verdicts: bad, forecast: "clean" })
      expect(stacks).toEqual([])
      expect(run?.processStatus).toBe("completed")
      // One that can be read is kept beside one that cannot.
      expect((yield* recorded({ verdicts: bad, forecast })).stacks).toMatchObject([{ patches: [{}, {}] }])
    })
  )

  it.effect("what is beyond the bounds is passed over", () =>
    Effect.sync(() => {
      const [patch] = forecast.patches
      const patches = Array.from({ length: patchesMax + 1 }, () => patch)
      expect(forecastArtifactOf({ forecast: { ...forecast, patches } })).toBeUndefined()
      expect(forecastArtifactOf({ forecast: { ...forecast, repository: "a\nb" } })).toBeUndefined()
      expect(forecastArtifactOf({ forecast: { ...forecast, repository: "x".repeat(600) } })).toBeUndefined()
      const [verdict] = verdicts.verdicts
      const evidence = Array.from({ length: 51 }, () => verdict?.evidence[0])
      expect(
        verdictsArtifactOf({ verdicts: { ...verdicts, verdicts: [{ ...verdict, evidence }] } })
      ).toBeUndefined()
      expect(verdictsArtifactOf({})).toBeUndefined()
      expect(verdictsArtifactOf(undefined)).toBeUndefined()
      expect(verdictsArtifactOf({ verdicts })).toMatchObject({ ontoName: "v2" })
    })
  )
})
