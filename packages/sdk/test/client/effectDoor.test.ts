/** `@patchmoi/sdk/effect`: the service in programs that are Effect themselves, with real steps and under a test clock. */
import { describe, expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import { singleStepFlow } from "@patchmoi/core/testing/flows"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as sdk from "../../src/effect.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { makeEchoWorkspace } from "./support.ts"

const { Engine, ExecutorMemory, Flow, FlowCatalog, FlowLocal, Store, layerLocal } = sdk

it.live("a program with Flow and layerLocal runs real steps", () =>
  Effect.gen(function* () {
    const workspace = yield* Effect.acquireRelease(
      Effect.promise(() => makeEchoWorkspace()),
      (made) => Effect.promise(async () => made[Symbol.asyncDispose]())
    )
    const program = Effect.flatMap(Flow, (flow) => flow.dispatchEvent(echoEvent("1", { status: "changed" })))
    const { runs } = yield* program.pipe(
      Effect.provide(
        layerLocal({
          workspaceRoot: workspace.root,
          state: { kind: "memory" },
          environment: { mode: "inherit", values: process.env, secrets: [] }
        })
      )
    )
    expect(runs.map(({ status }) => status)).toEqual(["changed"])
  })
)

describe("in memory, under the clock of the test", () => {
  /** A step that takes an hour, and one whose first attempt fails. */
  const steps = {
    "slow.ts": () =>
      Effect.as(
        Effect.sleep("1 hour"),
        ExecutorMemory.succeeded({ status: "changed", message: "an hour later" })
      ),
    "never.ts": () => Effect.never
  }
  const layer = FlowLocal.layer().pipe(
    Layer.provideMerge(Engine.layer({ workerId: "me" })),
    Layer.provideMerge(
      Layer.mergeAll(
        Store.layerMemory,
        ExecutorMemory.layer(steps),
        FlowCatalog.layerMemory([
          singleStepFlow("slow", "t.slow", { timeoutMillis: 7_200_000 }),
          singleStepFlow("never", "t.never", { timeoutMillis: 60_000 })
        ])
      )
    )
  )

  it.effect("a dispatch waits for the run, however long the clock says that it takes", () =>
    Effect.gen(function* () {
      const flow = yield* Flow
      const waiting = yield* Effect.fork(flow.dispatchEvent({ id: "1", type: "t.slow" }))
      const types = yield* flow.watch().pipe(
        Stream.map(({ type }) => type),
        Stream.takeUntil((type) => type === "AttemptStarted"),
        Stream.runCollect
      )
      expect([...types]).toEqual(["EventAccepted", "RunQueued", "AttemptStarted"])
      expect((yield* flow.listRuns({ status: "running" })).runs[0]?.waitingOn).toMatchObject({
        workerId: "me"
      })
      yield* TestClock.adjust("59 minutes")
      expect(yield* Fiber.poll(waiting)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 minute")
      const { runs } = yield* Fiber.join(waiting)
      expect(runs[0]).toMatchObject({
        status: "changed",
        startedAt: "1970-01-01T00:00:00.000Z",
        completedAt: "1970-01-01T01:00:00.000Z"
      })
    }).pipe(Effect.provide(layer))
  )

  it.effect("a step that does not end is a timeout, and its errors are typed", () =>
    Effect.gen(function* () {
      const flow = yield* Flow
      const waiting = yield* Effect.fork(flow.dispatchEvent({ id: "1", type: "t.never" }))
      yield* Stream.runHead(Stream.filter(flow.watch(), ({ type }) => type === "AttemptStarted"))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(waiting)).runs[0]).toMatchObject({
        processStatus: "failed",
        exit: { _tag: "Timeout", timeoutMillis: 60_000 },
        needsAttention: true
      })
      const unknown = yield* flow
        .getRun("none")
        .pipe(Effect.catchTag("UnknownRun", ({ runId }) => Effect.succeed(runId)))
      expect(String(unknown)).toBe("none")
      expect(yield* Effect.flip(flow.dispatchEvent(7))).toBeInstanceOf(sdk.InvalidEvent)
      expect(yield* Effect.flip(flow.replayEvent("none"))).toBeInstanceOf(sdk.UnknownEvent)
      expect(yield* Effect.flip(flow.getRun("none"))).toBeInstanceOf(sdk.UnknownRun)
      expect(yield* Effect.flip(flow.listRuns({ cursor: "made up" }))).toBeInstanceOf(sdk.CursorInvalid)
    }).pipe(Effect.provide(layer))
  )

  it.effect("canceling interrupts the step", () =>
    Effect.gen(function* () {
      const flow = yield* Flow
      const { runIds } = yield* flow.dispatchEvent({ id: "1", type: "t.slow" }, { wait: false })
      yield* Stream.runHead(Stream.filter(flow.watch(), ({ type }) => type === "AttemptStarted"))
      expect(yield* flow.cancelRun(runIds[0] ?? "")).toMatchObject({ run: { processStatus: "canceled" } })
    }).pipe(Effect.provide(layer))
  )
})
