/** How the filters of a list become an index of the store and what is looked at after it. */
import type { DispatchDocument } from "@patchmoi/core/dispatch/Dispatches"
import type { EventDocument } from "@patchmoi/core/event/EventDocument"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { effectiveStatusOf, needsAttention } from "@patchmoi/core/run/RunView"
import type { ListOptions } from "@patchmoi/core/store/Store"
import type {
  ListEventsOptions,
  ListMaintenanceAttemptsOptions,
  ListRunsOptions,
  PageOptions,
  TimeOptions
} from "./Flow.ts"

/** Events: by type or by source, the other one looked at. */
export const eventsBy = (filter: ListEventsOptions): ListOptions<EventDocument> => {
  const { type, source } = filter
  const index =
    type !== undefined
      ? { index: "byType", prefix: [type] }
      : source !== undefined
        ? { index: "bySource", prefix: [source] }
        : {}
  const where = ({ event, createdAt }: EventDocument): boolean =>
    (type === undefined || event.type === type) &&
    (source === undefined || event.source === source) &&
    isWithin(filter, createdAt)
  return { ...index, ...pageOf(filter), where }
}

/** Runs: an index with every run that fits, and few others; what it leaves is looked at one by one. */
export const runsBy = (filter: ListRunsOptions): ListOptions<RunDocument> => ({
  ...runIndexOf(filter),
  ...pageOf(filter),
  where: (run) =>
    (filter.flowName === undefined || run.flowName === filter.flowName) &&
    (filter.type === undefined || run.eventType === filter.type) &&
    (filter.status === undefined ||
      run.processStatus === filter.status ||
      effectiveStatusOf(run) === filter.status) &&
    (filter.needsAttention === undefined || needsAttention(run) === filter.needsAttention) &&
    isWithin(filter, run.createdAt)
})

/** Maintenance attempts and dispatches: by event or by status, the other looked at. */
export const attemptsBy = (
  filter: ListMaintenanceAttemptsOptions
): ListOptions<MaintenanceDocument | DispatchDocument> => {
  const { eventId, status, type } = filter
  const index =
    eventId !== undefined
      ? { index: "byEvent", prefix: [eventId] }
      : status !== undefined
        ? { index: "byStatus", prefix: [status] }
        : {}
  const where = (document: MaintenanceDocument | DispatchDocument): boolean =>
    (status === undefined || document.status === status) &&
    (type === undefined || document.eventType === type) &&
    isWithin(filter, document.createdAt)
  return { ...index, ...pageOf(filter), where }
}

// --- internal ---

const pageOf = ({ limit, cursor }: PageOptions): PageOptions => ({
  ...(limit === undefined ? {} : { limit }),
  ...(cursor === undefined ? {} : { cursor })
})

const isWithin = ({ since, until }: TimeOptions, createdAt: string): boolean => {
  if (since === undefined && until === undefined) return true
  const at = Date.parse(createdAt)
  return (since === undefined || at >= since) && (until === undefined || at < until)
}

const runIndexOf = ({
  eventId,
  flowName,
  needsAttention,
  status
}: ListRunsOptions): { readonly index: string; readonly prefix?: ReadonlyArray<string> } => {
  if (eventId !== undefined) return { index: "byEvent", prefix: [eventId] }
  if (flowName !== undefined) return { index: "byFlow", prefix: [flowName] }
  if (needsAttention === true) return { index: "attention" }
  switch (status) {
    case undefined:
      return { index: "all" }
    // Whatever the step said, a run of this status has it as the status of its process.
    case "queued":
    case "running":
    case "completed":
    case "canceled":
      return { index: "byStatus", prefix: [status] }
    // A process that failed may ask for a person, and a step whose process completed may have failed: all need attention.
    case "failed":
      return { index: "attention" }
    default:
      return { index: "byEffectiveStatus", prefix: [status] }
  }
}
