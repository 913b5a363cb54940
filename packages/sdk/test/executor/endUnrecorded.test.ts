/** A step that was started and not recorded, as its engine died in between: found by its environment, and nobody else's. */
import { expect, test } from "bun:test"
import { AttemptId } from "@patchmoi/core/Ids"
import * as Effect from "effect/Effect"
import { make } from "../../src/executor/BunExecutor.ts"

const attemptId = AttemptId.make("attempt_00000000000000000000000000000001")
const workerId = "engine-1"

/** A process that leads its own group, as a step does. */
const start = (variables: Readonly<Record<string, string>>) =>
  Bun.spawn(["/bin/sh", "-c", "sleep 60 & wait"], {
    detached: true,
    env: { PATH: "/usr/bin:/bin", ...variables }
  })

test("what names the attempt and its engine is ended with its group, and nothing else", async () => {
  const executor = await Effect.runPromise(
    make({ environment: { mode: "service", values: {}, secrets: [] }, killGrace: "10 seconds" })
  )
  const own = { CODEX_FLOW_ATTEMPT_ID: attemptId, CODEX_FLOW_WORKER_ID: workerId }
  const left = start(own)
  const others = [
    // The same event in another record, which another engine works on.
    start({ ...own, CODEX_FLOW_WORKER_ID: "engine-2" }),
    start({ ...own, CODEX_FLOW_ATTEMPT_ID: `${attemptId}0` }),
    start({ ...own, CODEX_FLOW_ATTEMPT_ID: "", OTHER: `CODEX_FLOW_ATTEMPT_ID=${attemptId}` }),
    start({})
  ]
  try {
    await Effect.runPromise(executor.endUnrecorded?.(attemptId, workerId) ?? Effect.dieMessage("it cannot"))
    await left.exited
    expect(left.signalCode).toBe("SIGTERM")
    expect(others.map(({ exitCode, signalCode }) => [exitCode, signalCode])).toEqual(
      others.map(() => [null, null])
    )
    // Nothing is left, and there is no harm in asking.
    await Effect.runPromise(executor.endUnrecorded?.(attemptId, workerId) ?? Effect.void)
  } finally {
    for (const { pid } of [left, ...others]) {
      try {
        process.kill(-pid, "SIGKILL")
      } catch {
        // It has ended.
      }
    }
  }
})
