/** Lists of runs by status and by need of attention: the right runs, without reading the others. */
import { expect } from "bun:test"
import type { AttemptOutcome } from "@patchmoi/core/executor/Executor"
import type { Driver } from "@patchmoi/core/store/Driver"
import * as DriverMemory from "@patchmoi/core/store/DriverMemory"
import { it } from "@patchmoi/core/testing/effectTest"
import { singleStepFlow } from "@patchmoi/core/testing/flows"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine, ExecutorMemory, Flow, FlowCatalog, FlowLocal, Store } from "../../src/effect.ts"
import type { ListRunsOptions } from "../../src/index.ts"

/** A process that failed after it printed that it is blocked: its process status is not the one that counts. */
const blockedThenFailed: AttemptOutcome = {
  exit: { _tag: "ExitCode", code: 1 },
  result: { status: "blocked" },
  error: "exited with code 1"
}

/** Flow name → how its only step ends. The last two do not end: one runs, and one waits for it. */
const steps: Readonly<Record<string, Effect.Effect<AttemptOutcome>>> = {
  completed: Effect.succeed(ExecutorMemory.succeeded({ status: "completed" })),
  changed: Effect.succeed(ExecutorMemory.succeeded({ status: "changed" })),
  skipped: Effect.succeed(ExecutorMemory.succeeded({ status: "skipped" })),
  blocked: Effect.succeed(ExecutorMemory.succeeded({ status: "blocked" })),
  needsIntervention: Effect.succeed(ExecutorMemory.succeeded({ status: "needs_intervention" })),
  saidFailed: Effect.succeed(ExecutorMemory.succeeded({ status: "failed" })),
  exited: Effect.succeed(ExecutorMemory.exited(1)),
  blockedThenFailed: Effect.succeed(blockedThenFailed),
  running: Effect.never,
  queued: Effect.never
}
/** The indexes that only the scheduler lists. */
const queues = ["ready", "retry"]

const names = Object.keys(steps)
const processCompleted = ["saidFailed", "needsIntervention", "blocked", "skipped", "changed", "completed"]
const attention = ["blockedThenFailed", "exited", "saidFailed", "needsIntervention", "blocked"]

/** Each filter with the flows of the runs that fit, newest first, and how many documents may be read for them. */
const table: ReadonlyArray<readonly [ListRunsOptions, ReadonlyArray<string>, read: number]> = [
  [{}, names.toReversed(), 10],
  [{ status: "queued" }, ["queued"], 1],
  [{ status: "running" }, ["running"], 1],
  [{ status: "completed" }, processCompleted, 6],
  [{ status: "canceled" }, [], 0],
  [{ status: "changed" }, ["changed"], 1],
  [{ status: "skipped" }, ["skipped"], 1],
  [{ status: "blocked" }, ["blockedThenFailed", "blocked"], 2],
  [{ status: "needs_intervention" }, ["needsIntervention"], 1],
  [{ status: "failed" }, ["blockedThenFailed", "exited", "saidFailed"], 5],
  [{ needsAttention: true }, attention, 5],
  [{ needsAttention: true, status: "completed" }, ["saidFailed", "needsIntervention", "blocked"], 5],
  [{ needsAttention: false, status: "completed" }, ["skipped", "changed", "completed"], 6],
  [{ flowName: "exited", status: "changed" }, [], 1],
  [{ eventId: "exited", needsAttention: true }, ["exited"], 1]
]

it.effect("a list reads the documents of its status, not all of them", () =>
  Effect.gen(function* () {
    const listed: Array<string> = []
    const counting = (driver: Driver): Driver => ({
      ...driver,
      list: (query) =>
        Effect.tap(driver.list(query), (documents) =>
          Effect.sync(() => {
            // The scheduler looks at its queues whenever it likes.
            if (!queues.includes(query.index)) listed.push(...documents.map(({ key }) => key))
          })
        )
    })
    const layer = FlowLocal.layer().pipe(
      Layer.provideMerge(Engine.layer({ concurrency: 1 })),
      Layer.provide(Store.layerDriver(Effect.map(DriverMemory.make, counting))),
      Layer.provide(
        ExecutorMemory.layer(
          Object.fromEntries(Object.entries(steps).map(([name, step]) => [`${name}.ts`, () => step]))
        )
      ),
      Layer.provide(FlowCatalog.layerMemory(names.map((name) => singleStepFlow(name, `t.${name}`))))
    )
    yield* Effect.gen(function* () {
      const flow = yield* Flow
      for (const name of names) {
        const wait = name !== "running" && name !== "queued"
        const { runIds } = yield* flow.dispatchEvent({ id: name, type: `t.${name}` }, { wait })
        if (name !== "running") continue
        yield* Stream.runHead(
          Stream.filter(flow.watch(), ({ type, id }) => type === "AttemptStarted" && id === runIds[0])
        )
      }
      for (const [filter, expected, read] of table) {
        listed.length = 0
        const { runs } = yield* flow.listRuns(filter)
        expect({ filter, flows: runs.map(({ flowName }) => flowName), read: listed.length }).toEqual({
          filter,
          flows: [...expected],
          read
        })
      }
      // Closing would wait for them on the clock of the test, which stands still.
      for (const status of ["queued", "running"]) {
        const { runs } = yield* flow.listRuns({ status })
        yield* flow.cancelRun(runs[0]?.id ?? "")
      }
      const canceled = yield* flow.listRuns({ status: "canceled" })
      expect(canceled.runs.map(({ flowName }) => flowName)).toEqual(["queued", "running"])
    }).pipe(Effect.provide(layer))
  })
)
