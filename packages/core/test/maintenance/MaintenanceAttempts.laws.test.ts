import { EventId, MaintenanceAttemptId, RunId } from "../../src/Ids.ts"
import { MaintenanceAttempts } from "../../src/maintenance/MaintenanceAttempts.ts"
import { MaintenanceDocument } from "../../src/maintenance/MaintenanceDocument.ts"
import { MaintenanceFact } from "../../src/maintenance/MaintenanceFact.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const [first, second] = [RunId.make("run_1"), RunId.make("run_2")]
const by = MaintenanceAttemptId.make("e1:replay:2")
const opening = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch",
  upstream: { upstreamTag: "v1" },
  runIds: [first, second]
} as const
const end = { candidateRefs: [{ kind: "ref", ref: "a" }], message: "m" } as const

aggregateLaws({
  aggregate: MaintenanceAttempts,
  fact: MaintenanceFact,
  document: MaintenanceDocument,
  key: "e1:dispatch:1",
  facts: [
    { _tag: "MaintenanceOpened", ...opening },
    { _tag: "MaintenanceRunEnded", runId: first, status: "changed", ...end },
    { _tag: "MaintenanceRunEnded", runId: second, status: "failed", ...end },
    { _tag: "MaintenanceRunsKnown", runIds: [first] },
    { _tag: "MaintenanceNotDispatched", error: "refused" },
    { _tag: "MaintenanceReplaced", by }
  ],
  commands: [
    { _tag: "Open", ...opening },
    { _tag: "RecordRunEnd", runId: first, status: "changed", ...end },
    { _tag: "RecordRunEnd", runId: second, status: "skipped", ...end },
    { _tag: "Open", ...opening, runIds: [], workspaceBackendUrl: "http://other" },
    { _tag: "RecordNotDispatched", error: "refused" },
    { _tag: "RecordRuns", runIds: [first] },
    { _tag: "Replace", by }
  ]
})
