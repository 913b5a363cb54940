import { EventDocument } from "../../src/event/EventDocument.ts"
import { EventFact } from "../../src/event/EventFact.ts"
import { Events } from "../../src/event/Events.ts"
import { EventId, MaintenanceAttemptId, RunId } from "../../src/Ids.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const event = { id: EventId.make("e1"), type: "t", receivedAt: "1970-01-01T00:00:00.000Z", payload: null }
const runIds = [RunId.make("run_1")]
const maintenanceAttemptId = MaintenanceAttemptId.make("e1:replay:1")
const accept = { _tag: "Accept", event, runIds, depth: 0 } as const

aggregateLaws({
  aggregate: Events,
  fact: EventFact,
  document: EventDocument,
  key: "e1",
  facts: [
    { _tag: "EventAccepted", event, contentDigest: "a", runIds, depth: 0 },
    { _tag: "EventDuplicateDiffered", type: "t", contentDigest: "b" },
    { _tag: "EventReplayed", generation: 1, runIds },
    { _tag: "EventReplayed", generation: 2, runIds, maintenanceAttemptId },
    {
      _tag: "EventCompacted",
      event: { id: event.id, type: "t", receivedAt: event.receivedAt },
      contentDigest: "a",
      differingDuplicates: [{ at: event.receivedAt, type: "t", contentDigest: "b" }],
      runIds,
      generation: 2,
      depth: 0,
      createdAt: event.receivedAt
    }
  ],
  commands: [
    { ...accept, contentDigest: "a" },
    { ...accept, contentDigest: "b" },
    { _tag: "Replay", generation: 1, runIds },
    { _tag: "Replay", generation: 2, runIds, maintenanceAttemptId },
    { _tag: "Compact" }
  ]
})
