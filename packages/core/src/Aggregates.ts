/** The aggregates of patchmoi, as a store needs them to rebuild its documents. A new aggregate is one line here. */
import { Cascades } from "./cascade/Cascades.ts"
import { Dispatches } from "./dispatch/Dispatches.ts"
import { Events } from "./event/Events.ts"
import { Limits } from "./limit/Limits.ts"
import { MaintenanceAttempts } from "./maintenance/MaintenanceAttempts.ts"
import { PatchStacks } from "./patchStack/PatchStacks.ts"
import { Runs } from "./run/Runs.ts"
import { Sources } from "./source/Sources.ts"
import type { AnyAggregate } from "./store/Aggregate.ts"

/** Every aggregate whose facts may stand in a log. */
export const aggregates: ReadonlyArray<AnyAggregate> = [
  Events,
  Runs,
  MaintenanceAttempts,
  Dispatches,
  Sources,
  Limits,
  Cascades,
  PatchStacks
]
