import { expect, test } from "bun:test"
import { LeaseToken, makeAttemptId, RunId } from "../../src/Ids.ts"
import { commentLengthMax, decidedByLengthMax } from "../../src/run/Approval.ts"
import type { RunFact } from "../../src/run/RunFact.ts"
import { Runs } from "../../src/run/Runs.ts"
import { given } from "../../src/testing/AggregateSpec.ts"
import { runQueued } from "../../src/testing/flows.ts"

const runId = RunId.make("run_1")

/** A run that asks whether to go on. */
const asking: ReadonlyArray<RunFact> = [
  runQueued(),
  {
    _tag: "AttemptStarted",
    attemptId: makeAttemptId(runId, 1),
    attemptNumber: 1,
    workerId: "w",
    leaseToken: LeaseToken.make("token")
  },
  {
    _tag: "RunEnded",
    processStatus: "completed",
    exit: { _tag: "ExitCode", code: 0 },
    result: { status: "blocked", artifacts: { approval: { prompt: "Go on?", choices: ["yes", "no"] } } },
    retriesUsedUp: false
  }
]

const decideWith = (decision: object) =>
  given(Runs, runId, ...asking).when({ _tag: "DecideApproval", decision: "approved", ...decision })

test("a decision has an answer that is on offer, a name and a comment up to their longest, or none of them", () => {
  const said = { choice: "yes", by: "b".repeat(decidedByLengthMax), comment: "c".repeat(commentLengthMax) }
  decideWith(said).then({ _tag: "ApprovalDecided", decision: "approved", ...said })
  decideWith({}).then({ _tag: "ApprovalDecided", decision: "approved" })
})

test("a decision with anything longer, or with another answer, is refused", () => {
  for (const wrong of [
    { choice: "perhaps" },
    { by: "b".repeat(decidedByLengthMax + 1) },
    { comment: "c".repeat(commentLengthMax + 1) }
  ]) {
    decideWith(wrong).thenRejected("InvalidDecision")
  }
})

test("a request to cancel what ended with the question is over: the decision queues a run that nobody canceled", () => {
  const [queued, started, ended] = asking
  if (queued === undefined || started === undefined || ended === undefined) throw new Error("three facts")
  const canceled = { _tag: "RunCancelRequested", by: "ann", reason: "a slip" } as const
  const { document } = given(Runs, runId, queued, started, canceled, ended, {
    _tag: "ApprovalDecided",
    decision: "approved"
  })
  expect(document).toMatchObject({ processStatus: "queued", cancelRequested: false })
  expect(document).not.toHaveProperty("cancelRequestedBy")
  expect(document).not.toHaveProperty("cancelReason")
})
