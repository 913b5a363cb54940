import { DispatchDocument, Dispatches, DispatchFact } from "../../src/dispatch/Dispatches.ts"
import { EventId, MaintenanceAttemptId, RunId } from "../../src/Ids.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const dispatch = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch",
  target: "local",
  transport: "local",
  status: "dispatched",
  runIds: [RunId.make("run_1")],
  matched: 1
} as const

const queued = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch",
  transport: "workspace-http",
  workspaceBackendUrl: "http://other",
  secretEnv: "SECRET",
  maintenanceAttemptId: MaintenanceAttemptId.make("e1:dispatch:1")
} as const
const failed = { error: "no answer", httpStatus: 502 } as const
const accepted = { runIds: [RunId.make("run_1")], matched: 1, idempotent: true, httpStatus: 202 } as const

aggregateLaws({
  aggregate: Dispatches,
  fact: DispatchFact,
  document: DispatchDocument,
  key: "e1:dispatch:0",
  facts: [
    { _tag: "DispatchRecorded", ...dispatch },
    { _tag: "DispatchQueued", ...queued },
    { _tag: "DispatchTryFailed", ...failed, nextTryAt: "1970-01-01T00:00:05.000Z" },
    { _tag: "DispatchGivenUp", error: "refused" },
    { _tag: "DispatchRetried" },
    { _tag: "DispatchAccepted", ...accepted }
  ],
  commands: [
    { _tag: "Record", dispatch },
    { _tag: "Record", dispatch: { ...dispatch, status: "failed", httpStatus: 502, error: "no answer" } },
    { _tag: "Queue", dispatch: queued },
    { _tag: "FailTry", ...failed, nextTryAt: "1970-01-01T00:00:05.000Z" },
    { _tag: "GiveUp", error: "refused" },
    { _tag: "TryNow" },
    { _tag: "Accept", ...accepted }
  ]
})
