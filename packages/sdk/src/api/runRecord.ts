/**
 * A run on the wire. It has the fields of the view, but for two that clients of the field read in their own way:
 *
 * 1. `status` is what became of the process (`processStatus`); the status that counts is `effectiveStatus`.
 * 2. `result` is there exactly when the effective status is the one that the step said. A reader that derives the
 *    effective status as `result.status`, else `status`, so comes to the same one. The whole result is `resultPayload`.
 */
import { FlowResult, ProcessStatus } from "@patchmoi/core/flow/FlowResult"
import { RunView } from "@patchmoi/core/run/RunView"
import * as Schema from "effect/Schema"

/** A run as the server gives it. */
export const RunRecord = Schema.Struct({
  ...RunView.fields,
  /** The same as `processStatus`. */
  status: ProcessStatus,
  result: Schema.optional(FlowResult)
}).annotations({ identifier: "Run" })
export interface RunRecord extends Schema.Schema.Type<typeof RunRecord> {}

/** The record of a view. */
export const toRunRecord = (view: RunView): RunRecord => {
  const { resultPayload: result } = view
  const record = { ...view, status: view.processStatus }
  return result !== undefined && result.status === view.effectiveStatus ? { ...record, result } : record
}

/** The view of a record. */
export const fromRunRecord = ({ result, ...record }: RunRecord): RunView => ({
  ...record,
  status: record.effectiveStatus
})
