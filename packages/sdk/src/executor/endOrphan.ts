/**
 * Ends what an engine that is gone left behind, by what it recorded of it: a process group, or a unit of systemd. Shared
 * by the executors, because the next engine may be started with another one.
 */
import type { ProcessIdentity } from "@patchmoi/core/executor/Executor"
import * as Effect from "effect/Effect"
import { endLostGroup } from "./processGroup.ts"
import type { StepEnvironment } from "./StepEnvironment.ts"

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
