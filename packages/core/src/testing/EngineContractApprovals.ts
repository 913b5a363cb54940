/** The contract of an engine: a run that asks waits for the decision, however long, and is decided once. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutorMemory from "../executor/ExecutorMemory.ts"
import { approvalAwaitedBy } from "../run/RunEvolve.ts"
import {
  type EngineParts,
  ended,
  eventually,
  type MakeStorePlace,
  runOf,
  startEngine
} from "./EngineContractParts.ts"
import { it } from "./effectTest.ts"
import { singleStepFlow } from "./flows.ts"

const question = { prompt: "Publish?", choices: ["now", "tonight"] }

/** A step that asks until it was told a decision, and then says which. */
const asking: EngineParts = {
  flows: [singleStepFlow("f", "t")],
  steps: {
    "f.ts": ({ approval }) =>
      Effect.succeed(
        ExecutorMemory.succeeded(
          approval === undefined
            ? { status: "blocked", artifacts: { approval: question } }
            : { status: "changed", message: `${approval.decision} ${approval.choice} ${approval.by}` }
        )
      )
  }
}

/**
 * Holds an engine to this: a question outlives the engine and the store, the step that asked is told the decision, and of
 * several decisions one counts.
 */
export const engineApprovalContract = (place: MakeStorePlace): void =>
  describe("approvals", () => {
    it.live(
      "a question outlives the engine and the store; the decision runs the step again, which is told",
      () =>
        Effect.gen(function* () {
          const open = yield* place
          const runId = yield* Effect.scoped(
            Effect.gen(function* () {
              const service = yield* startEngine(yield* open, asking)
              const asked = yield* service.queue("e1", "t")
              yield* ended(service, [asked])
              return asked
            })
          )
          const store = yield* open
          const service = yield* startEngine(store, asking)
          expect(approvalAwaitedBy(yield* runOf(store, runId))).toEqual(question)
          const refused = yield* Effect.flip(
            service.engine.decide(runId, { decision: "approved", choice: "never" })
          )
          expect(refused).toMatchObject({ _tag: "InvalidDecision", field: "choice" })
          yield* service.engine.decide(runId, { decision: "approved", choice: "tonight", by: "ada" })
          const [run] = yield* ended(service, [runId])
          expect(run).toMatchObject({
            processStatus: "completed",
            result: { status: "changed", message: "approved tonight ada" }
          })
        })
    )

    it.live("of decisions that come at once, one counts and the others are told so", () =>
      Effect.gen(function* () {
        const store = yield* Effect.flatten(place)
        const service = yield* startEngine(store, asking)
        const runId = yield* service.queue("e1", "t")
        yield* ended(service, [runId])
        const decisions = yield* Effect.forEach(
          ["ada", "bob", "eve"],
          (by) => Effect.either(service.engine.decide(runId, { decision: "approved", by })),
          { concurrency: "unbounded" }
        )
        expect(decisions.filter(Either.isRight)).toHaveLength(1)
        for (const refused of decisions.filter(Either.isLeft)) {
          expect(refused.left._tag).toBe("RunNotAwaitingApproval")
        }
        const { approvals } = yield* eventually(
          runOf(store, runId),
          ({ processStatus }) => processStatus === "completed"
        )
        expect(approvals).toHaveLength(1)
      })
    )
  })
