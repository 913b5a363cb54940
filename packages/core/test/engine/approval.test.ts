import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { Engine } from "../../src/engine/Engine.ts"
import { signalSource } from "../../src/engine/Generation.ts"
import type { StepApproval } from "../../src/executor/Executor.ts"
import * as ExecutorMemory from "../../src/executor/ExecutorMemory.ts"
import { makeFollowUpEventId, RunId } from "../../src/Ids.ts"
import { MaintenanceAttempts } from "../../src/maintenance/MaintenanceAttempts.ts"
import { Runs } from "../../src/run/Runs.ts"
import { toRunView } from "../../src/run/RunView.ts"
import type { Driver } from "../../src/store/Driver.ts"
import * as DriverMemory from "../../src/store/DriverMemory.ts"
import { layerDriver, Store } from "../../src/store/Store.ts"
import { turns } from "../../src/testing/ClockSteps.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"
import { dispatchOne, engineOver, event, eventType, memoryEngine, runOf } from "./support.ts"

const flow = singleStepFlow("step", eventType)
const question = { prompt: "Publish v2?", choices: ["now", "later"] }

/** A step that asks until it was told a decision, and then says which. */
const asking =
  (told: Array<StepApproval | undefined>, approval: unknown = question): ExecutorMemory.MemoryStep =>
  (invocation) =>
    Effect.sync(() => {
      told.push(invocation.approval)
      const next = [{ type: "follow.up" }]
      return invocation.approval === undefined
        ? ExecutorMemory.succeeded({ status: "blocked", message: "asks", artifacts: { approval }, next })
        : ExecutorMemory.succeeded({ status: "changed", message: "done", next })
    })

const ended = (input: unknown) =>
  Effect.gen(function* () {
    const runId = yield* dispatchOne(input)
    yield* (yield* Engine).awaitRuns([runId])
    return runId
  })

const view = (runId: RunId) => Effect.map(runOf(runId), (run) => toRunView(run, { backend: "memory" }))

describe("a run that ends with a question", () => {
  it.effect("waits for an approval, is blocked, and wants attention", () =>
    Effect.gen(function* () {
      expect(yield* view(yield* ended(event("e1")))).toMatchObject({
        effectiveStatus: "blocked",
        needsAttention: true,
        waitingOn: { _tag: "Approval", ...question }
      })
    }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": asking([]) })))
  )

  for (const decision of ["approved", "rejected"] as const) {
    it.effect(`runs again when it is ${decision}, as another attempt of the same run that knows it`, () => {
      const told: Array<StepApproval | undefined> = []
      return Effect.gen(function* () {
        const engine = yield* Engine
        const runId = yield* ended(event("e1"))
        const choice = decision === "approved" ? { choice: "later" } : {}
        const given = { decision, ...choice, by: "ada", comment: "after lunch" }
        expect((yield* engine.decide(runId, given)).processStatus).toBe("queued")
        const [run] = yield* engine.awaitRuns([runId])
        expect(run).toMatchObject({ processStatus: "completed", result: { status: "changed" } })
        expect(run?.attempts.map(({ attemptNumber }) => attemptNumber)).toEqual([1, 2])
        expect(told).toEqual([undefined, { ...given, at: "1970-01-01T00:00:00.000Z" }])
        const seen = yield* view(runId)
        expect(seen.waitingOn).toBeUndefined()
        expect(seen.approvals).toMatchObject([{ ...given, prompt: question.prompt }])
        const facts = yield* (yield* Store).history(Runs, runId)
        expect(facts.map(({ fact }) => fact)).toContainEqual({ _tag: "ApprovalDecided", ...given })
        // What follows from the answer is another event than what followed from the question.
        const { driver } = yield* Store
        for (const round of [0, 1]) {
          const id = makeFollowUpEventId(runId, 0, round)
          expect((yield* driver.load("event", id, `event/${id}`)).version).toBe(1)
        }
        expect(yield* Effect.flip(engine.decide(runId, { decision: "approved" }))).toMatchObject({
          _tag: "RunNotAwaitingApproval",
          status: "changed"
        })
      }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": asking(told) })))
    })
  }

  it.effect("is decided by its choices alone, once, and only if it is there", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const runId = yield* ended(event("e1"))
      const refused = (decision: Parameters<typeof engine.decide>[1]) =>
        Effect.flip(engine.decide(runId, decision))
      const unknown = yield* refused({ decision: "approved", choice: "never" })
      expect(unknown).toMatchObject({ _tag: "InvalidDecision", field: "choice" })
      expect(unknown.message).toContain('offers "now", "later"')
      const long = yield* refused({ decision: "rejected", comment: "x".repeat(4_001) })
      expect(long).toMatchObject({ _tag: "InvalidDecision", field: "comment" })
      expect(yield* refused({ decision: "rejected", by: "x".repeat(257) })).toMatchObject({ field: "by" })
      const none = yield* Effect.flip(engine.decide(RunId.make("run_none"), { decision: "approved" }))
      expect(none._tag).toBe("UnknownRun")
      expect((yield* view(runId)).waitingOn?._tag).toBe("Approval")
    }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": asking([]) })))
  )

  for (const [name, approval, reason] of [
    ["no prompt", {}, "prompt"],
    ["a blank prompt", { prompt: " " }, "not blank"],
    ["a prompt that is too long", { prompt: "x".repeat(4_001) }, "4000"],
    ["no choices in its list", { prompt: "?", choices: [] }, "choices"],
    ["a choice twice", { prompt: "?", choices: ["a", "a"] }, "every choice once"],
    ["too many choices", { prompt: "?", choices: Array.from({ length: 51 }, (_, n) => `${n}`) }, "choices"]
  ] as const) {
    it.effect(`and has ${name} fails with the reason, and is decided by nobody`, () =>
      Effect.gen(function* () {
        const runId = yield* ended(event("e1"))
        const seen = yield* view(runId)
        expect(seen).toMatchObject({
          processStatus: "failed",
          effectiveStatus: "blocked",
          needsAttention: true
        })
        expect(seen.error).toContain("artifacts.approval")
        expect(seen.error).toContain(reason)
        expect(seen.waitingOn).toBeUndefined()
        const refused = yield* Effect.flip((yield* Engine).decide(runId, { decision: "approved" }))
        expect(refused._tag).toBe("RunNotAwaitingApproval")
      }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": asking([], approval) })))
    )
  }
})

it.effect("the maintenance attempt is open again while a decided run runs, and concluded by its end", () => {
  const told: Array<StepApproval | undefined> = []
  return Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const again = yield* ended({ ...event("signal"), source: signalSource })
    const asked = yield* store.list(MaintenanceAttempts, { index: "byEvent", prefix: ["signal"] })
    expect(asked.items[0]).toMatchObject({ status: "blocked", error: "asks" })
    yield* engine.decide(again, { decision: "approved" })
    const reopened = yield* store.list(MaintenanceAttempts, { index: "byEvent", prefix: ["signal"] })
    expect(["started", "changed"]).toContain(reopened.items[0]?.status ?? "")
    yield* engine.awaitRuns([again])
    const { items } = yield* store.list(MaintenanceAttempts, { index: "byEvent", prefix: ["signal"] })
    expect(items[0]).toMatchObject({
      status: "changed",
      message: "done",
      workspaceRunStatuses: { [again]: "changed" }
    })
    expect(items[0]?.error).toBeUndefined()
  }).pipe(Effect.provide(memoryEngine([flow], { "step.ts": asking(told) })))
})

it.effect(
  "an engine that claims only its own runs claims what it decides, also when it looks just before the commit",
  () => {
    // The engine looks at its queue when it starts, and finds the run still waiting for its decision.
    const slow = (driver: Driver): Driver => ({
      ...driver,
      commit: (commit) => Effect.zipRight(turns(), driver.commit(commit))
    })
    const steps = { "step.ts": asking([]) }
    return Effect.gen(function* () {
      const runId = yield* ended(event("e1")).pipe(Effect.provide(engineOver([flow], steps)))
      yield* Effect.gen(function* () {
        const engine = yield* Engine
        yield* engine.decide(runId, { decision: "approved" })
        const [run] = yield* engine.awaitRuns([runId])
        expect(run).toMatchObject({ processStatus: "completed", result: { status: "changed" } })
      }).pipe(Effect.provide(engineOver([flow], steps, { claims: "own" })))
    }).pipe(Effect.provide(layerDriver(Effect.map(DriverMemory.make, slow))))
  }
)
