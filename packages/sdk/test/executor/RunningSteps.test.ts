/** What a program that leaves without a stop ends: the steps that run, and nobody else. */
import { expect } from "bun:test"
import type { Executor } from "@patchmoi/core/executor/Executor"
import { succeeded } from "@patchmoi/core/executor/ExecutorMemory"
import { awaitGone, makeInvocation } from "@patchmoi/core/testing/ExecutorContractRun"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { make } from "../../src/executor/BunExecutor.ts"
import { identifyProcess } from "../../src/executor/processGroup.ts"
import { RunningSteps, watchedBy } from "../../src/executor/RunningSteps.ts"
import { makeStepFolder } from "./stepFolder.ts"

const folder = makeStepFolder()
const values = { PATH: process.env["PATH"] }

it.live(
  "a step that runs is ended at once, although it ignores SIGTERM, and whoever watches its start is told",
  () =>
    Effect.gen(function* () {
      const steps = new RunningSteps()
      const executor = watchedBy(
        steps,
        values
      )(yield* make({ environment: { mode: "inherit", values, secrets: [] } }))
      const step = yield* Effect.promise(() =>
        folder.write('process.on("SIGTERM", () => {})\nconsole.log("ready")\nawait Bun.sleep(60_000)')
      )
      const ready = yield* Deferred.make<void>()
      const pids: Array<number> = []
      const running = yield* Effect.fork(
        executor.execute(makeInvocation(step), {
          onStarted: ({ pid }) => Effect.sync(() => void pids.push(pid)),
          onOutput: () => Effect.asVoid(Deferred.succeed(ready, undefined))
        })
      )
      yield* Deferred.await(ready)
      steps.kill()
      expect((yield* Fiber.join(running)).exit).toEqual({ _tag: "Signal", signal: "SIGKILL" })
      expect(pids).toHaveLength(1)
      yield* awaitGone(pids)
    })
)

it.live("a step that has ended is forgotten: its number may be somebody else's by then", () =>
  Effect.gen(function* () {
    const steps = new RunningSteps()
    const somebody = yield* Effect.acquireRelease(
      Effect.sync(() => Bun.spawn(["sleep", "60"], { detached: true })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const ended: Executor["Type"] = {
      runners: ["bun"],
      execute: (_invocation, { onStarted }) =>
        Effect.gen(function* () {
          yield* onStarted?.(yield* identifyProcess(somebody.pid)) ?? Effect.void
          return succeeded({ status: "completed" })
        })
    }
    const execute = watchedBy(steps, values)(ended).execute
    yield* execute(makeInvocation({ script: "", cwd: "" }), { onOutput: () => Effect.void })
    steps.kill()
    // Had it got SIGKILL before, that is what it would end by.
    somebody.kill("SIGTERM")
    yield* Effect.promise(() => somebody.exited)
    expect(somebody.signalCode).toBe("SIGTERM")
  })
)
