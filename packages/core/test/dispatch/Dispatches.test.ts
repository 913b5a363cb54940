import { test } from "bun:test"
import { Dispatches, type DispatchFact } from "../../src/dispatch/Dispatches.ts"
import { DispatchId, EventId, RunId } from "../../src/Ids.ts"
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

const queue = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch",
  transport: "workspace-http",
  workspaceBackendUrl: "http://other"
} as const
const queued: DispatchFact = { _tag: "DispatchQueued", ...queue }
const failed = { error: "no answer", httpStatus: 502, nextTryAt: "1970-01-01T00:01:00.000Z" } as const
const tryFailed: DispatchFact = { _tag: "DispatchTryFailed", ...failed }
const accepted = { runIds: [RunId.make("run_1")], matched: 1, httpStatus: 202 } as const

test("a dispatch to another backend is pending until it is accepted, and shows its failed tries", () => {
  given(Dispatches, "e1:dispatch:0")
    .when({ _tag: "Queue", dispatch: queue })
    .then(queued)
    .document({ status: "pending", target: "workspace-backend", runIds: [], matched: 0 })
  given(Dispatches, "e1:dispatch:0", queued, tryFailed)
    .when({ _tag: "FailTry", ...failed })
    .then(tryFailed)
    .document({
      status: "pending",
      failedTries: 2,
      error: "no answer",
      httpStatus: 502,
      nextTryAt: "1970-01-01T00:01:00.000Z"
    })
  given(Dispatches, "e1:dispatch:0", queued, tryFailed)
    .when({ _tag: "Accept", ...accepted })
    .then({ _tag: "DispatchAccepted", ...accepted })
    .document({ status: "dispatched", failedTries: 1, httpStatus: 202, matched: 1 })
})

test("what was accepted stays accepted; what was given up may be tried again", () => {
  const done: DispatchFact = { _tag: "DispatchAccepted", ...accepted }
  for (const command of [
    { _tag: "FailTry", ...failed },
    { _tag: "GiveUp", error: "late" },
    { _tag: "Accept", ...accepted },
    { _tag: "TryNow" }
  ] as const) {
    given(Dispatches, "e1:dispatch:0", queued, done)
      .when(command)
      .thenNothing()
      .document({ status: "dispatched" })
  }
  const givenUp: DispatchFact = { _tag: "DispatchGivenUp", error: "refused", httpStatus: 400 }
  given(Dispatches, "e1:dispatch:0", queued)
    .when({ _tag: "GiveUp", error: "refused", httpStatus: 400 })
    .then(givenUp)
    .document({ status: "failed", error: "refused" })
  given(Dispatches, "e1:dispatch:0", queued, givenUp)
    .when({ _tag: "TryNow", by: "http:token:alice" })
    .then({ _tag: "DispatchRetried", by: "http:token:alice" })
    .document({ status: "pending", error: "refused", failedTries: 1 })
  // One that is due is due already; one of this machine has nowhere to go.
  given(Dispatches, "e1:dispatch:0", queued).when({ _tag: "TryNow" }).thenNothing()
  given(Dispatches, "e1:dispatch:0", recorded).when({ _tag: "TryNow" }).thenNothing()
})
