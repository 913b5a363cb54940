/** A maintenance attempt as it is kept, listed and written to `maintenance-attempts.jsonl`. */
import * as Schema from "effect/Schema"
import { EventId, MaintenanceAttemptId, RunId } from "../Ids.ts"
import { CandidateRef, MaintenanceOperation, Upstream } from "./MaintenanceFact.ts"

export const MaintenanceStatus = Schema.Literal(
  "started",
  "completed",
  "changed",
  "needs_intervention",
  "blocked",
  "failed",
  "skipped"
)
export type MaintenanceStatus = typeof MaintenanceStatus.Type

export const MaintenanceDocument = Schema.Struct({
  id: MaintenanceAttemptId,
  eventId: EventId,
  eventType: Schema.String,
  operation: MaintenanceOperation,
  status: MaintenanceStatus,
  ...Upstream.fields,
  /** The backend that runs it, when that is another one. */
  workspaceBackendUrl: Schema.optional(Schema.String),
  /** True until that backend has accepted the event. */
  awaitsBackend: Schema.optional(Schema.Literal(true)),
  workspaceRunIds: Schema.Array(RunId),
  /** Run id → effective status, for the runs that have ended. */
  workspaceRunStatuses: Schema.Record({ key: Schema.String, value: Schema.String }),
  candidateRefs: Schema.Array(CandidateRef),
  message: Schema.optional(Schema.String),
  error: Schema.optional(Schema.String),
  replacedBy: Schema.optional(MaintenanceAttemptId),
  createdAt: Schema.String,
  updatedAt: Schema.String,
  completedAt: Schema.optional(Schema.String)
})
export interface MaintenanceDocument extends Schema.Schema.Type<typeof MaintenanceDocument> {}
