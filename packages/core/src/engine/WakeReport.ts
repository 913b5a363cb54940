/** What runs wait for, as a report: kept apart from the look itself, as clients read it too. */
import * as Schema from "effect/Schema"
import { ProcessStatus } from "../flow/FlowResult.ts"
import { RunId } from "../Ids.ts"

/** How many runs a report names at most. */
export const wakeRunsMax = 500

/** What a run waits for. */
export const WakeSource = Schema.Union(
  Schema.TaggedStruct("Slot", {}),
  /** `until` is ISO 8601; absent where the leases of the worker cannot be seen from here. */
  Schema.TaggedStruct("Lease", { workerId: Schema.String, until: Schema.optional(Schema.String) }),
  /** ISO 8601, UTC. */
  Schema.TaggedStruct("Time", { at: Schema.String }),
  Schema.TaggedStruct("Approval", { prompt: Schema.String }),
  Schema.TaggedStruct("Stuck", { reason: Schema.String })
)
export type WakeSource = typeof WakeSource.Type

/** A run that has not ended, or that waits for a decision, with what it waits for. */
export const RunWake = Schema.Struct({
  runId: RunId,
  flowName: Schema.String,
  stepName: Schema.String,
  processStatus: ProcessStatus,
  wake: WakeSource
})
export interface RunWake extends Schema.Schema.Type<typeof RunWake> {}

/** What the runs wait for. */
export const WakeReport = Schema.Struct({
  /**
   * Whether the leases of all workers could be seen. Where they could not, as beside the process that writes a record in files,
   * a run whose worker is gone counts as one that waits for its worker.
   */
  leasesVisible: Schema.optionalWith(Schema.Boolean, { default: () => true }),
  /** How many runs wait for each kind of thing. */
  counts: Schema.Struct({
    Slot: Schema.Int,
    Lease: Schema.Int,
    Time: Schema.Int,
    Approval: Schema.Int,
    Stuck: Schema.Int
  }),
  /** The stuck runs, oldest first; every run when all were asked for. {@link wakeRunsMax} at most. */
  runs: Schema.Array(RunWake)
})
export interface WakeReport extends Schema.Schema.Type<typeof WakeReport> {}
