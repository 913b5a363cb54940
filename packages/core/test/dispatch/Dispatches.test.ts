import { test } from "bun:test"
import { Dispatches, type DispatchFact } from "../../src/dispatch/Dispatches.ts"
import { DispatchId, EventId } from "../../src/Ids.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const dispatch = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch" as const,
  target: "local" as const,
  transport: "local",
  status: "dispatched" as const,
  runIds: [],
  matched: 0
}
const recorded: DispatchFact = { _tag: "DispatchRecorded", ...dispatch }

test("a dispatch is recorded with its time", () => {
  given(Dispatches, "e1:dispatch:0")
    .at(1_000)
    .when({ _tag: "Record", dispatch })
    .then(recorded)
    .document({ ...dispatch, id: DispatchId.make("e1:dispatch:0"), createdAt: "1970-01-01T00:00:01.000Z" })
})

test("a dispatch that is recorded stays as it is", () => {
  given(Dispatches, "e1:dispatch:0", recorded)
    .when({ _tag: "Record", dispatch: { ...dispatch, status: "failed" } })
    .thenNothing()
    .document({ status: "dispatched" })
})
