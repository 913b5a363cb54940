/** What a step says that it achieved: the object behind the `FLOW_RESULT` marker (docs/reference/flow-result.md). */
import * as Schema from "effect/Schema"

/** What the step achieved, in its own words; apart from what became of its process. */
export const ResultStatus = Schema.Literal(
  "skipped",
  "completed",
  "changed",
  "needs_intervention",
  "blocked",
  "failed"
)
export type ResultStatus = typeof ResultStatus.Type

/** What became of the process of a run. */
export const ProcessStatus = Schema.Literal("queued", "running", "completed", "failed", "canceled")
export type ProcessStatus = typeof ProcessStatus.Type

/** Result and process status in one: what a list shows. */
export const EffectiveStatus = Schema.Literal(...ResultStatus.literals, "queued", "running", "canceled")
export type EffectiveStatus = typeof EffectiveStatus.Type

/** A result. Unknown fields are kept: a step may tell more than patchmoi reads. */
export const FlowResult = Schema.Struct(
  {
    status: ResultStatus,
    message: Schema.optional(Schema.String),
    artifacts: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
    /** Events to dispatch in the same commit as the end of the run. Each needs `type`; `id` is made if absent. */
    next: Schema.optional(Schema.Array(Schema.Unknown))
  },
  { key: Schema.String, value: Schema.Unknown }
)
export type FlowResult = typeof FlowResult.Type
