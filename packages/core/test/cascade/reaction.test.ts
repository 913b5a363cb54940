import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { Cascades } from "../../src/cascade/Cascades.ts"
import { artifactTargetsMax, cascadeArtifactOf } from "../../src/cascade/cascadeArtifact.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { Store } from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { answering, dispatchOne, event, eventType, memoryEngine } from "../engine/support.ts"

const flow = singleStepFlow("cascade-version", eventType)
const cascade = {
  name: "runtime",
  version: "1.2.3",
  file: ".runtime-version",
  targets: [
    { target: "a", intent: "write", how: "push" },
    { target: "b", intent: "pinned", how: "push" }
  ],
  tries: [{ target: "a", number: 1, how: "push", outcome: "written", commit: "c1" }],
  finished: true
}

const recorded = (artifacts: Record<string, unknown>) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const [run] = yield* engine.awaitRuns([yield* dispatchOne(event("e1"))])
    return { run, cascades: (yield* store.list(Cascades, { index: "byName", prefix: ["runtime"] })).items }
  }).pipe(
    Effect.provide(
      memoryEngine([flow], { "cascade-version.ts": answering({ status: "changed", artifacts }) })
    )
  )

describe("a run that wrote a version into other repositories", () => {
  it.effect("keeps the record of it, in the commit of its end", () =>
    Effect.gen(function* () {
      const { cascades, run } = yield* recorded({ cascade })
      expect(cascades).toMatchObject([
        {
          id: `runtime:1.2.3:${run?.id}:1`,
          status: "needs_person",
          runId: run?.id ?? "none",
          targets: [
            { target: "a", status: "written", tries: 1, commit: "c1" },
            { target: "b", status: "pinned", tries: 0 }
          ]
        }
      ])
    })
  )

  it.effect("one that was stopped leaves the cascade open", () =>
    Effect.gen(function* () {
      const { cascades } = yield* recorded({ cascade: { ...cascade, tries: [], finished: false } })
      expect(cascades).toMatchObject([{ status: "running", targets: [{ status: "pending" }, {}] }])
    })
  )

  it.effect("what has another form, or is beyond the bounds, is passed over", () =>
    Effect.gen(function* () {
      const { cascades, run } = yield* recorded({ cascade: { ...cascade, version: 3 } })
      expect(cascades).toEqual([])
      expect(run?.processStatus).toBe("completed")
      const [target] = cascade.targets
      const many = { ...cascade, targets: Array.from({ length: artifactTargetsMax + 1 }, () => target) }
      expect(cascadeArtifactOf({ cascade: many })).toBeUndefined()
      expect(cascadeArtifactOf({ cascade: { ...cascade, name: "x".repeat(65) } })).toBeUndefined()
      expect(cascadeArtifactOf({})).toBeUndefined()
      expect(cascadeArtifactOf({ cascade })).toMatchObject({ name: "runtime" })
    })
  )
})
