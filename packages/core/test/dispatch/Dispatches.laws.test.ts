import { DispatchDocument, Dispatches, DispatchFact } from "../../src/dispatch/Dispatches.ts"
import { EventId, RunId } from "../../src/Ids.ts"
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

aggregateLaws({
  aggregate: Dispatches,
  fact: DispatchFact,
  document: DispatchDocument,
  key: "e1:dispatch:0",
  facts: [{ _tag: "DispatchRecorded", ...dispatch }],
  commands: [
    { _tag: "Record", dispatch },
    { _tag: "Record", dispatch: { ...dispatch, status: "failed", httpStatus: 502, error: "no answer" } }
  ]
})
