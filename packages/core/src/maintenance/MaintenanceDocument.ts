/** A maintenance attempt as it is kept, listed and written to `maintenance-attempts.jsonl`. */
import * as Schema from "effect/Schema"
import { EventId, MaintenanceAttemptId, RunId } from "../Ids.ts"
import { CandidateRef, MaintenanceOperation, Upstream } from "./MaintenanceFact.ts"

/**
 * How an attempt stands: `started` until all its runs have ended, then what follows from them (`conclusionOf`). `skipped` is
 * also one that no step matched, and one that was replaced while it was `started`.
 */
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

/** One attempt to carry the patches over an upstream movement: its event, its runs, and the refs that they produced. */
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
  /** Of all its runs, each ref once. */
  candidateRefs: Schema.Array(CandidateRef),
  /** What the last run to say something said; or why no step matched, or what replaced the attempt. */
  message: Schema.optional(Schema.String),
  /** What the last run with an error said; or why the other backend did not take the event. */
  error: Schema.optional(Schema.String),
  /** The later attempt that took its place. */
  replacedBy: Schema.optional(MaintenanceAttemptId),
  /** When it was opened, and when something last happened to it; ISO 8601, UTC. */
  createdAt: Schema.String,
  updatedAt: Schema.String,
  /** ISO 8601, UTC; absent while it is `started`. */
  completedAt: Schema.optional(Schema.String)
})
export interface MaintenanceDocument extends Schema.Schema.Type<typeof MaintenanceDocument> {}
