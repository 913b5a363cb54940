/**
 * Ends what an engine that is gone left behind, by what it recorded of it: a process group, or a unit of systemd. Shared
 * by the executors, because the next engine may be started with another one.
 */
import type { ProcessIdentity } from "@patchmoi/core/executor/Executor"
import type { AttemptId } from "@patchmoi/core/Ids"
import * as Effect from "effect/Effect"
import { endGroup, endLostGroup, listGroupsWith } from "./processGroup.ts"
import { attemptVariables, type StepEnvironment } from "./StepEnvironment.ts"

/** Does nothing for what has ended, and for a number that belongs to another process by now. */
export const endOrphan = Effect.fnUntraced(function* (
  identity: ProcessIdentity,
  values: StepEnvironment["values"],
  graceMillis: number
) {
  const { unit } = identity
  if (unit !== undefined) {
    // Loaded when there is one: most machines never have.
    const { endUnit } = yield* Effect.promise(() => import("./SystemdUnit.ts"))
    yield* endUnit(values, unit, graceMillis)
  }
  yield* endLostGroup(identity, graceMillis)
})

/**
 * Ends what an engine started for an attempt and did not live to record. Such a process is known by its environment, which
 * names the attempt and the engine from its first moment on. The attempt alone would not do: another record of the same
 * event has an attempt of the same id.
 */
export const endUnrecorded = Effect.fnUntraced(function* (
  attemptId: AttemptId,
  workerId: string,
  graceMillis: number
) {
  const groups = listGroupsWith(attemptVariables(attemptId, workerId))
  yield* Effect.forEach(groups, (groupId) => endGroup(groupId, graceMillis), {
    concurrency: "unbounded",
    discard: true
  })
})
