import { expect, test } from "bun:test"
import { LeaseToken, makeAttemptId, RunId } from "../../src/Ids.ts"
import { type LateWriteKind, lateWritesMax } from "../../src/run/LateWrite.ts"
import type { RunFact } from "../../src/run/RunFact.ts"
import { Runs } from "../../src/run/Runs.ts"
import { given } from "../../src/testing/AggregateSpec.ts"
import { runQueued } from "../../src/testing/flows.ts"

const runId = RunId.make("run_1")
const leaseToken = LeaseToken.make("token")
const attemptId = (attemptNumber: number) => makeAttemptId(runId, attemptNumber)

/** A run whose first attempt was lost, and whose second one is under way. */
const run: ReadonlyArray<RunFact> = [
  runQueued(),
  { _tag: "AttemptStarted", attemptId: attemptId(1), attemptNumber: 1, workerId: "w", leaseToken },
  { _tag: "AttemptEnded", attemptId: attemptId(1), exit: { _tag: "Lost", reason: "gone" }, error: "lost" },
  { _tag: "RunRetryScheduled", retryAt: 1 },
  { _tag: "AttemptStarted", attemptId: attemptId(2), attemptNumber: 2, workerId: "w", leaseToken }
]

const refused = (kind: LateWriteKind, attemptNumber = 1) =>
  ({ _tag: "LateWriteRefused", attemptId: attemptId(attemptNumber), kind, reason: "taken" }) as const

const refuseAfter = (...before: ReadonlyArray<RunFact>) =>
  given(Runs, runId, ...run, ...before).when({
    _tag: "RefuseWrite",
    attemptId: attemptId(1),
    leaseToken,
    kind: "end"
  })

test("a late write is kept once of each kind and attempt", () => {
  refuseAfter().then(refused("end"))
  refuseAfter(refused("end")).thenNothing()
  refuseAfter(refused("output"), refused("end", 2)).then(refused("end"))
})

test("late writes are kept up to a number", () => {
  const before = Array.from({ length: lateWritesMax }, (_, index) => refused("end", index + 2))
  refuseAfter(...before.slice(1)).then(refused("end"))
  refuseAfter(...before).thenNothing()
  const { document } = given(Runs, runId, ...run, ...before).and(refused("end"))
  expect(document?.lateWrites).toHaveLength(lateWritesMax)
})
