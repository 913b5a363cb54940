import { describe, expect, test } from "bun:test"
import type { AttemptOutcome } from "../../src/executor/Executor.ts"
import { EventId, LeaseToken, makeAttemptId, makeRunId } from "../../src/Ids.ts"
import type { RunCommand } from "../../src/run/RunCommand.ts"
import type { RunFact } from "../../src/run/RunFact.ts"
import { Runs } from "../../src/run/Runs.ts"
import { backoffMillisMax } from "../../src/run/retry.ts"
import { given } from "../../src/testing/AggregateSpec.ts"
import { stepPlan } from "../../src/testing/flows.ts"

const eventId = EventId.make("e1")
const runId = makeRunId({ eventId, flowName: "flow", stepName: "step", generation: 0 })
const token = LeaseToken.make("token")
const attemptId = makeAttemptId(runId, 1)

const runQueued = (retry = { maxAttempts: 3, backoffMillis: 1_000, on: ["failed" as const] }) => ({
  eventId,
  eventType: "thing.happened",
  flowName: "flow",
  flowVersion: 1,
  flowRoot: "/flows/flow",
  stepName: "step",
  generation: 0,
  plan: stepPlan("step.ts", { retry }),
  depth: 0
})
const queued: RunFact = { _tag: "RunQueued", ...runQueued() }
const started = (attemptNumber = 1): RunFact => ({
  _tag: "AttemptStarted",
  attemptId: makeAttemptId(runId, attemptNumber),
  attemptNumber,
  workerId: "worker",
  leaseToken: token
})
const process = { pid: 7, startTicks: 9 }
const good: AttemptOutcome = { exit: { _tag: "ExitCode", code: 0 }, result: { status: "changed" } }
const bad: AttemptOutcome = { exit: { _tag: "ExitCode", code: 1 }, error: "exited with code 1" }
const lost: AttemptOutcome = { exit: { _tag: "Lost", reason: "gone" }, error: "lost" }
const failedAttempt = (attemptNumber: number): RunFact => ({
  _tag: "AttemptEnded",
  attemptId: makeAttemptId(runId, attemptNumber),
  exit: bad.exit,
  error: "exited with code 1"
})
const ended: RunFact = { _tag: "RunEnded", processStatus: "completed", ...good, retriesUsedUp: false }
const endWith = (
  outcome: AttemptOutcome,
  more: Partial<Extract<RunCommand, { _tag: "EndAttempt" }>> = {}
): RunCommand => ({
  _tag: "EndAttempt",
  attemptId,
  leaseToken: token,
  outcome,
  now: 5_000,
  jitter: 0,
  ...more
})

describe("queue", () => {
  test("a new run waits for a slot; a second queueing changes nothing", () => {
    given(Runs, runId)
      .when({ _tag: "Queue", run: runQueued() })
      .then(queued)
      .document({ id: runId, processStatus: "queued", attempts: [], retriesUsedUp: false })
    given(Runs, runId, queued).when({ _tag: "Queue", run: runQueued() }).thenNothing()
  })
})

describe("start an attempt", () => {
  const start: RunCommand = { _tag: "StartAttempt", workerId: "worker", leaseToken: token, now: 4_000 }

  test("of a queued run leases it", () => {
    given(Runs, runId, queued).when(start).then(started()).document({ processStatus: "running" })
  })

  test("of a run whose retry is due counts on and forgets the wait", () => {
    const { document } = given(
      Runs,
      runId,
      queued,
      started(),
      failedAttempt(1),
      { _tag: "RunRetryScheduled", retryAt: 4_000 },
      started(2)
    )
    expect(document).toMatchObject({ processStatus: "running" })
    expect(document?.retryAt).toBeUndefined()
    expect(document?.attempts.map(({ status }) => status)).toEqual(["failed", "running"])
  })

  test("is refused before a retry is due, while another is under way, after the end, and for no run", () => {
    const waiting: RunFact = { _tag: "RunRetryScheduled", retryAt: 4_001 }
    given(Runs, runId, queued, started(), failedAttempt(1), waiting).when(start).thenRejected("RunNotReady")
    given(Runs, runId, queued, started()).when(start).thenRejected("RunNotReady")
    given(Runs, runId, queued, started(), ended).when(start).thenRejected("RunNotReady")
    given(Runs, runId).when(start).thenRejected("UnknownRun")
  })
})

describe("record the process", () => {
  const record: RunCommand = { _tag: "RecordProcess", attemptId, leaseToken: token, process }

  test("by the holder of the lease", () => {
    given(Runs, runId, queued, started())
      .when(record)
      .then({ _tag: "AttemptSpawned", attemptId, process })
      .document({ attempts: [expect.objectContaining({ process })] })
  })

  test("is refused to anybody else", () => {
    const stranger = LeaseToken.make("guess")
    given(Runs, runId, queued, started())
      .when({ ...record, leaseToken: stranger })
      .thenRejected("LeaseLost")
    given(Runs, runId, queued).when(record).thenRejected("LeaseLost")
    given(Runs, runId).when(record).thenRejected("UnknownRun")
  })
})

describe("end an attempt", () => {
  const running = given(Runs, runId, queued, started())
  const over = (outcome: AttemptOutcome): RunFact => ({ _tag: "AttemptEnded", attemptId, ...outcome })

  test("that succeeded completes the run", () => {
    running
      .when(endWith(good))
      .then(over(good), ended)
      .document({ processStatus: "completed", result: { status: "changed" }, retriesUsedUp: false })
  })

  test("tells its process first, where no fact has told it", () => {
    const spawned: RunFact = { _tag: "AttemptSpawned", attemptId, process }
    running.when(endWith(good, { process })).then(spawned, over(good), ended)
    given(Runs, runId, queued, started(), spawned).when(endWith(good, { process })).then(over(good), ended)
    running.when(endWith(lost, { process })).then(spawned, over(lost), {
      _tag: "RunEnded",
      processStatus: "failed",
      exit: lost.exit,
      error: "lost",
      retriesUsedUp: false
    })
  })

  test("that failed schedules the next one, at exponential times spread by at most a half", () => {
    running
      .when(endWith(bad))
      .then(over(bad), { _tag: "RunRetryScheduled", retryAt: 6_000 })
      .document({ processStatus: "queued", retryAt: 6_000 })
    running.when(endWith(bad, { jitter: 1 })).then(over(bad), { _tag: "RunRetryScheduled", retryAt: 6_500 })
    given(
      Runs,
      runId,
      queued,
      started(),
      failedAttempt(1),
      { _tag: "RunRetryScheduled", retryAt: 0 },
      started(2)
    )
      .when(endWith(bad, { attemptId: makeAttemptId(runId, 2) }))
      .then(failedAttempt(2), { _tag: "RunRetryScheduled", retryAt: 7_000 })
  })

  test("never waits longer than the limit, jitter included", () => {
    const patient = { maxAttempts: 100, backoffMillis: 3_600_000, on: ["failed" as const] }
    given(Runs, runId, { _tag: "RunQueued", ...runQueued(patient) }, started())
      .when(endWith(bad, { jitter: 1 }))
      .then(over(bad), { _tag: "RunRetryScheduled", retryAt: 5_000 + backoffMillisMax })
  })

  test("for a reason that the policy does not name ends the run", () => {
    running
      .when(endWith(lost))
      .then(over(lost), { _tag: "RunEnded", processStatus: "failed", ...lost, retriesUsedUp: false })
  })

  test("as the last that the policy allows says that retries are used up", () => {
    const once = { maxAttempts: 1, backoffMillis: 1_000, on: ["failed" as const] }
    given(Runs, runId, { _tag: "RunQueued", ...runQueued(once) }, started())
      .when(endWith(bad))
      .then(over(bad), { _tag: "RunEnded", processStatus: "failed", ...bad, retriesUsedUp: true })
      .document({ retriesUsedUp: true })
  })

  test("that failed after it printed a result keeps the result", () => {
    const mixed: AttemptOutcome = { ...lost, result: { status: "blocked", message: "asks" } }
    running
      .when(endWith(mixed))
      .document({ processStatus: "failed", result: { status: "blocked", message: "asks" } })
  })

  test("whose follow-ups are refused fails without a retry and keeps the result", () => {
    running
      .when(endWith(good, { refusal: "next[0] is no event" }))
      .document({ processStatus: "failed", error: "next[0] is no event", result: { status: "changed" } })
  })

  test("after a cancel was asked for ends as canceled, also when it was lost; a success stays one", () => {
    const asked = given(Runs, runId, queued, started(), { _tag: "RunCancelRequested" })
    asked.when(endWith(lost)).document({ processStatus: "canceled" })
    asked.when(endWith(good)).document({ processStatus: "completed" })
  })

  test("is refused without the lease, for another attempt, after the end, and for no run", () => {
    running.when(endWith(good, { leaseToken: LeaseToken.make("guess") })).thenRejected("LeaseLost")
    running.when(endWith(good, { attemptId: makeAttemptId(runId, 2) })).thenRejected("LeaseLost")
    running.and(failedAttempt(1), ended).when(endWith(good)).thenRejected("LeaseLost")
    given(Runs, runId).when(endWith(good)).thenRejected("UnknownRun")
  })
})

describe("cancel", () => {
  const cancel: RunCommand = { _tag: "Cancel", by: "operator", reason: "not now" }
  const requested: RunFact = { _tag: "RunCancelRequested", by: "operator", reason: "not now" }

  test("of a queued run, or of one that waits for a retry, ends it at once", () => {
    const canceled: RunFact = {
      _tag: "RunEnded",
      processStatus: "canceled",
      exit: { _tag: "Canceled" },
      retriesUsedUp: false
    }
    given(Runs, runId, queued).when(cancel).then(requested, canceled).document({ processStatus: "canceled" })
    const { document } = given(Runs, runId, queued, started(), failedAttempt(1), {
      _tag: "RunRetryScheduled",
      retryAt: 9_000
    }).and(requested, canceled)
    expect(document).toMatchObject({ processStatus: "canceled" })
    expect(document?.retryAt).toBeUndefined()
  })

  test("of a running run asks once", () => {
    given(Runs, runId, queued, started())
      .when(cancel)
      .then(requested)
      .document({ processStatus: "running", cancelRequested: true })
    given(Runs, runId, queued, started(), requested).when(cancel).thenNothing()
  })

  test("of a canceled run is not an error; of one that ended otherwise it is; nor can there be none", () => {
    given(Runs, runId, queued, { _tag: "RunEnded", processStatus: "canceled", retriesUsedUp: false })
      .when(cancel)
      .thenNothing()
    given(Runs, runId, queued, started(), ended).when(cancel).thenRejected("RunAlreadyEnded")
    given(Runs, runId).when(cancel).thenRejected("UnknownRun")
  })
})
